package io.berth.image.tree;

/**
 * A difference between two trees.
 *
 * @param path without leading slash
 */
public record Change(Kind kind, String path) implements Comparable<Change> {
  /** What happened. */
  public enum Kind {
    ADDED,
    CHANGED,
    DELETED
  }

  /** By path, what is in a directory right behind it. */
  @Override
  public int compareTo(Change other) {
    return compare(path, other.path);
  }

  /** A slash comes before everything else. */
  static int compare(String a, String b) {
    int common = Math.min(a.length(), b.length());
    for (int i = 0; i < common; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        return x == '/' ? -1 : y == '/' ? 1 : Character.compare(x, y);
      }
    }
    return Integer.compare(a.length(), b.length());
  }
}
