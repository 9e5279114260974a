package io.berth.image.meta;

import io.berth.base.json.Json;
import io.berth.image.event.Event;
import io.berth.image.event.EventCodec;
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
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A change in progress; what it throws undoes it. */
public final class Transaction extends Query {
  private static final Pattern NAMES =
      Pattern.compile("\\b(?:INTO|UPDATE|FROM) (?:content|image)\\b");

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

  /** The moment of this change. */
  public Instant now() {
    return now;
  }

  /** What a lazy record carries. */
  public String boot() {
    return boot;
  }

  /** Runs a statement; answers how many rows it touched. */
  public int run(String sql, @Nullable Object... arguments) throws SQLException {
    if (NAMES.matcher(sql).find()) {
      changed.add(Metadata.Subject.NAMES);
    }
    try (PreparedStatement statement = statement(sql, arguments)) {
      return statement.executeUpdate();
    }
  }

  /** Tells followers, if this is committed. */
  public void emit(String namespace, Event event) throws SQLException {
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

  /** What others remember of snapshots is not true any more, once this is committed. */
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

  /** Labels as they are stored. */
  public static String text(Map<String, String> labels) {
    return labels.isEmpty() ? "{}" : new String(Json.bytes(labels), StandardCharsets.UTF_8);
  }
}
