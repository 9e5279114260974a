package io.berth.containerd.metadata;

import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.events.ContainerCreate;
import io.berth.api.containerd.events.ContainerDelete;
import io.berth.api.containerd.events.ContainerUpdate;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.Timestamps;
import io.berth.base.store.Database;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Topics;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table of container records; tells its events. Thread-safe. */
@Singleton
public final class ContainerRecords {
  private final Store store;
  private final NamespaceTable namespaces;
  private final EventBroker events;
  private final InstantSource clock;

  @Inject
  ContainerRecords(
      Store store, NamespaceTable namespaces, EventBroker events, InstantSource clock) {
    this.store = store;
    this.namespaces = namespaces;
    this.events = events;
    this.clock = clock;
  }

  /** More that is done in the transaction that makes a record. */
  public interface Beside {
    void write(Connection connection) throws SQLException;
  }

  /** NOT_FOUND if there is none. */
  public Container get(TaskKey key) {
    Container found = store.database().read(connection -> row(connection, key));
    if (found == null) {
      throw notFound(key);
    }
    return found;
  }

  /** Whether there is one. */
  public boolean contains(TaskKey key) {
    return store.database().read(connection -> row(connection, key)) != null;
  }

  /** By id; empty for an unknown namespace. */
  public List<Container> list(String namespace, Filter filter) {
    return store
        .database()
        .read(connection -> {
          List<Container> result = new ArrayList<>();
          try (var query =
              connection.prepareStatement(
                  "SELECT record FROM containers WHERE namespace = ? ORDER BY id")) {
            query.setString(1, namespace);
            var rows = query.executeQuery();
            while (rows.next()) {
              Container container = parse(rows.getBytes(1));
              if (filter.matchesAll() || filter.matches(RecordRules.fields(container))) {
                result.add(container);
              }
            }
          }
          return result;
        });
  }

  /** INVALID_ARGUMENT, or ALREADY_EXISTS; two that race: one wins. Durable. */
  public Container create(String namespace, Container sent) {
    return create(namespace, sent, /* durable= */ true, _ -> {});
  }

  /**
   * The same, with more in the same transaction.
   *
   * @param durable false for a container that removes itself, and need not survive a power cut
   */
  public Container create(String namespace, Container sent, boolean durable, Beside beside) {
    RecordRules.check(sent);
    TaskKey key = new TaskKey(namespace, sent.getId());
    var now = Timestamps.of(clock.instant());
    Container record =
        RecordRules.stored(sent).toBuilder().setCreatedAt(now).setUpdatedAt(now).build();
    Database.Work<Container> work =
        connection -> {
          if (exists(connection, key)) {
            throw new BerthException.AlreadyExists("container \"" + key.id() + "\"");
          }
          namespaces.ensure(connection, namespace);
          try (var insert =
              connection.prepareStatement(
                  "INSERT INTO containers (namespace, id, record) VALUES (?, ?, ?)")) {
            insert.setString(1, namespace);
            insert.setString(2, key.id());
            insert.setBytes(3, record.toByteArray());
            insert.executeUpdate();
          }
          beside.write(connection);
          return record;
        };
    Container created = durable ? store.database().durable(work) : store.database().lazy(work);
    events.publish(
        namespace,
        Topics.CONTAINER_CREATE,
        ContainerCreate.newBuilder()
            .setId(created.getId())
            .setImage(created.getImage())
            .setRuntime(
                ContainerCreate.Runtime.newBuilder()
                    .setName(created.getRuntime().getName())
                    .setOptions(created.getRuntime().getOptions()))
            .build());
    return created;
  }

  /** NOT_FOUND, or INVALID_ARGUMENT for paths that cannot be changed. Durable. */
  public Container update(String namespace, Container sent, List<String> paths) {
    if (sent.getId().isEmpty()) {
      throw new BerthException.InvalidArgument("update a container: id must be set");
    }
    TaskKey key = new TaskKey(namespace, sent.getId());
    Container updated =
        store
            .database()
            .durable(connection -> {
              Container old = row(connection, key);
              if (old == null) {
                throw notFound(key);
              }
              Container result =
                  RecordRules.updated(old, sent, paths).toBuilder()
                      .setCreatedAt(old.getCreatedAt())
                      .setUpdatedAt(Timestamps.of(clock.instant()))
                      .build();
              try (var update =
                  connection.prepareStatement(
                      "UPDATE containers SET record = ? WHERE namespace = ? AND id = ?")) {
                update.setBytes(1, result.toByteArray());
                update.setString(2, namespace);
                update.setString(3, key.id());
                update.executeUpdate();
              }
              return result;
            });
    events.publish(
        namespace,
        Topics.CONTAINER_UPDATE,
        ContainerUpdate.newBuilder()
            .setId(updated.getId())
            .setImage(updated.getImage())
            .putAllLabels(updated.getLabelsMap())
            .setSnapshotKey(updated.getSnapshotKey())
            .build());
    return updated;
  }

  /** NOT_FOUND if there is none. Durable, unless the container removed itself. */
  public void delete(TaskKey key, boolean durable) {
    Database.Work<Integer> work =
        connection -> {
          int rows = 0;
          for (String table : List.of("containers", "named_containers")) {
            try (var delete =
                connection.prepareStatement(
                    "DELETE FROM " + table + " WHERE namespace = ? AND id = ?")) {
              delete.setString(1, key.namespace());
              delete.setString(2, key.id());
              rows += delete.executeUpdate();
            }
          }
          return rows;
        };
    int rows = durable ? store.database().durable(work) : store.database().lazy(work);
    if (rows == 0) {
      throw notFound(key);
    }
    events.publish(
        key.namespace(),
        Topics.CONTAINER_DELETE,
        ContainerDelete.newBuilder().setId(key.id()).build());
  }

  private static BerthException notFound(TaskKey key) {
    return new BerthException.NotFound(
        "container \"" + key.id() + "\" in namespace \"" + key.namespace() + "\"");
  }

  private static boolean exists(Connection connection, TaskKey key) throws SQLException {
    return row(connection, key) != null;
  }

  private static @Nullable Container row(Connection connection, TaskKey key) throws SQLException {
    try (var query =
        connection.prepareStatement(
            "SELECT record FROM containers WHERE namespace = ? AND id = ?")) {
      query.setString(1, key.namespace());
      query.setString(2, key.id());
      var rows = query.executeQuery();
      return rows.next() ? parse(rows.getBytes(1)) : null;
    }
  }

  private static Container parse(byte[] record) {
    try {
      return Container.parseFrom(record);
    } catch (InvalidProtocolBufferException e) {
      throw new BerthException.DataLoss("read a stored container: " + e.getMessage(), e);
    }
  }
}
