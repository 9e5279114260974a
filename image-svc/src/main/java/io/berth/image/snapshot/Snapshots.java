package io.berth.image.snapshot;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Labels;
import io.berth.image.disk.DiskUsage;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.Event;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * All snapshots of all namespaces, of both snapshotters. Thread-safe. Calls make and rename
 * folders; those that record wait for the disk.
 */
@Singleton
public final class Snapshots {
  /**
   * Label of a request: "I want to unpack this one"; if it is there already, nothing is prepared.
   */
  public static final String TARGET = "containerd.io/snapshot.ref";

  /** Label of our own: it is mounted once, and goes with the container that uses it. */
  public static final String FLEETING = "io.berth/fleeting";

  private static final Logger LOG = System.getLogger(Snapshots.class.getName());

  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;
  private final Map<String, Snapshotter> snapshotters = new HashMap<>();
  private final AtomicLong nextId = new AtomicLong();

  @Inject
  public Snapshots(ImagePaths paths, Metadata metadata, TrashBin trash) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
    for (Snapshotter snapshotter :
        List.of(new OverlaySnapshotter(paths), new CopySnapshotter(paths))) {
      snapshotters.put(snapshotter.name(), snapshotter);
    }
  }

  /** Names one: the parts of a call's request that all calls have. */
  public record Key(String namespace, String snapshotter, String key) {}

  /** Compares records with folders; see the package. */
  public void start() throws IOException {
    metadata.durable(transaction ->
        transaction.run(
            "DELETE FROM snapshot WHERE boot IS NOT NULL AND boot <> ?", metadata.boot()));
    Set<Long> known =
        new HashSet<>(
            metadata.read(query -> query.all("SELECT id FROM snapshot", row -> row.number(1))));
    long last = known.stream().mapToLong(Long::longValue).max().orElse(0);
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(paths.snapshots())) {
      for (Path folder : folders) {
        String name = folder.getFileName().toString();
        long id = name.matches("[0-9]{1,18}") ? Long.parseLong(name) : -1;
        last = Math.max(last, id);
        if (!known.contains(id)) {
          trash.take(folder);
        }
      }
    }
    nextId.set(last);
  }

  /** The names of all snapshotters. */
  public Set<String> snapshotterNames() {
    return Set.copyOf(snapshotters.keySet());
  }

  private Snapshotter snapshotter(Key key) {
    Snapshotter snapshotter = snapshotters.get(key.snapshotter);
    if (snapshotter == null) {
      throw new BerthException.InvalidArgument("snapshotter not loaded: " + key.snapshotter);
    }
    return snapshotter;
  }

  /**
   * A new one to write to.
   *
   * @param parent name of a committed one, or empty
   * @throws BerthException ALREADY_EXISTS when the key is taken (it is given to the lease then),
   *     NOT_FOUND without the parent
   */
  public MountSpec prepare(
      Key key, String parent, Map<String, String> labels, @Nullable String lease) {
    return make(
        key, parent, SnapshotInfo.Kind.ACTIVE, labels, lease, Metadata.Durability.DURABLE, _ -> {});
  }

  /** A new one to look at. */
  public MountSpec view(
      Key key, String parent, Map<String, String> labels, @Nullable String lease) {
    return make(
        key, parent, SnapshotInfo.Kind.VIEW, labels, lease, Metadata.Durability.LAZY, _ -> {});
  }

  /** What else belongs to a change. */
  public interface With {
    void run(Transaction transaction) throws SQLException;
  }

  /** As {@link #prepare}, together with another change. */
  public MountSpec prepareWith(
      Key key,
      String parent,
      Map<String, String> labels,
      Metadata.Durability durability,
      With with) {
    return make(key, parent, SnapshotInfo.Kind.ACTIVE, labels, null, durability, with);
  }

  private MountSpec make(
      Key key,
      String parent,
      SnapshotInfo.Kind kind,
      Map<String, String> labels,
      @Nullable String lease,
      Metadata.Durability durability,
      With with) {
    Snapshotter snapshotter = snapshotter(key);
    if (key.key.isEmpty()) {
      throw new BerthException.InvalidArgument("snapshot key must not be empty");
    }
    Map<String, String> stored = Labels.stored(labels);
    refuseTaken(key, stored, lease);
    List<Long> parents = chain(key, parent);
    long id = nextId.incrementAndGet();
    boolean recorded = false;
    try {
      snapshotter.make(id, parents, kind, stored);
      metadata.write(
          durability,
          transaction -> {
            if (exists(transaction, key)) {
              throw taken(key);
            }
            // It may have been removed since the chain was read.
            if (!parent.isEmpty()
                && !exists(transaction, new Key(key.namespace, key.snapshotter, parent))) {
              throw missingParent(parent);
            }
            insert(transaction, key, id, parent, kind, stored, DiskUsage.NONE, durability);
            Leases.add(
                transaction,
                key.namespace,
                lease,
                Lease.Resource.snapshot(key.snapshotter, key.key));
            if (kind == SnapshotInfo.Kind.ACTIVE) {
              transaction.emit(
                  key.namespace, new Event.SnapshotPrepared(key.key, parent, key.snapshotter));
            }
            with.run(transaction);
            return true;
          });
      recorded = true;
    } catch (IOException e) {
      throw DiskFailures.of("prepare snapshot \"" + key.key + "\"", e);
    } finally {
      if (!recorded) {
        takeAway(id);
      }
    }
    return snapshotter.mount(id, parents, kind, stored.containsKey(FLEETING));
  }

  private void refuseTaken(Key key, Map<String, String> labels, @Nullable String lease) {
    String target = labels.get(TARGET);
    Key existing = target == null ? key : new Key(key.namespace, key.snapshotter, target);
    for (Key candidate : List.of(existing, key)) {
      if (find(candidate) != null) {
        if (lease != null) {
          metadata.lazy(transaction -> {
            Leases.add(
                transaction,
                key.namespace,
                lease,
                Lease.Resource.snapshot(key.snapshotter, candidate.key));
            return true;
          });
        }
        throw candidate.equals(key)
            ? taken(key)
            : new BerthException.AlreadyExists("target snapshot \"" + candidate.key + "\"");
      }
    }
  }

  private static void insert(
      Transaction transaction,
      Key key,
      long id,
      String parent,
      SnapshotInfo.Kind kind,
      Map<String, String> labels,
      DiskUsage usage,
      Metadata.Durability durability)
      throws SQLException {
    long now = Row.nanos(transaction.now());
    transaction.run(
        "INSERT INTO snapshot (namespace, snapshotter, key, id, parent, kind, labels, created,"
            + " updated, bytes, inodes, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        key.namespace,
        key.snapshotter,
        key.key,
        id,
        parent,
        kind.number(),
        Transaction.text(labels),
        now,
        now,
        usage.bytes(),
        usage.inodes(),
        durability == Metadata.Durability.DURABLE ? null : transaction.boot());
  }

  /** What to mount for an active one or a view. */
  public MountSpec mounts(Key key) {
    Snapshotter snapshotter = snapshotter(key);
    SnapshotInfo info = stat(key);
    if (info.kind() == SnapshotInfo.Kind.COMMITTED) {
      throw new BerthException.FailedPrecondition(
          "snapshot \"" + key.key + "\" is committed and has no mounts; prepare one on it");
    }
    return snapshotter.mount(
        info.id(), chain(key, info.parent()), info.kind(), info.labels().containsKey(FLEETING));
  }

  /**
   * A committed layer from a folder that was filled elsewhere on the same file system; the folder
   * is moved here.
   */
  public void adopt(
      Key key,
      String parent,
      Path folder,
      DiskUsage usage,
      @Nullable String lease,
      Metadata.Durability durability) {
    Snapshotter snapshotter = snapshotter(key);
    if (!snapshotter.isLayered()) {
      throw new BerthException.NotImplemented("adopt a folder as snapshot of " + key.snapshotter);
    }
    chain(key, parent);
    long id = nextId.incrementAndGet();
    boolean recorded = false;
    try {
      OverlaySnapshotter.create(paths.snapshot(id), "rwx--x--x");
      Files.move(folder, paths.files(id));
      metadata.write(
          durability,
          transaction -> {
            if (exists(transaction, key)) {
              throw taken(key);
            }
            insert(
                transaction,
                key,
                id,
                parent,
                SnapshotInfo.Kind.COMMITTED,
                Map.of(),
                usage,
                durability);
            Leases.add(
                transaction,
                key.namespace,
                lease,
                Lease.Resource.snapshot(key.snapshotter, key.key));
            transaction.emit(
                key.namespace, new Event.SnapshotCommitted("", key.key, key.snapshotter));
            return true;
          });
      recorded = true;
    } catch (IOException e) {
      throw DiskFailures.of("record snapshot \"" + key.key + "\"", e);
    } finally {
      if (!recorded) {
        takeAway(id);
      }
    }
  }

  /**
   * Makes an active one unchangeable under a name.
   *
   * @param rebase parent for one that has none; ignored if it has
   * @throws BerthException ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION when it is not active
   */
  public void commit(
      Key key,
      String name,
      String rebase,
      Map<String, String> labels,
      @Nullable String lease,
      Metadata.Durability durability) {
    snapshotter(key);
    Map<String, String> stored = Labels.stored(labels);
    SnapshotInfo info = stat(key);
    requireActive(key, info);
    Key named = new Key(key.namespace, key.snapshotter, name);
    if (name.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "commit snapshot \"" + key.key + "\": name must not be empty");
    }
    DiskUsage usage = measure(info.id());
    metadata.write(
        durability,
        transaction -> {
          if (exists(transaction, named)) {
            throw taken(named);
          }
          SnapshotInfo current = find(transaction, key);
          if (current == null) {
            throw missing(key);
          }
          requireActive(key, current);
          String parent = current.parent().isEmpty() ? rebase : current.parent();
          if (!parent.isEmpty()
              && !exists(transaction, new Key(key.namespace, key.snapshotter, parent))) {
            throw missingParent(parent);
          }
          delete(transaction, key, /* layer= */ false);
          insert(
              transaction,
              named,
              current.id(),
              parent,
              SnapshotInfo.Kind.COMMITTED,
              stored,
              usage,
              durability);
          Leases.remove(
              transaction, key.namespace, lease, Lease.Resource.snapshot(key.snapshotter, key.key));
          Leases.add(
              transaction, key.namespace, lease, Lease.Resource.snapshot(key.snapshotter, name));
          transaction.emit(
              key.namespace, new Event.SnapshotCommitted(key.key, name, key.snapshotter));
          return true;
        });
  }

  private static void requireActive(Key key, SnapshotInfo info) {
    if (info.kind() != SnapshotInfo.Kind.ACTIVE) {
      throw new BerthException.FailedPrecondition("snapshot \"" + key.key + "\" is not active");
    }
  }

  /** FAILED_PRECONDITION while it has children. The files go behind the answer. */
  public void remove(Key key, @Nullable String lease, Metadata.Durability durability) {
    snapshotter(key);
    metadata.write(
        durability,
        transaction -> {
          if (!remove(transaction, key)) {
            throw missing(key);
          }
          Leases.remove(
              transaction, key.namespace, lease, Lease.Resource.snapshot(key.snapshotter, key.key));
          return true;
        });
  }

  /** As part of a change; answers whether it was there. */
  public boolean remove(Transaction transaction, Key key) throws SQLException {
    SnapshotInfo info = find(transaction, key);
    if (info == null) {
      return false;
    }
    if (transaction.exists(
        "SELECT 1 FROM snapshot WHERE namespace = ? AND snapshotter = ? AND parent = ?",
        key.namespace,
        key.snapshotter,
        key.key)) {
      throw new BerthException.FailedPrecondition("cannot remove snapshot with child");
    }
    delete(transaction, key, info.kind() == SnapshotInfo.Kind.COMMITTED);
    transaction.emit(key.namespace, new Event.SnapshotRemoved(key.key, key.snapshotter));
    transaction.afterwards(() -> takeAway(info.id()));
    return true;
  }

  private static void delete(Transaction transaction, Key key, boolean layer) throws SQLException {
    transaction.changesSnapshot(layer);
    transaction.run(
        "DELETE FROM snapshot WHERE namespace = ? AND snapshotter = ? AND key = ?",
        key.namespace,
        key.snapshotter,
        key.key);
  }

  private void takeAway(long id) {
    try {
      trash.take(paths.snapshot(id));
    } catch (IOException e) {
      LOG.log(
          Level.WARNING,
          "delete snapshot {0}: {1}; the next start tries again",
          id,
          e.getMessage());
    }
  }

  /** NOT_FOUND. */
  public SnapshotInfo stat(Key key) {
    snapshotter(key);
    SnapshotInfo info = find(key);
    if (info == null) {
      throw missing(key);
    }
    return info;
  }

  /** Null when there is none. */
  public @Nullable SnapshotInfo find(Key key) {
    return metadata.read(query -> find(query, key));
  }

  private static @Nullable SnapshotInfo find(Query query, Key key) throws SQLException {
    return query.first(
        "SELECT "
            + SnapshotInfo.COLUMNS
            + " FROM snapshot WHERE namespace = ? AND snapshotter = ? AND key = ?",
        SnapshotInfo::read,
        key.namespace,
        key.snapshotter,
        key.key);
  }

  private static boolean exists(Query query, Key key) throws SQLException {
    return find(query, key) != null;
  }

  /** Labels only; other mask paths are refused. */
  public SnapshotInfo update(Key key, Map<String, String> labels, List<String> maskPaths) {
    snapshotter(key);
    List<String> mask = maskPaths.isEmpty() ? List.of("labels") : maskPaths;
    for (String path : mask) {
      if (!path.equals("labels") && !path.startsWith("labels.")) {
        throw new BerthException.InvalidArgument(
            "cannot update \"" + path + "\" field on snapshot \"" + key.key + "\"");
      }
    }
    return metadata.durable(transaction -> {
      SnapshotInfo old = find(transaction, key);
      if (old == null) {
        throw missing(key);
      }
      Map<String, String> updated = Labels.updated(old.labels(), labels, mask);
      transaction.changesSnapshot(old.kind() == SnapshotInfo.Kind.COMMITTED);
      transaction.run(
          "UPDATE snapshot SET labels = ?, updated = ? WHERE namespace = ? AND snapshotter = ? AND"
              + " key = ?",
          Transaction.text(updated),
          Row.nanos(transaction.now()),
          key.namespace,
          key.snapshotter,
          key.key);
      return new SnapshotInfo(
          old.key(),
          old.id(),
          old.parent(),
          old.kind(),
          updated,
          old.created(),
          transaction.now(),
          old.usage());
    });
  }

  /** Those that pass, by key. */
  public List<SnapshotInfo> list(String namespace, String snapshotter, Filter filter) {
    snapshotter(new Key(namespace, snapshotter, ""));
    return metadata
        .read(query ->
            query.all(
                "SELECT "
                    + SnapshotInfo.COLUMNS
                    + " FROM snapshot WHERE namespace = ? AND snapshotter = ? ORDER BY key",
                SnapshotInfo::read,
                namespace,
                snapshotter))
        .stream()
        .filter(filter::matches)
        .toList();
  }

  /**
   * Its own layer alone: measured now for an active one, as stored for a committed one, nothing for
   * a view.
   */
  public DiskUsage usage(Key key) {
    SnapshotInfo info = stat(key);
    return switch (info.kind()) {
      case ACTIVE -> measure(info.id());
      case COMMITTED -> info.usage();
      case VIEW -> DiskUsage.NONE;
    };
  }

  private DiskUsage measure(long id) {
    try {
      return DiskUsage.of(paths.files(id));
    } catch (IOException e) {
      throw DiskFailures.of("measure snapshot " + id, e);
    }
  }

  /** The folders that make a snapshot's tree, its own first; for a snapshotter that copies, one. */
  public List<Path> folders(Key key) {
    SnapshotInfo info = stat(key);
    List<Path> result = new ArrayList<>();
    boolean layered = snapshotter(key).isLayered();
    if (info.kind() != SnapshotInfo.Kind.VIEW || info.parent().isEmpty()) {
      result.add(paths.files(info.id()));
    }
    for (long parent : chain(key, info.parent())) {
      if (layered || result.isEmpty()) {
        result.add(paths.files(parent));
      }
    }
    return result;
  }

  /** Whether folders hold layers with overlayfs' marks. */
  public boolean isLayered(String snapshotter) {
    return snapshotter(new Key("", snapshotter, "")).isLayered();
  }

  /** The folders of a committed one and those below it, nearest first. */
  private List<Long> chain(Key key, String parent) {
    if (parent.isEmpty()) {
      return List.of();
    }
    return metadata.read(query -> {
      List<Long> ids = new ArrayList<>();
      for (String name = parent; !name.isEmpty(); ) {
        SnapshotInfo info = find(query, new Key(key.namespace, key.snapshotter, name));
        if (info == null) {
          throw missingParent(name);
        }
        if (info.kind() != SnapshotInfo.Kind.COMMITTED) {
          throw new BerthException.InvalidArgument(
              "parent \"" + name + "\" is not committed snapshot");
        }
        ids.add(info.id());
        name = info.parent();
      }
      return ids;
    });
  }

  /** How many there are. */
  public int count() {
    Long count =
        metadata.read(query -> query.first("SELECT count(*) FROM snapshot", row -> row.number(1)));
    return count == null ? 0 : Math.toIntExact(count);
  }

  /** Bytes of all committed layers. */
  public long bytes() {
    Long bytes =
        metadata.read(query ->
            query.first("SELECT ifnull(sum(bytes), 0) FROM snapshot", row -> row.number(1)));
    return bytes == null ? 0 : bytes;
  }

  private static BerthException missing(Key key) {
    return new BerthException.NotFound("snapshot " + key.key + " does not exist");
  }

  private static BerthException missingParent(String parent) {
    return new BerthException.NotFound("parent snapshot " + parent + " does not exist");
  }

  private static BerthException taken(Key key) {
    return new BerthException.AlreadyExists("snapshot \"" + key.key + "\"");
  }
}
