package io.berth.image.snapshot;

import io.berth.base.filter.Filter;
import io.berth.image.disk.DiskUsage;
import io.berth.image.meta.Row;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The record of a snapshot.
 *
 * @param key key of an active one or a view, name of a committed one
 * @param id its folder
 * @param parent name, or empty
 * @param usage of a committed one
 */
public record SnapshotInfo(
    String key,
    long id,
    String parent,
    Kind kind,
    Map<String, String> labels,
    Instant created,
    Instant updated,
    DiskUsage usage)
    implements Filter.Fields {
  static final String COLUMNS = "key, id, parent, kind, labels, created, updated, bytes, inodes";

  /** Says what can be done with a snapshot. */
  public enum Kind {
    VIEW(0),
    ACTIVE(1),
    COMMITTED(2);

    private final int number;

    Kind(int number) {
      this.number = number;
    }

    /** The number under which the kind is stored. */
    int number() {
      return number;
    }

    static Kind of(long number) {
      for (Kind kind : values()) {
        if (kind.number == number) {
          return kind;
        }
      }
      throw new IllegalStateException("snapshot of kind " + number);
    }
  }

  public SnapshotInfo {
    labels = Map.copyOf(labels);
  }

  /** A copy with other labels. */
  SnapshotInfo relabelled(Map<String, String> others, Instant now) {
    return new SnapshotInfo(key, id, parent, kind, others, created, now, usage);
  }

  static SnapshotInfo read(Row row) throws SQLException {
    return new SnapshotInfo(
        row.text(1),
        row.number(2),
        row.text(3),
        Kind.of(row.number(4)),
        row.labels(5),
        row.time(6),
        row.time(7),
        new DiskUsage(row.number(8), row.number(9)));
  }

  @Override
  public @Nullable String value(List<String> path) {
    return switch (path.getFirst()) {
      case "name" -> key;
      case "parent" -> parent;
      case "kind" -> kind.name().toLowerCase(Locale.ROOT);
      case "labels" -> labels.get(Filter.key(path));
      default -> null;
    };
  }
}
