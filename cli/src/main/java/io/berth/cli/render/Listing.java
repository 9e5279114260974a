package io.berth.cli.render;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.json.Json;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An answer of several lines, each both a row for people and a document for programs.
 *
 * <p>{@code --format}: empty or {@code table} for a table, {@code json} for a document a line, else
 * a {@link Template} that is applied to each document.
 */
public final class Listing {
  private final Table table;
  private final List<JsonNode> documents = new ArrayList<>();

  /** With this first line of the table. */
  public Listing(String... header) {
    table = new Table(header);
  }

  /** One line more; as many cells as the header has. */
  public void add(JsonNode document, String... cells) {
    table.row(cells);
    documents.add(document);
  }

  /** A line whose document has the given names and the cells as values, in their order. */
  public void add(List<String> names, String... cells) {
    ObjectNode document = Json.mapper().createObjectNode();
    for (int i = 0; i < cells.length; i++) {
      document.put(names.get(i), cells[i]);
    }
    add(document, cells);
  }

  /** Shows all. */
  public void print(PrintStream out, String format) {
    switch (format) {
      case "", "table" -> table.print(out);
      case "json" -> {
        for (JsonNode document : documents) {
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
