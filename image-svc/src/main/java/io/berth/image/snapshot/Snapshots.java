package io.berth.image.snapshot;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Labels;
import io.berth.image.disk.DiskFailures;
import io.berth.image.disk.DiskUsage;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.StoreEvent;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Transaction;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All snapshots of all namespaces, of both snapshotters. Thread-safe. Calls make and rename
 * folders; those that record durably wait for the disk.
 */
@Singleton
public final class Snapshots {
  /**
   * The label by which a request says which committed snapshot it wants to unpack; if that is there
   * already, nothing is prepared.
   */
  public static final String TARGET = "containerd.io/snapshot.ref";

  /** Our own label of a snapshot that is mounted once and goes with the container that uses it. */
  public static final String FLEETING = "io.berth/fleeting";

  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;
  private final SnapshotMaker maker;
  private final Map<String, Snapshotter> snapshotters = new HashMap<>();

  @Inject
  public Snapshots(ImagePaths paths, Metadata metadata, TrashBin trash) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
    SnapshotFolders folders = new SnapshotFolders(paths);
    this.maker = new SnapshotMaker(paths, metadata, trash, folders);
    for (Snapshotter snapshotter :
        List.of(new OverlaySnapshotter(paths, folders), new CopySnapshotter(paths, folders))) {
      snapshotters.put(snapshotter.name(), snapshotter);
    }
  }

  /** Names a snapshot by what the requests of all calls have. */
  public record Key(String namespace, String snapshotter, String key) {
    /** Another snapshot of the same namespace and snapshotter. */
    Key named(String name) {
      return new Key(namespace, snapshotter, name);
    }
  }

  /** What else belongs to a change. */
  public interface With {
    void run(Transaction transaction) throws SQLException;
  }

  /** Removes what a crash left. To be called before the first snapshot is made. */
  public void start() throws IOException {
    maker.start();
  }

  /** INVALID_ARGUMENT for one that there is not. */
  private Snapshotter snapshotter(String name) {
    Snapshotter snapshotter = snapshotters.get(name);
    if (snapshotter == null) {
      throw new BerthException.InvalidArgument("snapshotter not loaded: " + name);
    }
    return snapshotter;
  }

  /**
   * Makes a snapshot that can be written to.
   *
   * @param parent name of a committed one, or empty
   * @param lease keeps the new one, or the one that is there; null for none
   * @return what to mount
   * @throws BerthException ALREADY_EXISTS when the key is taken, NOT_FOUND without the parent,
   *     RESOURCE_EXHAUSTED when the disk is full
   */
  public MountSpec prepare(
      Key key, String parent, Map<String, String> labels, @Nullable String lease) {
    return make(
        new SnapshotMaker.Wish(
            key, parent, SnapshotInfo.Kind.ACTIVE, labels, lease, Metadata.Durability.DURABLE),
        _ -> {});
  }

  /** Makes a snapshot that can only be read; otherwise as {@link #prepare}, recorded lazily. */
  public MountSpec view(
      Key key, String parent, Map<String, String> labels, @Nullable String lease) {
    return make(
        new SnapshotMaker.Wish(
            key, parent, SnapshotInfo.Kind.VIEW, labels, lease, Metadata.Durability.LAZY),
        _ -> {});
  }

  /** As {@link #prepare}, in one change with another. */
  public MountSpec prepareWith(
      Key key,
      String parent,
      Map<String, String> labels,
      Metadata.Durability durability,
      With with) {
    return make(
        new SnapshotMaker.Wish(key, parent, SnapshotInfo.Kind.ACTIVE, labels, null, durability),
        with);
  }

  private MountSpec make(SnapshotMaker.Wish wish, With with) {
    return maker.make(snapshotter(wish.key().snapshotter), wish, with);
  }

  /**
   * What to mount for an active snapshot or a view.
   *
   * @throws BerthException NOT_FOUND; FAILED_PRECONDITION for a committed one
   */
  public MountSpec mounts(Key key) {
    SnapshotInfo info = stat(key);
    if (info.kind() == SnapshotInfo.Kind.COMMITTED) {
      throw new BerthException.FailedPrecondition(
          "snapshot \"" + key.key + "\" is committed and has no mounts; prepare one on it");
    }
    return snapshotter(key.snapshotter)
        .mount(
            info.id(), chain(key, info.parent()), info.kind(), info.labels().containsKey(FLEETING));
  }

  /**
   * Makes a committed snapshot of a folder that was filled elsewhere on the same file system; the
   * folder is moved here.
   *
   * @throws BerthException ALREADY_EXISTS, NOT_FOUND without the parent, UNIMPLEMENTED for a
   *     snapshotter that copies
   */
  public void adopt(
      Key key,
      String parent,
      Path folder,
      DiskUsage usage,
      @Nullable String lease,
      Metadata.Durability durability) {
    if (!isLayered(key.snapshotter)) {
      throw new BerthException.NotImplemented("adopt a folder as snapshot of " + key.snapshotter);
    }
    maker.adopt(
        new SnapshotMaker.Wish(
            key, parent, SnapshotInfo.Kind.COMMITTED, Map.of(), lease, durability),
        folder,
        usage);
  }

  /**
   * Makes an active snapshot unchangeable under a name.
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
    Map<String, String> stored = Labels.stored(labels);
    SnapshotInfo info = stat(key);
    requireActive(key, info);
    if (name.isEmpty()) {
      throw new BerthException.InvalidArgument(
          "commit snapshot \"" + key.key + "\": name must not be empty");
    }
    Key named = key.named(name);
    DiskUsage usage = measure(info.id());
    metadata.write(
        durability,
        transaction -> {
          SnapshotRecords.requireFree(transaction, named);
          SnapshotInfo current = SnapshotRecords.get(transaction, key);
          requireActive(key, current);
          String parent = current.parent().isEmpty() ? rebase : current.parent();
          SnapshotRecords.requireParent(transaction, key, parent);
          SnapshotRecords.delete(transaction, key, /* committed= */ false);
          SnapshotRecords.insert(
              transaction,
              new SnapshotRecords.Draft(
                  named, current.id(), parent, SnapshotInfo.Kind.COMMITTED, stored, usage),
              durability);
          SnapshotRecords.unlease(transaction, lease, key);
          SnapshotRecords.lease(transaction, lease, named);
          transaction.emit(
              key.namespace, new StoreEvent.SnapshotCommitted(key.key, name, key.snapshotter));
          return true;
        });
  }

  private static void requireActive(Key key, SnapshotInfo info) {
    if (info.kind() != SnapshotInfo.Kind.ACTIVE) {
      throw new BerthException.FailedPrecondition("snapshot \"" + key.key + "\" is not active");
    }
  }

  /**
   * Removes a snapshot; its files go behind the answer.
   *
   * @throws BerthException NOT_FOUND; FAILED_PRECONDITION while it has children
   */
  public void remove(Key key, @Nullable String lease, Metadata.Durability durability) {
    var _ = snapshotter(key.snapshotter);
    metadata.write(
        durability,
        transaction -> {
          remove(transaction, SnapshotRecords.get(transaction, key), key);
          SnapshotRecords.unlease(transaction, lease, key);
          return true;
        });
  }

  /** Removes a snapshot as part of a change; answers whether it was there. */
  public boolean remove(Transaction transaction, Key key) throws SQLException {
    SnapshotInfo info = SnapshotRecords.find(transaction, key);
    if (info != null) {
      remove(transaction, info, key);
    }
    return info != null;
  }

  private void remove(Transaction transaction, SnapshotInfo info, Key key) throws SQLException {
    SnapshotRecords.requireChildless(transaction, key);
    SnapshotRecords.delete(transaction, key, info.kind() == SnapshotInfo.Kind.COMMITTED);
    transaction.emit(key.namespace, new StoreEvent.SnapshotRemoved(key.key, key.snapshotter));
    transaction.afterwards(() -> trash.takeOrLog(paths.snapshot(info.id())));
  }

  /** The record of a snapshot; NOT_FOUND without one. */
  public SnapshotInfo stat(Key key) {
    var _ = snapshotter(key.snapshotter);
    return metadata.read(query -> SnapshotRecords.get(query, key));
  }

  /** The record of a snapshot, null without one. */
  public @Nullable SnapshotInfo find(Key key) {
    return metadata.read(query -> SnapshotRecords.find(query, key));
  }

  /**
   * Changes labels.
   *
   * @param maskPaths {@code labels} or {@code labels.KEY}; empty: all labels are replaced
   * @throws BerthException NOT_FOUND; INVALID_ARGUMENT for another path, for nothing else can
   *     change
   */
  public SnapshotInfo update(Key key, Map<String, String> labels, List<String> maskPaths) {
    var _ = snapshotter(key.snapshotter);
    List<String> mask = maskPaths.isEmpty() ? List.of("labels") : maskPaths;
    for (String path : mask) {
      if (!path.equals("labels") && !path.startsWith("labels.")) {
        throw new BerthException.InvalidArgument(
            "cannot update \"" + path + "\" field on snapshot \"" + key.key + "\"");
      }
    }
    return metadata.durable(transaction -> {
      SnapshotInfo old = SnapshotRecords.get(transaction, key);
      Map<String, String> updated = Labels.updated(old.labels(), labels, mask);
      transaction.changesSnapshot(old.kind() == SnapshotInfo.Kind.COMMITTED);
      SnapshotRecords.updateLabels(transaction, key, updated);
      return old.relabelled(updated, transaction.now());
    });
  }

  /** The snapshots that pass the filter, ordered by key. */
  public List<SnapshotInfo> list(String namespace, String snapshotter, Filter filter) {
    var _ = snapshotter(snapshotter);
    return metadata.read(query -> SnapshotRecords.list(query, namespace, snapshotter)).stream()
        .filter(filter::matches)
        .toList();
  }

  /**
   * What a snapshot's own layer takes: measured now for an active one, as stored for a committed
   * one, nothing for a view.
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
      throw DiskFailures.of("measure snapshot " + id, e, paths.snapshots());
    }
  }

  /** The folders that make a snapshot's tree, its own first; for a snapshotter that copies, one. */
  public List<Path> folders(Key key) {
    SnapshotInfo info = stat(key);
    List<Path> result = new ArrayList<>();
    boolean layered = isLayered(key.snapshotter);
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

  /** Whether each folder of this snapshotter holds one layer alone, with overlayfs' marks. */
  public boolean isLayered(String snapshotter) {
    return snapshotter(snapshotter).isLayered();
  }

  private List<Long> chain(Key key, String parent) {
    return parent.isEmpty()
        ? List.of()
        : metadata.read(query -> SnapshotRecords.chain(query, key, parent));
  }

  /** How many snapshots there are in all namespaces. */
  public int count() {
    Long count =
        metadata.read(query -> query.first("SELECT count(*) FROM snapshot", row -> row.number(1)));
    return count == null ? 0 : Math.toIntExact(count);
  }

  /** The bytes of all committed layers of all namespaces. */
  public long bytes() {
    Long bytes =
        metadata.read(query ->
            query.first("SELECT ifnull(sum(bytes), 0) FROM snapshot", row -> row.number(1)));
    return bytes == null ? 0 : bytes;
  }
}
