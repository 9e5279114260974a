package io.berth.containerd.metadata;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.TaskKey;
import io.berth.base.store.Database;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence.ContainerCreated;
import io.berth.containerd.event.Occurrence.ContainerDeleted;
import io.berth.containerd.event.Occurrence.ContainerUpdated;
import io.berth.containerd.metadata.ContainerRecord.Times;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The records of containers. A change is committed when the call returns, and is then told as an
 * event. Thread-safe; calls block for the database.
 */
@Singleton
public final class ContainerRecords {
  private final Store store;
  private final NamespaceTable namespaces;
  private final RecordCodec codec;
  private final EventBroker events;
  private final InstantSource clock;

  @Inject
  ContainerRecords(
      Store store,
      NamespaceTable namespaces,
      RecordCodec codec,
      EventBroker events,
      InstantSource clock) {
    this.store = store;
    this.namespaces = namespaces;
    this.codec = codec;
    this.events = events;
    this.clock = clock;
  }

  /** What a caller writes in the transaction that makes a record. */
  public interface Beside {
    /** Writes; a failure takes the record back as well. */
    void write(Connection connection) throws SQLException;
  }

  /** The record of a container; NOT_FOUND if there is none. */
  public ContainerRecord get(TaskKey key) {
    ContainerRecord found = store.database().read(connection -> row(connection, key));
    if (found == null) {
      throw notFound(key);
    }
    return found;
  }

  /** Whether there is a record. */
  public boolean contains(TaskKey key) {
    return store.database().read(connection -> row(connection, key)) != null;
  }

  /** The records of a namespace that pass the filter, by id; none for an unknown namespace. */
  public List<ContainerRecord> list(String namespace, Filter filter) {
    return store
        .database()
        .read(connection -> {
          List<ContainerRecord> result = new ArrayList<>();
          try (var query =
              connection.prepareStatement(
                  "SELECT record FROM containers WHERE namespace = ? ORDER BY id")) {
            query.setString(1, namespace);
            var rows = query.executeQuery();
            while (rows.next()) {
              ContainerRecord container = codec.decode(rows.getBytes(1));
              if (filter.matchesAll() || filter.matches(RecordRules.fields(container))) {
                result.add(container);
              }
            }
          }
          return result;
        });
  }

  /** The records of all namespaces that have a label of this name. */
  public Map<TaskKey, ContainerRecord> withLabel(String name) {
    return store
        .database()
        .read(connection -> {
          Map<TaskKey, ContainerRecord> result = new LinkedHashMap<>();
          // The bytes of a record hold the names of its labels as they are.
          try (var query =
              connection.prepareStatement(
                  "SELECT namespace, record FROM containers WHERE instr(record, ?) > 0")) {
            query.setBytes(1, name.getBytes(StandardCharsets.UTF_8));
            var rows = query.executeQuery();
            while (rows.next()) {
              ContainerRecord container = codec.decode(rows.getBytes(2));
              if (container.labels().containsKey(name)) {
                result.put(new TaskKey(rows.getString(1), container.id()), container);
              }
            }
          }
          return result;
        });
  }

  /**
   * Makes a record that survives a power cut. INVALID_ARGUMENT for one that breaks the rules,
   * ALREADY_EXISTS if the id is taken; of two that race one wins.
   *
   * @return the record as it was stored
   */
  public ContainerRecord create(String namespace, ContainerRecord sent) {
    return create(namespace, sent, /* durable= */ true, _ -> {});
  }

  /**
   * The same, and writes more in the same transaction.
   *
   * @param durable false for a container that removes itself, and need not survive a power cut
   * @param beside runs in the transaction, after the record was written
   */
  public ContainerRecord create(
      String namespace, ContainerRecord sent, boolean durable, Beside beside) {
    RecordRules.check(sent);
    TaskKey key = new TaskKey(namespace, sent.id());
    Instant now = clock.instant();
    ContainerRecord record = RecordRules.stored(sent).withTimes(new Times(now, now));
    Database.Work<ContainerRecord> work =
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
            insert.setBytes(3, codec.encode(record));
            insert.executeUpdate();
          }
          beside.write(connection);
          return record;
        };
    ContainerRecord created =
        durable ? store.database().durable(work) : store.database().lazy(work);
    events.publish(
        namespace,
        new ContainerCreated(
            created.id(), created.image(), created.runtime().name(), created.runtime().options()));
    return created;
  }

  /**
   * Changes a record; the change survives a power cut. NOT_FOUND if there is none, INVALID_ARGUMENT
   * for paths that cannot be changed.
   *
   * @param paths of containerd's field mask, such as {@code labels.KEY}; none replaces everything
   *     that can be changed
   * @return the record as it is stored from now on
   */
  public ContainerRecord update(String namespace, ContainerRecord sent, List<String> paths) {
    if (sent.id().isEmpty()) {
      throw new BerthException.InvalidArgument("update a container: id must be set");
    }
    TaskKey key = new TaskKey(namespace, sent.id());
    ContainerRecord updated =
        store
            .database()
            .durable(connection -> {
              ContainerRecord old = row(connection, key);
              if (old == null) {
                throw notFound(key);
              }
              ContainerRecord result =
                  RecordRules.updated(old, sent, paths)
                      .withTimes(new Times(old.times().created(), clock.instant()));
              try (var update =
                  connection.prepareStatement(
                      "UPDATE containers SET record = ? WHERE namespace = ? AND id = ?")) {
                update.setBytes(1, codec.encode(result));
                update.setString(2, namespace);
                update.setString(3, key.id());
                update.executeUpdate();
              }
              return result;
            });
    events.publish(
        namespace,
        new ContainerUpdated(
            updated.id(), updated.image(), updated.labels(), updated.rootfs().key()));
    return updated;
  }

  /**
   * Removes a record, and what stands beside it in the table of named containers. NOT_FOUND if
   * there is none.
   *
   * @param durable whether a power cut must not bring it back; not so for a container that removes
   *     itself
   */
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
    events.publish(key.namespace(), new ContainerDeleted(key.id()));
  }

  private static BerthException notFound(TaskKey key) {
    return new BerthException.NotFound(
        "container \"" + key.id() + "\" in namespace \"" + key.namespace() + "\"");
  }

  private boolean exists(Connection connection, TaskKey key) throws SQLException {
    return row(connection, key) != null;
  }

  private @Nullable ContainerRecord row(Connection connection, TaskKey key) throws SQLException {
    try (var query =
        connection.prepareStatement(
            "SELECT record FROM containers WHERE namespace = ? AND id = ?")) {
      query.setString(1, key.namespace());
      query.setString(2, key.id());
      var rows = query.executeQuery();
      return rows.next() ? codec.decode(rows.getBytes(1)) : null;
    }
  }
}
