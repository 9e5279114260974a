package io.berth.image.meta;

import io.berth.base.json.Json;
import io.berth.image.event.EventCodec;
import io.berth.image.event.StoreEvent;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A change in progress. An exception out of it undoes it. */
public final class Transaction extends Query {
  private final EventCodec codec;
  private final Instant now;
  private final String boot;
  final List<Runnable> afterwards = new ArrayList<>();
  boolean emitted;
  final Set<Metadata.Subject> changed = EnumSet.noneOf(Metadata.Subject.class);

  Transaction(Connection connection, EventCodec codec, Instant now, String boot) {
    super(connection);
    this.codec = codec;
    this.now = now;
    this.boot = boot;
  }

  /** The time of this change. */
  public Instant now() {
    return now;
  }

  /** The id of this boot, which lazy records carry. */
  public String boot() {
    return boot;
  }

  /**
   * Runs a statement that changes the table {@code content} or {@code image}; answers how many rows
   * it touched. What others remember of content and of image names is wrong once this is committed.
   */
  public int runOnNames(String sql, @Nullable Object... arguments) throws SQLException {
    changed.add(Metadata.Subject.NAMES);
    return run(sql, arguments);
  }

  /** Runs a statement on any other table; answers how many rows it touched. */
  public int run(String sql, @Nullable Object... arguments) throws SQLException {
    try (PreparedStatement statement = statement(sql, arguments)) {
      return statement.executeUpdate();
    }
  }

  /** Records an event, which followers are told if this change is committed. */
  public void emit(String namespace, StoreEvent event) throws SQLException {
    EventCodec.Encoded encoded = codec.encode(event);
    run(
        "INSERT INTO outbox (time, namespace, topic, type_url, value) VALUES (?, ?, ?, ?, ?)",
        Row.nanos(now),
        namespace,
        event.topic(),
        encoded.typeUrl(),
        encoded.value());
    emitted = true;
  }

  /** Says that this change makes wrong what others remember of snapshots. */
  public void changesSnapshot(boolean committed) {
    changed.add(Metadata.Subject.SNAPSHOTS);
    if (committed) {
      changed.add(Metadata.Subject.LAYERS);
    }
  }

  /** Runs on the caller's thread once this is committed; not at all if it is not. */
  public void afterwards(Runnable work) {
    afterwards.add(work);
  }

  /** The text that labels are stored as. */
  public static String text(Map<String, String> labels) {
    return labels.isEmpty() ? "{}" : new String(Json.bytes(labels), StandardCharsets.UTF_8);
  }
}
