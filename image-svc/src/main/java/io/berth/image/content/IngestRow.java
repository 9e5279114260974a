package io.berth.image.content;

import io.berth.image.meta.Row;
import java.sql.SQLException;
import java.time.Instant;

/**
 * The record of an ingest.
 *
 * @param id its folder
 * @param expected digest, or empty
 * @param expires when the collector may take it if no lease holds it
 */
public record IngestRow(
    String namespace,
    String ref,
    long id,
    Instant started,
    long total,
    String expected,
    Instant expires) {
  /** Reads columns in the order of this record. */
  public static final String SELECT =
      "SELECT namespace, ref, id, started, total, expected, expires FROM ingest";

  /** Reads one row. */
  public static IngestRow read(Row row) throws SQLException {
    return new IngestRow(
        row.text(1),
        row.text(2),
        row.number(3),
        row.time(4),
        row.number(5),
        row.text(6),
        row.time(7));
  }
}
