package io.berth.containerd.metadata;

import com.fasterxml.jackson.core.type.TypeReference;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.json.Json;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Namespaces and their labels. Thread-safe. */
@Singleton
public final class NamespaceTable {
  /** Labels that change what this service does. */
  public static final String ISOLATION_LABEL = "berth.isolation";

  private final Store store;
  private final Set<String> known = ConcurrentHashMap.newKeySet();

  @Inject
  NamespaceTable(Store store) {
    this.store = store;
  }

  /** The labels; empty for an unknown one. */
  public Map<String, String> labels(String name) {
    byte[] labels = store.database().read(connection -> row(connection, name));
    return labels == null ? Map.of() : decode(labels);
  }

  /** All, by name. */
  public Map<String, Map<String, String>> all() {
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

  /** ALREADY_EXISTS if it is there. Durable. */
  public void create(String name, Map<String, String> labels) {
    store
        .database()
        .durable(connection -> {
          if (row(connection, name) != null) {
            throw new BerthException.AlreadyExists("namespace \"" + name + "\"");
          }
          write(connection, name, labels);
          return null;
        });
  }

  /** Changes the labels, of an unknown one those of nothing; answers them. Durable. */
  public Map<String, String> update(String name, UnaryOperator<Map<String, String>> change) {
    return store
        .database()
        .durable(connection -> {
          byte[] old = row(connection, name);
          Map<String, String> labels = change.apply(old == null ? Map.of() : decode(old));
          write(connection, name, labels);
          return labels;
        });
  }

  /** NOT_FOUND if unknown, FAILED_PRECONDITION if containers are in it. Durable. */
  public void delete(String name) {
    store
        .database()
        .durable(connection -> {
          if (row(connection, name) == null) {
            throw new BerthException.NotFound("namespace \"" + name + "\"");
          }
          try (var query =
              connection.prepareStatement("SELECT 1 FROM containers WHERE namespace = ? LIMIT 1")) {
            query.setString(1, name);
            if (query.executeQuery().next()) {
              throw new BerthException.FailedPrecondition(
                  "namespace \"" + name + "\" must be empty, but it still has containers");
            }
          }
          try (var delete = connection.prepareStatement("DELETE FROM namespaces WHERE name = ?")) {
            delete.setString(1, name);
            delete.executeUpdate();
          }
          return null;
        });
    known.remove(name);
  }

  /** Within a transaction that makes something in it. */
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

  /** Because something was made in it elsewhere; free for a known one. Lazy. */
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
