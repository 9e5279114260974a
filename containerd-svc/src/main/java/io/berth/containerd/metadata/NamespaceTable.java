package io.berth.containerd.metadata;

import com.fasterxml.jackson.core.type.TypeReference;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.Identifier;
import io.berth.base.id.Labels;
import io.berth.base.json.Json;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence.NamespaceCreated;
import io.berth.containerd.event.Occurrence.NamespaceDeleted;
import io.berth.containerd.event.Occurrence.NamespaceUpdated;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The namespaces and their labels. A change is committed when the call returns, and is then told as
 * an event. Thread-safe; calls block for the database.
 */
@Singleton
public final class NamespaceTable {
  /**
   * The label by which a namespace asks for shim processes of its containers' own: {@code
   * container}, or {@code pool}.
   */
  public static final String ISOLATION_LABEL = "berth.isolation";

  private static final Logger LOG = System.getLogger(NamespaceTable.class.getName());

  private final Store store;
  private final Emptiness emptiness;
  private final EventBroker events;

  /** Namespaces that are certainly in the table, so that nothing need be written for them. */
  private final Set<String> known = ConcurrentHashMap.newKeySet();

  @Inject
  NamespaceTable(Store store, Emptiness emptiness, EventBroker events) {
    this.store = store;
    this.emptiness = emptiness;
    this.events = events;
  }

  /** The labels of a namespace; none for an unknown one. */
  public Map<String, String> labels(String name) {
    byte[] labels = store.database().read(connection -> row(connection, name));
    return labels == null ? Map.of() : decode(labels);
  }

  /**
   * The labels of every namespace, by its name and in the order of names; with those that somebody
   * has written into at image-svc's own socket, as far as it answers.
   */
  public Map<String, Map<String, String>> all() {
    discover();
    return store
        .database()
        .read(connection -> {
          Map<String, Map<String, String>> result = new TreeMap<>();
          try (var query = connection.prepareStatement("SELECT name, labels FROM namespaces")) {
            var rows = query.executeQuery();
            while (rows.next()) {
              result.put(rows.getString(1), decode(rows.getBytes(2)));
            }
          }
          return result;
        });
  }

  private void discover() {
    try {
      emptiness.occupied().forEach(this::ensure);
    } catch (BerthException e) {
      LOG.log(Level.DEBUG, "namespaces that only image-svc knows are left out", e);
    }
  }

  /**
   * Makes a namespace. ALREADY_EXISTS if it is there.
   *
   * @param labels those with an empty value are left out
   * @return the labels that it has
   */
  public Map<String, String> create(String name, Map<String, String> labels) {
    Map<String, String> stored = Labels.stored(labels);
    store
        .database()
        .durable(connection -> {
          if (row(connection, name) != null) {
            throw new BerthException.AlreadyExists("namespace \"" + name + "\"")
                .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.NAMESPACE, name));
          }
          write(connection, name, stored);
          return null;
        });
    events.publish(name, new NamespaceCreated(name, stored));
    return stored;
  }

  /**
   * Changes labels. A namespace that is not there is made, as containerd does.
   *
   * @param paths {@code labels.KEY} for each that is set, or removed by an empty value; none
   *     replaces all labels. INVALID_ARGUMENT for other paths
   */
  public void update(String name, Map<String, String> sent, List<String> paths) {
    for (String path : paths) {
      if (!path.startsWith("labels.")) {
        throw new BerthException.InvalidArgument(
            "cannot update `" + path + "` of namespace \"" + name + "\": only labels.KEY");
      }
    }
    List<String> changes = paths.isEmpty() ? List.of("labels") : paths;
    Map<String, String> labels =
        store
            .database()
            .durable(connection -> {
              byte[] stored = row(connection, name);
              Map<String, String> old = stored == null ? Map.of() : decode(stored);
              Map<String, String> changed = Labels.updated(old, sent, changes);
              write(connection, name, changed);
              return changed;
            });
    events.publish(name, new NamespaceUpdated(name, labels));
  }

  /**
   * Removes a namespace. NOT_FOUND if it is unknown, FAILED_PRECONDITION if something is in it,
   * here or in image-svc, UNAVAILABLE if image-svc cannot be asked.
   */
  public void delete(String name) {
    if (store.database().read(connection -> row(connection, name)) == null) {
      discover();
      if (store.database().read(connection -> row(connection, name)) == null) {
        throw new BerthException.NotFound("namespace \"" + name + "\"");
      }
    }
    List<String> remaining = emptiness.remaining(name);
    if (!remaining.isEmpty()) {
      throw new BerthException.FailedPrecondition(
              "namespace \""
                  + name
                  + "\" must be empty, but it still has "
                  + String.join(", ", remaining))
          .with(Obstacle.of(Obstacle.Reason.NAMESPACE_NOT_EMPTY, Obstacle.Kind.NAMESPACE, name));
    }
    store
        .database()
        .durable(connection -> {
          remove(connection, name);
          return null;
        });
    known.remove(name);
    events.publish(name, new NamespaceDeleted(name));
  }

  private static void remove(Connection connection, String name) throws SQLException {
    if (row(connection, name) == null) {
      throw new BerthException.NotFound("namespace \"" + name + "\"");
    }
    try (var query =
        connection.prepareStatement("SELECT 1 FROM containers WHERE namespace = ? LIMIT 1")) {
      query.setString(1, name);
      if (query.executeQuery().next()) {
        throw new BerthException.FailedPrecondition(
                "namespace \"" + name + "\" must be empty, but it still has containers")
            .with(Obstacle.of(Obstacle.Reason.NAMESPACE_NOT_EMPTY, Obstacle.Kind.NAMESPACE, name));
      }
    }
    try (var delete = connection.prepareStatement("DELETE FROM namespaces WHERE name = ?")) {
      delete.setString(1, name);
      delete.executeUpdate();
    }
  }

  /**
   * Makes a namespace, if it is not there, in the transaction that makes something in it. That of
   * the warm-up never comes into the table.
   */
  public void ensure(Connection connection, String name) throws SQLException {
    if (name.equals(Identifier.WARM_UP_NAMESPACE)) {
      return;
    }
    try (var insert =
        connection.prepareStatement("INSERT OR IGNORE INTO namespaces VALUES (?, ?)")) {
      insert.setString(1, name);
      insert.setBytes(2, encode(Map.of()));
      insert.executeUpdate();
    }
  }

  /**
   * Makes a namespace, if it is not there, because something is made in it by another service.
   * Costs nothing for one that was ensured before; a power cut may take the record back.
   */
  public void ensure(String name) {
    if (!known.contains(name)) {
      store
          .database()
          .lazy(connection -> {
            ensure(connection, name);
            return null;
          });
      known.add(name);
    }
  }

  private static byte @Nullable [] row(Connection connection, String name) throws SQLException {
    try (var query = connection.prepareStatement("SELECT labels FROM namespaces WHERE name = ?")) {
      query.setString(1, name);
      var rows = query.executeQuery();
      return rows.next() ? rows.getBytes(1) : null;
    }
  }

  private static void write(Connection connection, String name, Map<String, String> labels)
      throws SQLException {
    try (var insert =
        connection.prepareStatement(
            "INSERT INTO namespaces VALUES (?, ?)"
                + " ON CONFLICT (name) DO UPDATE SET labels = excluded.labels")) {
      insert.setString(1, name);
      insert.setBytes(2, encode(labels));
      insert.executeUpdate();
    }
  }

  private static byte[] encode(Map<String, String> labels) {
    return Json.bytes(new TreeMap<>(labels));
  }

  private static Map<String, String> decode(byte[] json) {
    try {
      return Json.mapper().readValue(json, new TypeReference<TreeMap<String, String>>() {});
    } catch (IOException e) {
      throw new UncheckedIOException("read labels of a namespace", e);
    }
  }
}
