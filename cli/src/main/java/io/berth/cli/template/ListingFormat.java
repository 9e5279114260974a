package io.berth.cli.template;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How the objects of a listing are printed: a template that is used on each of them, or {@code
 * table} and a template, whose columns are then aligned below their titles. {@code \t} and {@code
 * \n} stand for what they name.
 */
public final class ListingFormat {
  private static final String TABLE = "table";

  private final Template template;
  private final boolean table;

  private ListingFormat(Template template, boolean table) {
    this.template = template;
    this.table = table;
  }

  /** Reads a format; INVALID_ARGUMENT for a template that cannot be read. */
  public static ListingFormat parse(String format) {
    boolean table = format.startsWith(TABLE);
    String text = table ? format.substring(TABLE.length()) : format;
    String source = text.replaceAll("^ +| +$", "").replace("\\t", "\t").replace("\\n", "\n");
    return new ListingFormat(Template.parse(source), table);
  }

  /** All objects below their titles, if there are to be any; nothing is told of half of them. */
  public String text(Map<String, String> titles, List<Cells> rows) {
    StringBuilder lines = new StringBuilder();
    if (table) {
      lines.append(template.titles(new TreeMap<>(titles))).append('\n');
    }
    for (Cells row : rows) {
      lines.append(template.apply(Value.of(table ? row.visible() : row))).append('\n');
    }
    return table ? Tabs.align(lines.toString()) : lines.toString();
  }
}
