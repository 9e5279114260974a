package io.berth.image.lease;

import io.berth.base.filter.Filter;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A lease; its id is free text. */
public record Lease(String id, Instant created, Map<String, String> labels)
    implements Filter.Fields {
  /** The label with the time (RFC 3339) after which the collector deletes what carries it. */
  public static final String EXPIRE = "containerd.io/gc.expire";

  /** The label of a lease that keeps only what it lists, not what that refers to. */
  public static final String FLAT = "containerd.io/gc.flat";

  public Lease {
    labels = Map.copyOf(labels);
  }

  /**
   * Something that a lease keeps.
   *
   * @param type {@code content}, {@code ingests}, {@code images} or {@code snapshots/SNAPSHOTTER}
   */
  public record Resource(String type, String id) {
    public static Resource content(String digest) {
      return new Resource("content", digest);
    }

    public static Resource ingest(String ref) {
      return new Resource("ingests", ref);
    }

    public static Resource image(String name) {
      return new Resource("images", name);
    }

    public static Resource snapshot(String snapshotter, String key) {
      return new Resource("snapshots/" + snapshotter, key);
    }
  }

  /** Whether labels say that the time is over; a time that cannot be read never comes. */
  public static boolean isExpired(Map<String, String> labels, Instant now) {
    String text = labels.get(EXPIRE);
    if (text == null) {
      return false;
    }
    try {
      return !now.isBefore(OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException e) {
      return false;
    }
  }

  @Override
  public @Nullable String value(List<String> path) {
    return switch (path.getFirst()) {
      case "id" -> id;
      case "labels" -> labels.get(Filter.key(path));
      default -> null;
    };
  }
}
