package io.berth.image.content;

import io.berth.base.filter.Filter;
import io.berth.base.id.Digest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The record that a namespace has of content. */
public record ContentInfo(
    Digest digest, long size, Instant created, Instant updated, Map<String, String> labels)
    implements Filter.Fields {
  public ContentInfo {
    labels = Map.copyOf(labels);
  }

  @Override
  public @Nullable String value(List<String> path) {
    return switch (path.getFirst()) {
      case "digest" -> digest.toString();
      case "labels" -> labels.get(Filter.key(path));
      default -> null;
    };
  }
}
