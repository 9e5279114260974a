package io.berth.image.tree;

/**
 * A difference between two trees.
 *
 * @param path without leading slash
 */
public record Change(Kind kind, String path) implements Comparable<Change> {
  /** Says what happened to a path. */
  public enum Kind {
    ADDED,
    CHANGED,
    DELETED
  }

  /** Orders changes by path so that what is in a directory comes right behind it. */
  @Override
  public int compareTo(Change other) {
    return compare(path, other.path);
  }

  /** The order of characters in which a slash comes before every other one. */
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
