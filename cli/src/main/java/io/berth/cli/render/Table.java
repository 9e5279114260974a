package io.berth.cli.render;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Columns of text, each as wide as its widest cell, three spaces apart. */
public final class Table {
  private static final int GAP = 3;

  private final List<List<String>> rows = new ArrayList<>();
  private final int narrowest;

  /** With a first line. */
  public Table(List<String> titles) {
    this(titles, 0);
  }

  /**
   * With a first line.
   *
   * @param narrowest how wide a column is at least, the space after it included
   */
  public Table(List<String> titles, int narrowest) {
    rows.add(List.copyOf(titles));
    this.narrowest = narrowest;
  }

  /** Adds a line with a cell for each column. */
  public Table row(String... cells) {
    if (cells.length != rows.getFirst().size()) {
      throw new IllegalArgumentException(cells.length + " cells under " + rows.getFirst());
    }
    rows.add(List.of(cells));
    return this;
  }

  /**
   * Prints all lines. Control characters, which can come from outside, are shown as question marks:
   * a name must not move the cursor.
   */
  public void print(PrintStream out) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    Arrays.fill(widths, Math.max(0, narrowest - GAP));
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String cell = row.get(i).replaceAll("\\p{Cntrl}", "?");
        line.append(cell);
        if (i < columns - 1) {
          line.append(" ".repeat(widths[i] - cell.length() + GAP));
        }
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
