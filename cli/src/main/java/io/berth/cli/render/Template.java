package io.berth.cli.render;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of docker's {@code --format} that scripts use: text with {@code {{.Field.Inner}}},
 * {@code {{json .Field}}}, {@code {{.}}}, and {@code \t}, {@code \n} outside of them.
 */
public final class Template {
  private static final Pattern ACTION =
      Pattern.compile("\\{\\{-?\\s*(json\\s+)?(\\.[\\w.-]*)\\s*-?\\}\\}");

  private final List<Piece> pieces;

  private Template(List<Piece> pieces) {
    this.pieces = pieces;
  }

  private sealed interface Piece permits Text, Field {}

  private record Text(String text) implements Piece {}

  private record Field(List<String> path, boolean json) implements Piece {}

  /** Reads a template; INVALID_ARGUMENT for one that asks for more than this class can do. */
  public static Template parse(String text) {
    List<Piece> pieces = new ArrayList<>();
    String escaped = text.replace("\\t", "\t").replace("\\n", "\n");
    Matcher action = ACTION.matcher(escaped);
    int at = 0;
    while (action.find(at)) {
      pieces.add(plain(text, escaped.substring(at, action.start())));
      List<String> path = List.of(action.group(2).substring(1).split("\\.", -1));
      pieces.add(new Field(path.equals(List.of("")) ? List.of() : path, action.group(1) != null));
      at = action.end();
    }
    pieces.add(plain(text, escaped.substring(at)));
    return new Template(List.copyOf(pieces));
  }

  private static Text plain(String whole, String text) {
    if (text.contains("{{")) {
      throw new BerthException.InvalidArgument(
          "--format `" + whole + "`: only {{.Field}} and {{json .Field}} are known, or `json`");
    }
    return new Text(text);
  }

  /** The text for one document; a field that it does not have is {@code <no value>}. */
  public String apply(JsonNode document) {
    StringBuilder result = new StringBuilder();
    for (Piece piece : pieces) {
      switch (piece) {
        case Text text -> result.append(text.text());
        case Field field -> result.append(show(find(document, field.path()), field.json()));
      }
    }
    return result.toString();
  }

  private static JsonNode find(JsonNode document, List<String> path) {
    JsonNode node = document;
    for (String name : path) {
      JsonNode inner = node.get(name);
      node = inner == null ? MissingNode.getInstance() : inner;
    }
    return node;
  }

  private static String show(JsonNode value, boolean json) {
    if (json) {
      return value.isMissingNode() ? "null" : new String(Json.bytes(value), StandardCharsets.UTF_8);
    }
    return value.isMissingNode() || value.isNull()
        ? "<no value>"
        : value.isContainerNode()
            ? new String(Json.bytes(value), StandardCharsets.UTF_8)
            : value.asText();
  }
}
