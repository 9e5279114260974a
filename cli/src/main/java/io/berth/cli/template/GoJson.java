package io.berth.cli.template;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Writes values as Go's {@code encoding/json} does: fields by their names in JSON and in order. */
final class GoJson {
  private GoJson() {}

  static String text(Value value) {
    return switch (value.type()) {
      case Type.Any _ -> "null";
      case Type.Basic basic -> basic(value, basic);
      case Type.Items _ ->
          value.isNil()
              ? "null"
              : "[" + String.join(",", value.items().stream().map(GoJson::text).toList()) + "]";
      case Type.Dict _ ->
          value.isNil()
              ? "null"
              : "{"
                  + String.join(
                      ",",
                      value.entries().entrySet().stream()
                          .map(one -> quote(one.getKey(), false) + ":" + text(one.getValue()))
                          .toList())
                  + "}";
      case Type.Pointer _ -> value.isNil() ? "null" : text(value.target());
      case Type.Struct struct -> {
        List<String> fields = new ArrayList<>();
        add(fields, value, struct);
        yield "{" + String.join(",", fields) + "}";
      }
      case Type.Methods _ -> value.content() instanceof Cells row ? row(row) : "null";
    };
  }

  /** Docker's own way with listings escapes what HTML would read. */
  private static String row(Cells row) {
    Map<String, String> cells = new TreeMap<>();
    row.cells().forEach((name, cell) -> cells.put(name, quote(cell.get(), true)));
    return "{"
        + String.join(
            ",",
            cells.entrySet().stream()
                .map(one -> quote(one.getKey(), false) + ":" + one.getValue())
                .toList())
        + "}";
  }

  private static void add(List<String> to, Value value, Type.Struct struct) {
    for (int i = 0; i < struct.fields().size(); i++) {
      Type.Struct.Field field = struct.fields().get(i);
      Value content = value.items().get(i);
      if (field.embedded()) {
        if (content.target().type() instanceof Type.Struct inner) {
          add(to, content.target(), inner);
        }
      } else if (!(field.omitEmpty() && empty(content))) {
        to.add(quote(field.json(), false) + ":" + text(content));
      }
    }
  }

  private static boolean empty(Value value) {
    return switch (value.type()) {
      case Type.Struct _ -> false;
      case Type.Basic basic -> basic.kind() != Type.Kind.TIME && !value.isTrue();
      case Type.Any _, Type.Items _, Type.Dict _, Type.Pointer _, Type.Methods _ -> !value.isTrue();
    };
  }

  private static String basic(Value value, Type.Basic basic) {
    return switch (basic.kind()) {
      case BOOL -> String.valueOf(value.flag());
      case INT -> String.valueOf(value.number());
      case UINT -> Long.toUnsignedString(value.number());
      case FLOAT -> {
        double number = value.content() instanceof Double real ? real : 0;
        double size = Math.abs(number);
        yield size != 0 && (size < 1e-6 || size >= 1e21)
            ? Numbers.shortest(number, 0).replaceFirst("e-0(\\d)$", "e-$1")
            : new BigDecimal(Numbers.shortest(number, 21)).toPlainString();
      }
      case STRING -> basic.equals(Type.JSON_NUMBER) ? value.text() : quote(value.text(), false);
      case TIME -> quote(value.text(), false);
    };
  }

  private static String quote(String text, boolean html) {
    StringBuilder quoted = new StringBuilder().append('"');
    for (int i = 0; i < text.length(); i++) {
      char next = text.charAt(i);
      switch (next) {
        case '"', '\\' -> quoted.append('\\').append(next);
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> {
          boolean escape =
              next < ' ' || next == 0x2028 || next == 0x2029 || (html && "<>&".indexOf(next) >= 0);
          quoted.append(escape ? String.format(Locale.ROOT, "\\u%04x", (int) next) : next);
        }
      }
    }
    return quoted.append('"').toString();
  }
}
