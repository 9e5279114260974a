package io.berth.cli.render;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.berth.base.json.Json;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Shows JSON for people, indented by four blanks. */
public final class Pretty {
  private static final ObjectWriter WRITER = Json.mapper().writer(printer());

  private Pretty() {}

  private static DefaultPrettyPrinter printer() {
    DefaultIndenter four = new DefaultIndenter("    ", "\n");
    return new DefaultPrettyPrinter(
            Separators.createDefaultInstance()
                .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                .withArrayEmptySeparator("")
                .withObjectEmptySeparator(""))
        .withObjectIndenter(four)
        .withArrayIndenter(four);
  }

  /** The text of one document. */
  public static String text(JsonNode node) {
    try {
      return WRITER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON for a tree", e);
    }
  }

  /** Prints documents as an indented list, or by a format as a line each. */
  public static void print(PrintStream out, ArrayNode all, String format) {
    switch (format) {
      case "" -> out.println(text(all));
      case "json" ->
          all.forEach(node -> out.println(new String(Json.bytes(node), StandardCharsets.UTF_8)));
      default -> {
        Template template = Template.parse(format);
        all.forEach(node -> out.println(template.apply(node)));
      }
    }
  }
}
