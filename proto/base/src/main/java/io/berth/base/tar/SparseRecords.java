package io.berth.base.tar;

import io.berth.base.error.BerthException;
import org.jspecify.annotations.Nullable;

/**
 * What extended headers say of a sparse file: the formats 0.0, 0.1 and 1.0 of GNU tar (its manual,
 * "PAX Format, Versions 0.0 and 0.1" and the one after it). In 1.0 the map stands before the
 * content.
 */
final class SparseRecords {
  static final String PREFIX = "GNU.sparse.";

  private final StringBuilder numbers = new StringBuilder();
  private String map = "";
  private String major = "";
  private String minor = "";
  private String size = "";
  private @Nullable String name;

  /** Takes a record, whose key begins with {@link #PREFIX}. */
  void take(String key, String value) {
    switch (key.substring(PREFIX.length())) {
      // In 0.0 these two come again and again, in turns.
      case "offset", "numbytes" -> numbers.append(numbers.isEmpty() ? "" : ",").append(value);
      case "map" -> map = value;
      case "major" -> major = value;
      case "minor" -> minor = value;
      case "size", "realsize" -> size = value;
      case "name" -> name = value;
      default -> {
        // The number of parts is counted.
      }
    }
  }

  /** The file's own name; the header has one made up for programs that know no sparse files. */
  @Nullable String name() {
    return name;
  }

  /** The file's size with its holes; -1 if nothing is said of a sparse file. */
  long size() {
    return size.isEmpty() ? -1 : SparseText.number(size);
  }

  /** Whether the map stands before the content. */
  boolean mapComesFirst() {
    if (major.isEmpty() || (major.equals("0") && (minor.equals("0") || minor.equals("1")))) {
      return false;
    }
    if (major.equals("1") && minor.equals("0")) {
      return true;
    }
    throw new BerthException.InvalidArgument(
        "an entry is a sparse file of an unknown format (" + major + "." + minor + ")");
  }

  /** The map of the formats 0.0 and 0.1. */
  SparseMap map() {
    return SparseText.map(map.isEmpty() ? numbers.toString() : map, ',');
  }
}
