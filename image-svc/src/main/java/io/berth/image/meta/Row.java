package io.berth.image.meta;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.json.Json;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One row of an answer. Columns are numbered from 1 on in their order. A row is valid until the
 * next one is read.
 */
public final class Row {
  private final ResultSet row;

  Row(ResultSet row) {
    this.row = row;
  }

  public String text(int column) throws SQLException {
    String text = row.getString(column);
    return text == null ? "" : text;
  }

  public long number(int column) throws SQLException {
    return row.getLong(column);
  }

  public byte[] bytes(int column) throws SQLException {
    byte[] bytes = row.getBytes(column);
    return bytes == null ? new byte[0] : bytes;
  }

  public Instant time(int column) throws SQLException {
    return instant(row.getLong(column));
  }

  /** A column with a map of labels. */
  public Map<String, String> labels(int column) throws SQLException {
    String text = text(column);
    if (text.isEmpty() || text.equals("{}")) {
      return Map.of();
    }
    Map<String, String> labels = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry :
        Json.tree(text.getBytes(StandardCharsets.UTF_8), "labels").properties()) {
      labels.put(entry.getKey(), entry.getValue().asText());
    }
    return labels;
  }

  static Instant instant(long nanos) {
    return Instant.ofEpochSecond(
        Math.floorDiv(nanos, 1_000_000_000L), Math.floorMod(nanos, 1_000_000_000L));
  }

  /** The number that a time is stored as: nanoseconds since 1970. */
  public static long nanos(Instant time) {
    return time.getEpochSecond() * 1_000_000_000L + time.getNano();
  }
}
