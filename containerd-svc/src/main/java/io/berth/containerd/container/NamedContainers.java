package io.berth.containerd.container;

import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.berth.container.v1.Container;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.store.Database;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.metadata.Store;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The rows beside containerd's records. Names are unique in their namespace. Thread-safe. */
@Singleton
final class NamedContainers {
  private static final String COLUMNS = "SELECT namespace, id, record, progress";

  private final Store store;

  @Inject
  NamedContainers(Store store) {
    this.store = store;
  }

  /** Within the transaction that makes the record: ALREADY_EXISTS if the name is taken. */
  ContainerRecords.Beside insertion(NamedContainer container, long createdAt) {
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
        insert.setBytes(5, container.described().toByteArray());
        insert.setBytes(6, Json.bytes(container.progress()));
        insert.executeUpdate();
      }
    };
  }

  // MB-124: the error names the holder and what can be done.
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

  /** Whether somebody has it. */
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

  /** ALREADY_EXISTS with the holder. */
  void describeConflict(String namespace, String name) {
    store
        .database()
        .read(connection -> {
          checkFree(connection, namespace, "", name);
          return null;
        });
  }

  /** Null for a container that another client described, and for none. */
  @Nullable NamedContainer find(TaskKey key) {
    return store.database().read(connection -> row(connection, key));
  }

  /**
   * By full id, by name, or by a prefix of an id that fits one only, in this order (MB-125);
   * NOT_FOUND, or INVALID_ARGUMENT for a prefix that fits several.
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

  private static List<NamedContainer> select(
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

  /** Newest first; of all namespaces if null. */
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

  /** Changes how far it came; null if it is gone. Lazy. */
  @Nullable NamedContainer progress(TaskKey key, UnaryOperator<Progress> change) {
    return store.database().lazy(progressing(key, change));
  }

  /** The same, on disk when it returns, unless the container removes itself. */
  @Nullable NamedContainer lastingProgress(TaskKey key, UnaryOperator<Progress> change) {
    NamedContainer now = find(key);
    return now == null || now.isEphemeral()
        ? progress(key, change)
        : store.database().durable(progressing(key, change));
  }

  private static Database.Work<@Nullable NamedContainer> progressing(
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

  /** Changes what was asked for, its name too; NOT_FOUND if it is gone. Durable. */
  NamedContainer describe(TaskKey key, UnaryOperator<Container> change) {
    return store
        .database()
        .durable(connection -> {
          NamedContainer old = row(connection, key);
          if (old == null) {
            throw new BerthException.NotFound("no such container: `" + key.id() + "`");
          }
          Container changed = change.apply(old.described());
          checkFree(connection, key.namespace(), key.id(), changed.getName());
          try (var update =
              connection.prepareStatement(
                  "UPDATE named_containers SET record = ?, name = ?"
                      + " WHERE namespace = ? AND id = ?")) {
            update.setBytes(1, changed.toByteArray());
            update.setString(2, changed.getName());
            update.setString(3, key.namespace());
            update.setString(4, key.id());
            update.executeUpdate();
          }
          return new NamedContainer(key, changed, old.progress());
        });
  }

  private static @Nullable NamedContainer row(Connection connection, TaskKey key)
      throws SQLException {
    List<NamedContainer> found = select(connection, " AND id = ?2", key.namespace(), key.id());
    return found.isEmpty() ? null : found.getFirst();
  }

  private static NamedContainer read(ResultSet row) throws SQLException {
    try {
      return new NamedContainer(
          new TaskKey(row.getString(1), row.getString(2)),
          Container.parseFrom(row.getBytes(3)),
          Json.read(row.getBytes(4), Progress.class, "progress of a container"));
    } catch (InvalidProtocolBufferException e) {
      throw new BerthException.DataLoss("read a stored container: " + e.getMessage(), e);
    }
  }
}
