package io.berth.cli.render;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.berth.base.json.Json;

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
}
