package io.berth.image.snapshot;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.image.disk.DiskUsage;
import io.berth.image.lease.Lease;
import io.berth.image.lease.Leases;
import io.berth.image.meta.Metadata;
import io.berth.image.meta.Query;
import io.berth.image.meta.Row;
import io.berth.image.meta.Transaction;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The table {@code snapshot}: its statements, and the failures that its rows decide. Every method
 * works within a look or a change that the caller began.
 */
final class SnapshotRecords {
  private SnapshotRecords() {}

  static @Nullable SnapshotInfo find(Query query, Snapshots.Key key) throws SQLException {
    return query.first(
        "SELECT "
            + SnapshotInfo.COLUMNS
            + " FROM snapshot WHERE namespace = ? AND snapshotter = ? AND key = ?",
        SnapshotInfo::read,
        key.namespace(),
        key.snapshotter(),
        key.key());
  }

  /** NOT_FOUND without a record. */
  static SnapshotInfo get(Query query, Snapshots.Key key) throws SQLException {
    SnapshotInfo info = find(query, key);
    if (info == null) {
      throw missing(key);
    }
    return info;
  }

  static List<SnapshotInfo> list(Query query, String namespace, String snapshotter)
      throws SQLException {
    return query.all(
        "SELECT "
            + SnapshotInfo.COLUMNS
            + " FROM snapshot WHERE namespace = ? AND snapshotter = ? ORDER BY key",
        SnapshotInfo::read,
        namespace,
        snapshotter);
  }

  /** ALREADY_EXISTS with a record. */
  static void requireFree(Query query, Snapshots.Key key) throws SQLException {
    if (find(query, key) != null) {
      throw taken(key);
    }
  }

  /**
   * NOT_FOUND without a record of the parent.
   *
   * @param parent name, or empty for none
   */
  static void requireParent(Query query, Snapshots.Key key, String parent) throws SQLException {
    if (!parent.isEmpty() && find(query, key.named(parent)) == null) {
      throw missingParent(parent);
    }
  }

  /** FAILED_PRECONDITION while another snapshot has this one as its parent. */
  static void requireChildless(Query query, Snapshots.Key key) throws SQLException {
    String child =
        query.first(
            "SELECT key FROM snapshot WHERE namespace = ? AND snapshotter = ? AND parent = ?",
            row -> row.text(1),
            key.namespace(),
            key.snapshotter(),
            key.key());
    if (child != null) {
      throw new BerthException.FailedPrecondition("cannot remove snapshot with child")
          .with(
              Obstacle.of(Obstacle.Reason.SNAPSHOT_HAS_CHILDREN, Obstacle.Kind.SNAPSHOT, key.key())
                  .heldBy(Obstacle.Kind.SNAPSHOT, child));
    }
  }

  /**
   * The ids of a committed snapshot and of those below it, nearest first.
   *
   * @param parent name of the committed one; empty for none
   * @throws BerthException NOT_FOUND for one that has no record, INVALID_ARGUMENT for one that is
   *     not committed
   */
  static List<Long> chain(Query query, Snapshots.Key key, String parent) throws SQLException {
    List<Long> ids = new ArrayList<>();
    for (String name = parent; !name.isEmpty(); ) {
      SnapshotInfo info = find(query, key.named(name));
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
  }

  /**
   * A row to be inserted.
   *
   * @param id number of the folder
   * @param labels in their stored form
   */
  record Draft(
      Snapshots.Key key,
      long id,
      String parent,
      SnapshotInfo.Kind kind,
      Map<String, String> labels,
      DiskUsage usage) {}

  static void insert(Transaction transaction, Draft draft, Metadata.Durability durability)
      throws SQLException {
    long now = Row.nanos(transaction.now());
    transaction.run(
        "INSERT INTO snapshot (namespace, snapshotter, key, id, parent, kind, labels, created,"
            + " updated, bytes, inodes, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        draft.key.namespace(),
        draft.key.snapshotter(),
        draft.key.key(),
        draft.id,
        draft.parent,
        draft.kind.number(),
        Transaction.text(draft.labels),
        now,
        now,
        draft.usage.bytes(),
        draft.usage.inodes(),
        durability == Metadata.Durability.DURABLE ? null : transaction.boot());
  }

  static void updateLabels(Transaction transaction, Snapshots.Key key, Map<String, String> labels)
      throws SQLException {
    transaction.run(
        "UPDATE snapshot SET labels = ?, updated = ? WHERE namespace = ? AND snapshotter = ? AND"
            + " key = ?",
        Transaction.text(labels),
        Row.nanos(transaction.now()),
        key.namespace(),
        key.snapshotter(),
        key.key());
  }

  /**
   * Deletes a row.
   *
   * @param committed whether what others remember of committed snapshots becomes wrong by that
   */
  static void delete(Transaction transaction, Snapshots.Key key, boolean committed)
      throws SQLException {
    transaction.changesSnapshot(committed);
    transaction.run(
        "DELETE FROM snapshot WHERE namespace = ? AND snapshotter = ? AND key = ?",
        key.namespace(),
        key.snapshotter(),
        key.key());
  }

  static void lease(Transaction transaction, @Nullable String lease, Snapshots.Key key)
      throws SQLException {
    Leases.add(
        transaction, key.namespace(), lease, Lease.Resource.snapshot(key.snapshotter(), key.key()));
  }

  static void unlease(Transaction transaction, @Nullable String lease, Snapshots.Key key)
      throws SQLException {
    Leases.remove(
        transaction, key.namespace(), lease, Lease.Resource.snapshot(key.snapshotter(), key.key()));
  }

  static BerthException taken(Snapshots.Key key) {
    return new BerthException.AlreadyExists("snapshot \"" + key.key() + "\"")
        .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.SNAPSHOT, key.key()));
  }

  private static BerthException missing(Snapshots.Key key) {
    return new BerthException.NotFound("snapshot " + key.key() + " does not exist");
  }

  private static BerthException missingParent(String parent) {
    return new BerthException.NotFound("parent snapshot " + parent + " does not exist");
  }
}
