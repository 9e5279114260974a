package io.berth.image.content;

import io.berth.base.filter.Filter;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Says how far an ingest is.
 *
 * @param offset bytes there
 * @param total bytes expected, 0 if unknown
 */
public record IngestStatus(String ref, long offset, long total, Instant started, Instant updated)
    implements Filter.Fields {
  @Override
  public @Nullable String value(List<String> path) {
    return path.getFirst().equals("ref") ? ref : null;
  }
}
