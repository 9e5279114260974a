package io.berth.image.rootfs;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.berth.base.error.BerthException;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.lease.WorkLease;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.InitLayer;
import io.berth.image.library.ProgressListener;
import io.berth.image.library.ResolvedImage;
import io.berth.image.library.Unpacker;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Settlement;
import io.berth.image.snapshot.MountSpec;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import io.berth.image.tree.MergedTree;
import io.berth.oci.image.Platform;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The root file systems of containers. Thread-safe.
 *
 * <p>Between the preparation of a snapshot and the container's own record a lease of an hour keeps
 * it; then the record does. One of a life that is over keeps nothing, see {@link #begin}.
 */
@Singleton
public final class Rootfs {
  private static final Duration UNTIL_RECORDED = Duration.ofHours(1);
  private static final String LIFE = "berth.life";
  private static final int MAX_REMEMBERED_GROUPS = 4096;

  private final ImageLibrary library;
  private final Unpacker unpacker;
  private final InitLayer init;
  private final Snapshots snapshots;
  private final Leases leases;
  private final Metadata metadata;
  private final Settlement settlement;

  /** Of the one who prepares, as it has told; empty until it has. */
  private volatile String life = "";

  private record UserKey(
      String namespace, String snapshotter, String chain, String user, List<String> groups) {}

  /**
   * The users that a stack of layers lists. A layer never changes, so an entry never becomes wrong.
   */
  private final Cache<UserKey, ContainerUser> users =
      Caffeine.newBuilder()
          .maximumWeight(MAX_REMEMBERED_GROUPS)
          .weigher((UserKey key, ContainerUser user) -> user.groups().size())
          .build();

  @Inject
  public Rootfs(
      ImageLibrary library,
      Unpacker unpacker,
      InitLayer init,
      Snapshots snapshots,
      Leases leases,
      Metadata metadata,
      Settlement settlement) {
    this.library = library;
    this.unpacker = unpacker;
    this.init = init;
    this.snapshots = snapshots;
    this.leases = leases;
    this.metadata = metadata;
    this.settlement = settlement;
  }

  /**
   * Says what a container needs of its root file system.
   *
   * @param user as {@code docker run -u} takes it; empty: the image's
   * @param groups more groups of the user
   * @param withoutUser whether no user is looked up, because mounts change the files that list them
   * @param fleeting the container removes itself at its end
   * @param platform null for this machine's
   * @param life of the one who asks; empty if it has none, see {@link #begin}
   */
  public record Request(
      Snapshots.Key key,
      String ref,
      String user,
      List<String> groups,
      boolean withoutUser,
      boolean fleeting,
      @Nullable Platform platform,
      String life) {
    public Request {
      groups = List.copyOf(groups);
    }
  }

  /**
   * The root file system that a container gets.
   *
   * @param user null where none was looked up
   */
  public record Prepared(ResolvedImage image, @Nullable ContainerUser user, MountSpec mount) {}

  /**
   * Resolves the image, unpacks it if need be, prepares a snapshot on it and looks the user up. A
   * repetition with the same image gives the same answer.
   */
  public Prepared prepare(Request request) {
    String namespace = request.key.namespace();
    ResolvedImage image = library.resolve(namespace, request.ref, request.platform);
    String parent = image.chainId();
    Snapshots.Key layers = new Snapshots.Key(namespace, request.key.snapshotter(), parent);
    if (!parent.isEmpty() && snapshots.find(layers) == null) {
      unpack(request, image);
    }
    ContainerUser user = request.withoutUser ? null : user(request, image, layers);
    try {
      return new Prepared(
          image, user, prepareNew(request, init.over(namespace, request.key.snapshotter(), image)));
    } catch (BerthException.AlreadyExists e) {
      SnapshotInfo existing = snapshots.stat(request.key);
      if (existing.kind() == SnapshotInfo.Kind.ACTIVE
          && InitLayer.standsOn(existing.parent(), parent)) {
        return new Prepared(image, user, snapshots.mounts(request.key));
      }
      throw e;
    }
  }

  private void unpack(Request request, ResolvedImage image) {
    String namespace = request.key.namespace();
    try (WorkLease lease = WorkLease.take(leases, namespace, "unpack")) {
      unpacker.unpack(
          new Unpacker.Work(
              namespace,
              request.key.snapshotter(),
              lease.id(),
              Metadata.Durability.LAZY,
              ProgressListener.SILENT),
          image.manifest(),
          image.config());
    }
    settlement.request();
  }

  private MountSpec prepareNew(Request request, String parent) {
    Snapshots.Key key = request.key;
    if (!request.fleeting) {
      // Layers that were just fetched or unpacked may not be on the disk yet. Without them a
      // container that is to be there after a power cut could never be started.
      settlement.settleLayers(key.namespace(), key.snapshotter(), parent);
    }
    return snapshots.prepareWith(
        key,
        parent,
        request.fleeting ? Map.of(Snapshots.FLEETING, "1") : Map.of(),
        request.fleeting ? Metadata.Durability.LAZY : Metadata.Durability.DURABLE,
        transaction -> {
          String asks = request.life;
          if (!asks.isEmpty() && !life.isEmpty() && !asks.equals(life)) {
            // Its next life has begun meanwhile, and does not know of it.
            throw new BerthException.Cancelled("prepare `" + key.key() + "`: who asked has died");
          }
          String lease = leaseOf(key);
          leases.drop(transaction, key.namespace(), lease);
          Map<String, String> labels = new HashMap<>();
          labels.put(Lease.EXPIRE, metadata.clockTime().plus(UNTIL_RECORDED).toString());
          labels.put(Lease.FLAT, "1");
          if (!asks.isEmpty()) {
            labels.put(LIFE, asks);
          }
          Leases.create(transaction, key.namespace(), lease, labels);
          Leases.add(
              transaction,
              key.namespace(),
              lease,
              Lease.Resource.snapshot(key.snapshotter(), key.key()));
        });
  }

  /**
   * Whoever prepares is in a new life: what earlier ones have prepared and nobody recorded is left
   * to the collector. What was prepared without a life is not touched.
   */
  public void begin(String current) {
    life = current;
    leases.dropAll((_, labels) -> {
      String owner = labels.get(LIFE);
      return owner != null && !owner.equals(current);
    });
  }

  private static String leaseOf(Snapshots.Key key) {
    return "berth-rootfs-" + key.snapshotter() + "-" + key.key();
  }

  private ContainerUser user(Request request, ResolvedImage image, Snapshots.Key layers) {
    String wanted = request.user;
    if (wanted.isEmpty()) {
      String own = image.config().config().user();
      wanted = own == null ? "" : own;
    }
    String specification = wanted;
    UserKey key =
        new UserKey(
            layers.namespace(), layers.snapshotter(), layers.key(), specification, request.groups);
    ContainerUser known = users.getIfPresent(key);
    if (known == null) {
      known =
          lookUp(
              layers.key().isEmpty() ? List.of() : snapshots.folders(layers),
              layers.snapshotter(),
              specification,
              request.groups);
      users.put(key, known);
    }
    return known;
  }

  /** The mount that makes a container's root file system. */
  public MountSpec mounts(Snapshots.Key key) {
    return snapshots.mounts(key);
  }

  private ContainerUser lookUp(
      List<Path> folders, String snapshotter, String user, List<String> groups) {
    if (folders.isEmpty()) {
      return new UserDatabase(new byte[0], new byte[0]).find(user, groups);
    }
    try (MergedTree tree = MergedTree.open(folders, snapshots.isLayered(snapshotter))) {
      return UserDatabase.of(tree).find(user, groups);
    } catch (IOException e) {
      throw new BerthException.Internal("look up user `" + user + "`: " + e.getMessage(), e);
    }
  }

  /** Removes a container's snapshot; it is no error if there is none. */
  public void remove(Snapshots.Key key) {
    SnapshotInfo info = snapshots.find(key);
    boolean fleeting = info != null && info.labels().containsKey(Snapshots.FLEETING);
    metadata.write(
        fleeting ? Metadata.Durability.LAZY : Metadata.Durability.DURABLE,
        transaction -> {
          leases.drop(transaction, key.namespace(), leaseOf(key));
          return snapshots.remove(transaction, key);
        });
  }
}
