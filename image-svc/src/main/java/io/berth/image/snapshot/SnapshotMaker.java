package io.berth.image.snapshot;

import io.berth.base.error.BerthException;
import io.berth.base.id.Labels;
import io.berth.image.disk.DiskFailures;
import io.berth.image.disk.DiskUsage;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.event.StoreEvent;
import io.berth.image.meta.Metadata;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Makes the folders of new snapshots and records them, so that a crash between the two leaves a
 * folder without a record, never a record without a folder. Thread-safe.
 */
final class SnapshotMaker {
  private final ImagePaths paths;
  private final Metadata metadata;
  private final TrashBin trash;
  private final SnapshotFolders folders;

  /** The number of the newest folder; each number is used once. */
  private final AtomicLong lastId = new AtomicLong();

  SnapshotMaker(ImagePaths paths, Metadata metadata, TrashBin trash, SnapshotFolders folders) {
    this.paths = paths;
    this.metadata = metadata;
    this.trash = trash;
    this.folders = folders;
  }

  /**
   * What to make.
   *
   * @param parent name of a committed snapshot, or empty
   * @param lease keeps the new one, or the one that is there; null for none
   */
  record Wish(
      Snapshots.Key key,
      String parent,
      SnapshotInfo.Kind kind,
      Map<String, String> labels,
      @Nullable String lease,
      Metadata.Durability durability) {}

  /**
   * Forgets what another boot recorded lazily, and takes folders without a record away. To be
   * called before the first snapshot is made.
   */
  void start() throws IOException {
    metadata.durable(transaction ->
        transaction.run(
            "DELETE FROM snapshot WHERE boot IS NOT NULL AND boot <> ?", metadata.boot()));
    Set<Long> known =
        new HashSet<>(
            metadata.read(query -> query.all("SELECT id FROM snapshot", row -> row.number(1))));
    long last = known.stream().mapToLong(Long::longValue).max().orElse(0);
    try (DirectoryStream<Path> left = Files.newDirectoryStream(paths.snapshots())) {
      for (Path folder : left) {
        String name = folder.getFileName().toString();
        long id = name.matches("[0-9]{1,18}") ? Long.parseLong(name) : -1;
        last = Math.max(last, id);
        if (!known.contains(id)) {
          trash.take(folder);
        }
      }
    }
    lastId.set(last);
  }

  /** Makes an active snapshot or a view, in one change with another; answers what to mount. */
  MountSpec make(Snapshotter snapshotter, Wish wish, Snapshots.With with) {
    Snapshots.Key key = wish.key;
    if (key.key().isEmpty()) {
      throw new BerthException.InvalidArgument("snapshot key must not be empty");
    }
    Map<String, String> stored = Labels.stored(wish.labels);
    refuseTaken(key, stored, wish.lease);
    List<Long> parents = chain(key, wish.parent);
    long id = lastId.incrementAndGet();
    SnapshotRecords.Draft draft =
        new SnapshotRecords.Draft(key, id, wish.parent, wish.kind, stored, DiskUsage.NONE);
    recordFolder(
        "prepare",
        draft,
        () -> snapshotter.make(id, parents, wish.kind),
        wish.durability,
        transaction -> {
          // It may have been removed since the chain was read.
          SnapshotRecords.requireParent(transaction, key, wish.parent);
          SnapshotRecords.insert(transaction, draft, wish.durability);
          SnapshotRecords.lease(transaction, wish.lease, key);
          if (wish.kind == SnapshotInfo.Kind.ACTIVE) {
            transaction.emit(
                key.namespace(),
                new StoreEvent.SnapshotPrepared(key.key(), wish.parent, key.snapshotter()));
          }
          with.run(transaction);
        });
    return snapshotter.mount(id, parents, wish.kind, stored.containsKey(Snapshots.FLEETING));
  }

  private interface FolderMaker {
    void make() throws IOException;
  }

  /** Makes a folder and then records it; without a record the folder goes again. */
  private void recordFolder(
      String verb,
      SnapshotRecords.Draft draft,
      FolderMaker folder,
      Metadata.Durability durability,
      Snapshots.With change) {
    boolean recorded = false;
    try {
      folder.make();
      metadata.write(
          durability,
          transaction -> {
            SnapshotRecords.requireFree(transaction, draft.key());
            change.run(transaction);
            return true;
          });
      recorded = true;
    } catch (IOException e) {
      throw DiskFailures.of(verb + " snapshot \"" + draft.key().key() + "\"", e, paths.snapshots());
    } finally {
      if (!recorded) {
        trash.takeOrLog(paths.snapshot(draft.id()));
      }
    }
  }

  private void refuseTaken(Snapshots.Key key, Map<String, String> labels, @Nullable String lease) {
    String target = labels.get(Snapshots.TARGET);
    for (Snapshots.Key candidate : List.of(target == null ? key : key.named(target), key)) {
      if (metadata.read(query -> SnapshotRecords.find(query, candidate)) != null) {
        if (lease != null) {
          metadata.lazy(transaction -> {
            SnapshotRecords.lease(transaction, lease, candidate);
            return true;
          });
        }
        throw candidate.equals(key)
            ? SnapshotRecords.taken(key)
            : new BerthException.AlreadyExists("target snapshot \"" + candidate.key() + "\"");
      }
    }
  }

  /** Makes a committed snapshot of a folder, which is moved to its place. */
  void adopt(Wish wish, Path folder, DiskUsage usage) {
    Snapshots.Key key = wish.key;
    var _ = chain(key, wish.parent);
    long id = lastId.incrementAndGet();
    SnapshotRecords.Draft draft =
        new SnapshotRecords.Draft(key, id, wish.parent, wish.kind, wish.labels, usage);
    recordFolder(
        "record",
        draft,
        () -> {
          folders.make(id);
          Files.move(folder, paths.files(id));
        },
        wish.durability,
        transaction -> {
          SnapshotRecords.insert(transaction, draft, wish.durability);
          SnapshotRecords.lease(transaction, wish.lease, key);
          transaction.emit(
              key.namespace(), new StoreEvent.SnapshotCommitted("", key.key(), key.snapshotter()));
        });
  }

  private List<Long> chain(Snapshots.Key key, String parent) {
    return parent.isEmpty()
        ? List.of()
        : metadata.read(query -> SnapshotRecords.chain(query, key, parent));
  }
}
