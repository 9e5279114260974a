package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.json.Json;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An answer of several lines, each both a row for people and a document for programs.
 *
 * <p>The format decides how it is printed: empty or {@code table} as a table, {@code json} as a
 * document a line, anything else is a {@link Template} that is applied to each document.
 */
public final class Listing {
  private final Table table;
  private final List<String> fields;
  private final List<ObjectNode> documents = new ArrayList<>();

  /**
   * An empty one.
   *
   * @param titles the first line of the table
   * @param fields names of the same columns in a document
   */
  public Listing(List<String> titles, List<String> fields) {
    if (titles.size() != fields.size()) {
      throw new IllegalArgumentException(titles + " over " + fields);
    }
    this.table = new Table(titles);
    this.fields = fields;
  }

  /** Adds a line with a cell for each column. */
  public void add(String... cells) {
    table.row(cells);
    ObjectNode document = Json.mapper().createObjectNode();
    for (int i = 0; i < cells.length; i++) {
      document.put(fields.get(i), cells[i]);
    }
    documents.add(document);
  }

  /** Prints all lines; INVALID_ARGUMENT for a template that cannot be read. */
  public void print(PrintStream out, String format) {
    switch (format) {
      case "", "table" -> table.print(out);
      case "json" -> {
        for (ObjectNode document : documents) {
          out.println(new String(Json.bytes(document), StandardCharsets.UTF_8));
        }
      }
      default -> {
        Template template = Template.parse(format);
        documents.forEach(document -> out.println(template.apply(document)));
      }
    }
  }
}
