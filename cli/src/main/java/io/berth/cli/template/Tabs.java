package io.berth.cli.template;

import java.util.ArrayList;
import java.util.List;

/**
 * Aligns cells that end in a tab, as Go's tabwriter does for docker: a column reaches over lines
 * that follow each other and all have a cell in it, is as wide as its widest cell and three blanks,
 * and ten at least. What follows the last tab of a line is in no column.
 */
final class Tabs {
  private static final int NARROWEST = 10;
  private static final int GAP = 3;

  private final List<String[]> lines;
  private final List<Integer> widths = new ArrayList<>();
  private final StringBuilder out = new StringBuilder();

  private Tabs(List<String[]> lines) {
    this.lines = lines;
  }

  /** Aligns whole lines. */
  static String align(String text) {
    Tabs tabs = new Tabs(text.lines().map(line -> line.split("\t", -1)).toList());
    tabs.format(0, tabs.lines.size());
    return tabs.out.toString();
  }

  /** Writes lines of which the columns so far are known. */
  private void format(int from, int to) {
    int column = widths.size();
    int begin = from;
    int at = from;
    while (at < to) {
      if (!has(at, column)) {
        at++;
        continue;
      }
      write(begin, at);
      begin = at;
      int width = NARROWEST;
      int end = at;
      while (end < to && has(end, column)) {
        width = Math.max(width, length(lines.get(end)[column]) + GAP);
        end++;
      }
      widths.add(width);
      format(begin, end);
      widths.removeLast();
      begin = end;
      at = end;
    }
    write(begin, to);
  }

  private boolean has(int line, int column) {
    return column < lines.get(line).length - 1;
  }

  private void write(int from, int to) {
    for (String[] cells : lines.subList(from, to)) {
      for (int i = 0; i < cells.length; i++) {
        out.append(cells[i]);
        if (i < widths.size()) {
          out.append(" ".repeat(widths.get(i) - length(cells[i])));
        }
      }
      out.append('\n');
    }
  }

  private static int length(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
