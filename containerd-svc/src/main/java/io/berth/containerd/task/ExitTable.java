package io.berth.containerd.task;

import io.berth.base.id.TaskKey;
import io.berth.containerd.metadata.Store;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Exits that are known for good. A row lives as long as its task or exec; rows of another boot mean
 * nothing, for their tasks are gone. Thread-safe. Writes return before they are synced to the disk.
 */
@Singleton
public final class ExitTable {
  private final Store store;

  @Inject
  ExitTable(Store store) {
    this.store = store;
  }

  /**
   * Writes an exit; once the disk takes writes, where it does not. When the answer is complete the
   * row survives the death of any process. A power cut ends the task as well, and no row of an
   * earlier boot is ever read: what outlives it is in the named container's own record.
   */
  public CompletableFuture<Void> put(TaskKey key, String execId, Exit exit, String boot) {
    return store
        .late()
        .write(new Subject(key, execId), connection -> insert(connection, key, execId, exit, boot));
  }

  /** Is complete when no row of this process waits to be written. */
  CompletableFuture<Void> written(TaskKey key, String execId) {
    return store.late().written(new Subject(key, execId));
  }

  /** What rows are about. */
  private record Subject(TaskKey key, String execId) {}

  /** What the rows of a whole task are about. */
  private record AllOf(TaskKey key) {}

  private static int insert(
      Connection connection, TaskKey key, String execId, Exit exit, String boot)
      throws SQLException {
    Instant at = exit.at();
    try (var insert =
        connection.prepareStatement(
            "INSERT OR REPLACE INTO exits"
                + " (namespace, id, exec_id, pid, status, seconds, nanos, oom, unknown, boot)"
                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
      insert.setString(1, key.namespace());
      insert.setString(2, key.id());
      insert.setString(3, execId);
      insert.setInt(4, exit.pid());
      insert.setInt(5, exit.status());
      insert.setLong(6, at.getEpochSecond());
      insert.setInt(7, at.getNano());
      insert.setBoolean(8, exit.oomKilled());
      insert.setBoolean(9, exit.unknown());
      insert.setString(10, boot);
      return insert.executeUpdate();
    }
  }

  /** The exits of a task by exec, that of the init under the empty text. */
  public Map<String, Exit> of(TaskKey key) {
    return store
        .database()
        .read(connection -> {
          Map<String, Exit> result = new HashMap<>();
          try (var query =
              connection.prepareStatement(
                  "SELECT exec_id, pid, status, seconds, nanos, oom, unknown FROM exits"
                      + " WHERE namespace = ? AND id = ?")) {
            query.setString(1, key.namespace());
            query.setString(2, key.id());
            var rows = query.executeQuery();
            while (rows.next()) {
              result.put(
                  rows.getString(1),
                  new Exit(
                      rows.getInt(2),
                      rows.getInt(3),
                      Instant.ofEpochSecond(rows.getLong(4), rows.getInt(5)),
                      rows.getBoolean(6),
                      rows.getBoolean(7)));
            }
          }
          return result;
        });
  }

  /** Forgets the exit of one exec, as {@link #put} writes it. */
  public void remove(TaskKey key, String execId) {
    var _ =
        store
            .late()
            .write(
                new Subject(key, execId),
                connection -> {
                  try (var delete =
                      connection.prepareStatement(
                          "DELETE FROM exits WHERE namespace = ? AND id = ? AND exec_id = ?")) {
                    delete.setString(1, key.namespace());
                    delete.setString(2, key.id());
                    delete.setString(3, execId);
                    return delete.executeUpdate();
                  }
                });
  }

  /** Forgets all exits of a task, as {@link #put} writes them. */
  public void removeAll(TaskKey key) {
    var _ = store.late().write(new AllOf(key), connection -> deleteAll(connection, key));
  }

  /** The same for who goes on only when there are none. */
  void clear(TaskKey key) {
    if (!of(key).isEmpty()) {
      store.database().lazy(connection -> deleteAll(connection, key));
    }
  }

  private static int deleteAll(Connection connection, TaskKey key) throws SQLException {
    try (var delete =
        connection.prepareStatement("DELETE FROM exits WHERE namespace = ? AND id = ?")) {
      delete.setString(1, key.namespace());
      delete.setString(2, key.id());
      return delete.executeUpdate();
    }
  }

  /** Forgets the exits of other boots than this one. */
  public void keepOnly(String boot) {
    store
        .database()
        .lazy(connection -> {
          try (var delete = connection.prepareStatement("DELETE FROM exits WHERE boot <> ?")) {
            delete.setString(1, boot);
            return delete.executeUpdate();
          }
        });
  }
}
