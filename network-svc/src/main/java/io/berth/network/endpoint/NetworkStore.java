package io.berth.network.endpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.store.Database;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.MacAddress;
import io.berth.network.address.Subnet;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What this service knows after a restart, in a database. Safe for use by several threads. */
public final class NetworkStore implements AutoCloseable {
  private static final List<String> MIGRATIONS =
      List.of(
          """
          CREATE TABLE network(
            id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, subnet TEXT NOT NULL,
            gateway TEXT NOT NULL, bridge TEXT NOT NULL, bridge_address TEXT NOT NULL,
            internal INTEGER NOT NULL, labels TEXT NOT NULL, options TEXT NOT NULL,
            created_at INTEGER NOT NULL) STRICT;
          CREATE TABLE endpoint(
            id TEXT PRIMARY KEY, namespace TEXT NOT NULL, container TEXT NOT NULL,
            state TEXT NOT NULL, netns TEXT NOT NULL, pinned INTEGER NOT NULL,
            network TEXT NOT NULL, host_link TEXT NOT NULL, link TEXT NOT NULL,
            address TEXT NOT NULL, mac TEXT NOT NULL, ports TEXT NOT NULL, name TEXT NOT NULL,
            aliases TEXT NOT NULL, ephemeral INTEGER NOT NULL, fingerprint TEXT NOT NULL,
            attached_at INTEGER NOT NULL) STRICT;
          CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
          """);

  private final Database database;

  private NetworkStore(Database database) {
    this.database = database;
  }

  public static NetworkStore open(Path file) throws IOException {
    return new NetworkStore(Database.open(file, MIGRATIONS));
  }

  public List<NetworkRecord> networks() {
    return database.read(connection -> {
      List<NetworkRecord> networks = new ArrayList<>();
      try (PreparedStatement query =
              connection.prepareStatement(
                  "SELECT id, name, subnet, gateway, bridge, bridge_address, internal, labels,"
                      + " options, created_at FROM network ORDER BY created_at, id");
          ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          networks.add(
              new NetworkRecord(
                  rows.getString(1),
                  rows.getString(2),
                  Subnet.parse(rows.getString(3)),
                  address(rows.getString(4)),
                  rows.getString(5),
                  mac(rows.getString(6)),
                  rows.getBoolean(7),
                  texts(rows.getString(8)),
                  texts(rows.getString(9)),
                  Instant.ofEpochMilli(rows.getLong(10))));
        }
      }
      return networks;
    });
  }

  /** Records it on disk before it returns. */
  public void add(NetworkRecord network) {
    database.durable(connection -> {
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO network VALUES(?,?,?,?,?,?,?,?,?,?)")) {
        insert.setString(1, network.id());
        insert.setString(2, network.name());
        insert.setString(3, network.subnet().toString());
        insert.setString(4, network.gateway().toString());
        insert.setString(5, network.bridge());
        insert.setString(6, network.bridgeAddress().toString());
        insert.setBoolean(7, network.internal());
        insert.setString(8, json(network.labels()));
        insert.setString(9, json(network.options()));
        insert.setLong(10, network.createdAt().toEpochMilli());
        return insert.executeUpdate();
      }
    });
  }

  /** Records it on disk before it returns. */
  public void removeNetwork(String id) {
    database.durable(connection -> {
      try (PreparedStatement delete =
          connection.prepareStatement("DELETE FROM network WHERE id=?")) {
        delete.setString(1, id);
        return delete.executeUpdate();
      }
    });
  }

  public List<EndpointRecord> endpoints() {
    return database.read(connection -> {
      List<EndpointRecord> endpoints = new ArrayList<>();
      try (PreparedStatement query =
              connection.prepareStatement(
                  "SELECT id, namespace, container, state, netns, pinned, network, host_link, link,"
                      + " address, mac, ports, name, aliases, ephemeral, fingerprint, attached_at"
                      + " FROM endpoint ORDER BY attached_at, id");
          ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          endpoints.add(endpoint(rows));
        }
      }
      return endpoints;
    });
  }

  private static EndpointRecord endpoint(ResultSet row) throws SQLException {
    return new EndpointRecord(
        row.getString(1),
        new EndpointKey(row.getString(2), row.getString(3)),
        EndpointRecord.State.valueOf(row.getString(4)),
        Path.of(row.getString(5)),
        row.getBoolean(6),
        new EndpointRecord.Place(
            row.getString(7),
            row.getString(8),
            row.getString(9),
            address(row.getString(10)),
            mac(row.getString(11))),
        PublishedPort.readAll(row.getString(12)),
        row.getString(13),
        row.getString(14).isEmpty() ? List.of() : List.of(row.getString(14).split(",", -1)),
        Holder.of(row.getInt(15)),
        row.getString(16),
        Instant.ofEpochMilli(row.getLong(17)));
  }

  /** Records an endpoint or its new state, and with it where addresses and ports go on. */
  public void put(EndpointRecord endpoint, Map<String, String> cursors) {
    database.lazy(connection -> {
      try (PreparedStatement insert =
          connection.prepareStatement(
              "INSERT OR REPLACE INTO endpoint VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")) {
        insert.setString(1, endpoint.id());
        insert.setString(2, endpoint.key().namespace());
        insert.setString(3, endpoint.key().container());
        insert.setString(4, endpoint.state().name());
        insert.setString(5, endpoint.netns().toString());
        insert.setBoolean(6, endpoint.pinned());
        insert.setString(7, endpoint.place().network());
        insert.setString(8, endpoint.place().hostLink());
        insert.setString(9, endpoint.place().link());
        insert.setString(10, endpoint.place().address().toString());
        insert.setString(11, endpoint.place().mac().toString());
        insert.setString(12, PublishedPort.writeAll(endpoint.ports()));
        insert.setString(13, endpoint.name());
        insert.setString(14, String.join(",", endpoint.aliases()));
        insert.setInt(15, endpoint.holder().number());
        insert.setString(16, endpoint.fingerprint());
        insert.setLong(17, endpoint.attachedAt().toEpochMilli());
        insert.executeUpdate();
      }
      for (Map.Entry<String, String> cursor : cursors.entrySet()) {
        set(connection, cursor.getKey(), cursor.getValue());
      }
      return 0;
    });
  }

  /** Records the state of an endpoint and leaves the rest of its record. */
  public void setState(String id, EndpointRecord.State state) {
    database.lazy(connection -> {
      try (PreparedStatement update =
          connection.prepareStatement("UPDATE endpoint SET state=? WHERE id=?")) {
        update.setString(1, state.name());
        update.setString(2, id);
        return update.executeUpdate();
      }
    });
  }

  public void removeEndpoints(List<String> ids) {
    database.lazy(connection -> {
      try (PreparedStatement delete =
          connection.prepareStatement("DELETE FROM endpoint WHERE id=?")) {
        for (String id : ids) {
          delete.setString(1, id);
          delete.addBatch();
        }
        return delete.executeBatch().length;
      }
    });
  }

  public Optional<String> setting(String key) {
    return database.read(connection -> {
      try (PreparedStatement query =
          connection.prepareStatement("SELECT value FROM setting WHERE key=?")) {
        query.setString(1, key);
        try (ResultSet row = query.executeQuery()) {
          return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
        }
      }
    });
  }

  /** Records it on disk before it returns. */
  public void setSetting(String key, String value) {
    database.durable(connection -> {
      set(connection, key, value);
      return 0;
    });
  }

  private static void set(Connection connection, String key, String value) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement("INSERT OR REPLACE INTO setting VALUES(?,?)")) {
      insert.setString(1, key);
      insert.setString(2, value);
      insert.executeUpdate();
    }
  }

  private static Ipv4 address(String text) {
    return Ipv4.parse(text)
        .orElseThrow(
            () -> new BerthException.DataLoss("stored address `" + text + "` cannot be read"));
  }

  private static MacAddress mac(String text) {
    return MacAddress.parse(text)
        .orElseThrow(
            () -> new BerthException.DataLoss("stored address `" + text + "` cannot be read"));
  }

  private static String json(Map<String, String> texts) {
    try {
      return Json.mapper().writeValueAsString(texts);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Map<String, String> texts(String json) {
    try {
      return Json.mapper().readValue(json, new TypeReference<Map<String, String>>() {});
    } catch (JsonProcessingException e) {
      throw new BerthException.DataLoss("stored texts `" + json + "` cannot be read", e);
    }
  }

  /** Finishes what is queued. */
  @Override
  public void close() {
    database.close();
  }
}
