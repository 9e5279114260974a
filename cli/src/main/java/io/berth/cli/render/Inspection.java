package io.berth.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.json.Json;
import io.berth.cli.template.Template;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Documents that are shown as a format says: without one as an indented list, by {@code json} as a
 * document a line, else by a template, which is used on each of them.
 */
public final class Inspection {
  private final String format;
  private final @Nullable Template template;
  private final ArrayNode all = Json.mapper().createArrayNode();
  private final StringBuilder lines = new StringBuilder();

  /** Reads the format; INVALID_ARGUMENT for a template that cannot be read. */
  public Inspection(String format) {
    this.format = format;
    this.template = format.isEmpty() || format.equals("json") ? null : Template.parse(format);
  }

  /**
   * Adds a document; FAILED_PRECONDITION when the template cannot be used on it, and then it is
   * left out.
   *
   * @param type of docker's, by whose names a template sees it
   */
  public void add(String type, ObjectNode document) {
    if (template != null) {
      lines.append(template.apply(type, document)).append('\n');
    }
    all.add(document);
  }

  /** Prints what was added; nothing where a format was given and nothing was added. */
  public void print(PrintStream out) {
    if (template != null) {
      out.print(lines);
    } else if (format.equals("json")) {
      all.forEach(node -> out.println(new String(Json.bytes(node), StandardCharsets.UTF_8)));
    } else {
      out.println(Pretty.text(all));
    }
  }
}
