package io.berth.cli.parse;

import java.util.Collection;
import java.util.Comparator;

/** Finds the word that somebody may have meant by one that is not known. */
public final class Nearest {
  private Nearest() {}

  /** {@code , did you mean `x`?} for the known word that is nearest, nothing if none is near. */
  public static String hint(String word, Collection<String> known) {
    return known.stream()
        .min(Comparator.comparingInt(one -> distance(word, one)))
        .filter(best -> distance(word, best) <= Math.max(1, word.length() / 3))
        .map(best -> ", did you mean `" + best + "`?")
        .orElse("");
  }

  /**
   * How many letters must be changed, added, left out or swapped with their neighbour: the distance
   * of Damerau and Levenshtein, in its form that edits no part twice.
   */
  private static int distance(String a, String b) {
    int[][] cost = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          cost[i][j] = i + j;
          continue;
        }
        int same = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        cost[i][j] =
            Math.min(cost[i - 1][j - 1] + same, Math.min(cost[i - 1][j], cost[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          cost[i][j] = Math.min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
      }
    }
    return cost[a.length()][b.length()];
  }
}
