package io.berth.image.name;

import io.berth.base.filter.Filter;
import io.berth.oci.image.Descriptor;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A name and its target. */
public record NamedImage(
    String name, Map<String, String> labels, Descriptor target, Instant created, Instant updated)
    implements Filter.Fields {
  public NamedImage {
    labels = Map.copyOf(labels);
  }

  @Override
  public @Nullable String value(List<String> path) {
    return switch (path.getFirst()) {
      case "name" -> name;
      case "target" ->
          path.size() < 2
              ? null
              : switch (path.get(1)) {
                case "digest" -> target.digest();
                case "mediatype" -> target.mediaType();
                default -> null;
              };
      case "labels" -> labels.get(Filter.key(path));
      case "annotations" -> target.annotations().get(Filter.key(path));
      default -> null;
    };
  }
}
