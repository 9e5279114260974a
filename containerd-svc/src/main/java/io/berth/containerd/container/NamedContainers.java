package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.store.Database;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.metadata.Store;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.DescriptionCodec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The table of containers with names: one row beside each of containerd's records that was made
 * here. Names are unique in their namespace. Whatever changes a container or its task is done under
 * that container's lock. Thread-safe; methods block for the database.
 */
@Singleton
final class NamedContainers {
  private static final String COLUMNS = "SELECT namespace, id, record, progress";

  private final Store store;
  private final DescriptionCodec codec;
  private final KeyLocks locks;

  /** What the rows would have in them if the disk took writes. */
  private final Map<TaskKey, UnaryOperator<Progress>> unwritten = new ConcurrentHashMap<>();

  @Inject
  NamedContainers(Store store, DescriptionCodec codec, KeyLocks locks) {
    this.store = store;
    this.codec = codec;
    this.locks = locks;
  }

  /** Does the work while nothing else is done to this container. Reentrant. */
  <T extends @Nullable Object> T locked(TaskKey key, Supplier<T> work) {
    return locks.with(key, work);
  }

  /** The same for work that has no result. */
  void runLocked(TaskKey key, Runnable work) {
    locks.with(
        key,
        () -> {
          work.run();
          return null;
        });
  }

  /**
   * Inserts the row within the transaction that makes the record, which fails with ALREADY_EXISTS
   * if the name is taken.
   */
  ContainerRecords.Beside insertion(NamedContainer container) {
    long createdAt = Progress.nanos(container.described().createdAt());
    return connection -> {
      checkFree(connection, container.key().namespace(), container.key().id(), container.name());
      try (var insert =
          connection.prepareStatement(
              "INSERT INTO named_containers"
                  + " (namespace, id, name, created_at, record, progress)"
                  + " VALUES (?, ?, ?, ?, ?, ?)")) {
        insert.setString(1, container.key().namespace());
        insert.setString(2, container.key().id());
        insert.setString(3, container.name());
        insert.setLong(4, createdAt);
        insert.setBytes(5, codec.encode(container.described()));
        insert.setBytes(6, Json.bytes(container.progress()));
        insert.executeUpdate();
      }
    };
  }

  // The error names the holder of the name and what can be done.
  private static void checkFree(Connection connection, String namespace, String id, String name)
      throws SQLException {
    try (var query =
        connection.prepareStatement(
            "SELECT id FROM named_containers WHERE namespace = ? AND name = ? AND id <> ?")) {
      query.setString(1, namespace);
      query.setString(2, name);
      query.setString(3, id);
      ResultSet rows = query.executeQuery();
      if (rows.next()) {
        throw new BerthException.AlreadyExists(
                "container name `"
                    + name
                    + "` is in use by container "
                    + rows.getString(1)
                    + "; remove or rename that one, or choose another name")
            .with(
                Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.CONTAINER, name)
                    .heldBy(Obstacle.Kind.CONTAINER, rows.getString(1)));
      }
    }
  }

  /** Whether a container of the namespace has the name. */
  boolean isNameTaken(String namespace, String name) {
    return store
        .database()
        .read(connection -> {
          try (var query =
              connection.prepareStatement(
                  "SELECT 1 FROM named_containers WHERE namespace = ? AND name = ?")) {
            query.setString(1, namespace);
            query.setString(2, name);
            return query.executeQuery().next();
          }
        });
  }

  /** Throws ALREADY_EXISTS with the holder if a container of the namespace has the name. */
  void describeConflict(String namespace, String name) {
    store
        .database()
        .read(connection -> {
          checkFree(connection, namespace, "", name);
          return null;
        });
  }

  /**
   * The container of this key. Null for one that a client of containerd described, and where there
   * is none.
   */
  @Nullable NamedContainer find(TaskKey key) {
    return store.database().read(connection -> row(connection, key));
  }

  /**
   * The container that a person means: by its full id, by its name, or by a prefix of an id that
   * fits one container only, in this order. NOT_FOUND, or INVALID_ARGUMENT for a prefix that fits
   * several.
   */
  NamedContainer resolve(String namespace, String ref) {
    String wanted = ref.startsWith("/") ? ref.substring(1) : ref;
    if (wanted.isEmpty()) {
      throw new BerthException.InvalidArgument("container: a name or an id is needed");
    }
    return store
        .database()
        .read(connection -> {
          List<NamedContainer> exact = select(connection, " AND id = ?2", namespace, wanted);
          if (exact.isEmpty()) {
            exact = select(connection, " AND name = ?2", namespace, wanted);
          }
          if (exact.isEmpty()) {
            String id = ReferenceLookup.find(wanted, ids(connection, namespace), _ -> null);
            exact = select(connection, " AND id = ?2", namespace, id);
          }
          return exact.getFirst();
        });
  }

  private static NavigableSet<String> ids(Connection connection, String namespace)
      throws SQLException {
    NavigableSet<String> result = new TreeSet<>();
    try (var query =
        connection.prepareStatement("SELECT id FROM named_containers WHERE namespace = ?")) {
      query.setString(1, namespace);
      ResultSet rows = query.executeQuery();
      while (rows.next()) {
        result.add(rows.getString(1));
      }
    }
    return result;
  }

  private List<NamedContainer> select(
      Connection connection, String condition, String namespace, String value) throws SQLException {
    try (var query =
        connection.prepareStatement(
            COLUMNS + " FROM named_containers WHERE namespace = ?1" + condition)) {
      query.setString(1, namespace);
      query.setString(2, value);
      List<NamedContainer> result = new ArrayList<>();
      ResultSet rows = query.executeQuery();
      while (rows.next()) {
        result.add(read(rows));
      }
      return result;
    }
  }

  /** The containers of a namespace, or of all namespaces for null; the newest is the first. */
  List<NamedContainer> list(@Nullable String namespace) {
    return store
        .database()
        .read(connection -> {
          try (var query =
              connection.prepareStatement(
                  COLUMNS
                      + " FROM named_containers WHERE ?1 IS NULL OR namespace = ?1"
                      + " ORDER BY created_at DESC, rowid DESC")) {
            query.setString(1, namespace);
            List<NamedContainer> result = new ArrayList<>();
            ResultSet rows = query.executeQuery();
            while (rows.next()) {
              result.add(read(rows));
            }
            return result;
          }
        });
  }

  /**
   * Changes how far a container came, and answers the changed row; null if the container is gone.
   * The change may be lost in a power cut.
   */
  @Nullable NamedContainer progress(TaskKey key, UnaryOperator<Progress> change) {
    UnaryOperator<Progress> early = unwritten.get(key);
    NamedContainer changed = store.database().lazy(progressing(key, change));
    return written(key, early, changed);
  }

  private @Nullable NamedContainer lastingProgress(TaskKey key, UnaryOperator<Progress> change) {
    UnaryOperator<Progress> early = unwritten.get(key);
    NamedContainer changed = store.database().durable(progressing(key, change));
    return written(key, early, changed);
  }

  // A row is read with what was unwritten of it, so that the next write has that in it.
  private @Nullable NamedContainer written(
      TaskKey key, @Nullable UnaryOperator<Progress> early, @Nullable NamedContainer changed) {
    if (early != null) {
      unwritten.remove(key, early);
    }
    return changed;
  }

  /**
   * The same for what has happened, or is wished, whether it can be recorded or not. While the disk
   * takes no writes everybody here sees the change; it is recorded once the disk takes some, and an
   * end of this service meanwhile takes it back.
   */
  @Nullable NamedContainer note(TaskKey key, UnaryOperator<Progress> change) {
    return orLater(key, change, () -> progress(key, change));
  }

  /**
   * As {@link #note}; where the disk takes writes the change is on it when this returns, unless the
   * container removes itself.
   */
  @Nullable NamedContainer noteForGood(TaskKey key, UnaryOperator<Progress> change) {
    NamedContainer now = find(key);
    return now == null || now.isEphemeral()
        ? note(key, change)
        : orLater(key, change, () -> lastingProgress(key, change));
  }

  /** Is complete when all that was noted of a container is recorded. */
  CompletableFuture<Void> recorded(TaskKey key) {
    return store.late().written(key);
  }

  private @Nullable NamedContainer orLater(
      TaskKey key, UnaryOperator<Progress> change, Supplier<@Nullable NamedContainer> write) {
    try {
      return write.get();
    } catch (BerthException.ResourceExhausted | BerthException.FailedPrecondition e) {
      unwritten.merge(
          key, change, (earlier, now) -> progress -> now.apply(earlier.apply(progress)));
      UnaryOperator<Progress> early = unwritten.get(key);
      var _ =
          store
              .late()
              .write(key, progressing(key, UnaryOperator.identity()))
              .thenRun(() -> written(key, early, null));
      return find(key);
    }
  }

  private Database.Work<@Nullable NamedContainer> progressing(
      TaskKey key, UnaryOperator<Progress> change) {
    return connection -> {
      NamedContainer old = row(connection, key);
      if (old == null) {
        return null;
      }
      NamedContainer changed = old.with(change.apply(old.progress()));
      try (var update =
          connection.prepareStatement(
              "UPDATE named_containers SET progress = ? WHERE namespace = ? AND id = ?")) {
        update.setBytes(1, Json.bytes(changed.progress()));
        update.setString(2, key.namespace());
        update.setString(3, key.id());
        update.executeUpdate();
      }
      return changed;
    };
  }

  /**
   * Changes what was asked for, which may be the name too, and answers the changed row. The change
   * is on disk when this returns. NOT_FOUND if the container is gone, ALREADY_EXISTS if the new
   * name is taken.
   */
  NamedContainer describe(TaskKey key, UnaryOperator<ContainerDescription> change) {
    return store
        .database()
        .durable(connection -> {
          NamedContainer old = row(connection, key);
          if (old == null) {
            throw new BerthException.NotFound("no such container: `" + key.id() + "`");
          }
          ContainerDescription changed = change.apply(old.described());
          checkFree(connection, key.namespace(), key.id(), changed.name());
          try (var update =
              connection.prepareStatement(
                  "UPDATE named_containers SET record = ?, name = ?"
                      + " WHERE namespace = ? AND id = ?")) {
            update.setBytes(1, codec.encode(changed));
            update.setString(2, changed.name());
            update.setString(3, key.namespace());
            update.setString(4, key.id());
            update.executeUpdate();
          }
          return new NamedContainer(changed, old.progress());
        });
  }

  private @Nullable NamedContainer row(Connection connection, TaskKey key) throws SQLException {
    List<NamedContainer> found = select(connection, " AND id = ?2", key.namespace(), key.id());
    return found.isEmpty() ? null : found.getFirst();
  }

  private NamedContainer read(ResultSet row) throws SQLException {
    TaskKey key = new TaskKey(row.getString(1), row.getString(2));
    Progress progress = Json.read(row.getBytes(4), Progress.class, "progress of a container");
    UnaryOperator<Progress> since = unwritten.get(key);
    return new NamedContainer(
        codec.decode(key, row.getBytes(3)), since == null ? progress : since.apply(progress));
  }
}
