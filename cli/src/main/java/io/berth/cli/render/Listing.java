package io.berth.cli.render;

import io.berth.cli.template.Cells;
import io.berth.cli.template.ListingFormat;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a verb lists: for people a table, for programs documents or a template's lines.
 *
 * <p>The format decides how it is printed: empty or {@code table} as the verb's own table, {@code
 * json} as a document a line, anything else by a {@link ListingFormat}, which sees the cells by
 * their names.
 */
public final class Listing {
  private final String type;
  private final String columns;
  private final Map<String, String> titles;
  private final List<Cells> rows = new ArrayList<>();

  /**
   * An empty one.
   *
   * @param type what errors call an object, as docker does
   * @param columns the template of the verb's own table
   * @param titles above the columns, by the names of their cells
   */
  public Listing(String type, String columns, Map<String, String> titles) {
    this.type = type;
    this.columns = columns;
    this.titles = titles;
  }

  /**
   * An empty one whose cells are all in its table.
   *
   * @param titles the first line of the table
   * @param fields names of the same columns in a document
   */
  public Listing(List<String> titles, List<String> fields) {
    this(
        "row",
        fields.stream().map(field -> "{{." + field + "}}").collect(Collectors.joining("\t")),
        pairs(titles, fields));
  }

  private static Map<String, String> pairs(List<String> titles, List<String> fields) {
    if (titles.size() != fields.size()) {
      throw new IllegalArgumentException(titles + " over " + fields);
    }
    Map<String, String> pairs = new LinkedHashMap<>();
    for (int i = 0; i < fields.size(); i++) {
      pairs.put(fields.get(i), titles.get(i));
    }
    return pairs;
  }

  /** Titles by the names of their cells, told in pairs: a name, its title. */
  public static Map<String, String> titles(String... namesAndTitles) {
    Map<String, String> titles = new LinkedHashMap<>();
    for (int i = 0; i < namesAndTitles.length; i += 2) {
      titles.put(namesAndTitles[i], namesAndTitles[i + 1]);
    }
    return titles;
  }

  /** Adds an object, whose cells the caller then tells. */
  public Cells row() {
    Cells row = new Cells(type);
    rows.add(row);
    return row;
  }

  /** Adds a line with a cell for each title. */
  public void add(String... cells) {
    if (cells.length != titles.size()) {
      throw new IllegalArgumentException(cells.length + " cells under " + titles.values());
    }
    Cells row = row();
    int at = 0;
    for (String name : titles.keySet()) {
      String cell = cells[at++];
      row.cell(name, () -> cell);
    }
  }

  /**
   * Prints all lines; INVALID_ARGUMENT for a template that cannot be read, FAILED_PRECONDITION for
   * one that asks for what an object does not have.
   */
  public void print(PrintStream out, String format) {
    String wanted =
        switch (format) {
          case "", "table" -> "table " + columns;
          case "json" -> "{{json .}}";
          default -> format;
        };
    out.print(ListingFormat.parse(wanted).text(titles, rows));
  }
}
