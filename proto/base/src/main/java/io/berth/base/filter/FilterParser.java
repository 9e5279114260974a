package io.berth.base.filter;

import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter.Operator;
import io.berth.base.filter.Filter.Selector;
import java.util.ArrayList;
import java.util.List;

/** Recursive descent over one filter; the grammar has no recursion, so neither has this. */
final class FilterParser {
  private final String text;
  private int at;

  FilterParser(String text) {
    this.text = text;
  }

  List<Selector> parse() {
    List<Selector> selectors = new ArrayList<>();
    while (true) {
      selectors.add(selector());
      if (at == text.length()) {
        return selectors;
      }
      if (text.charAt(at) != ',') {
        throw error("expected a separator");
      }
      at++;
    }
  }

  private Selector selector() {
    List<String> path = new ArrayList<>();
    skipSpace();
    path.add(field());
    while (at < text.length() && text.charAt(at) == '.') {
      at++;
      path.add(field());
    }
    int before = at;
    skipSpace();
    if (at == text.length() || !isOperator(text.charAt(at))) {
      if (at != before) {
        throw error("unexpected space");
      }
      return Selector.of(path, Operator.PRESENT, "");
    }
    Operator operator = operator();
    skipSpace();
    return Selector.of(path, operator, value(operator));
  }

  private String field() {
    if (at < text.length() && text.charAt(at) == '"') {
      return quoted('"');
    }
    int start = at;
    while (at < text.length() && isFieldCharacter(text.charAt(at))) {
      at++;
    }
    if (at == start) {
      throw error("expected a field");
    }
    return text.substring(start, at);
  }

  private Operator operator() {
    int start = at;
    while (at < text.length() && isOperator(text.charAt(at))) {
      at++;
    }
    return switch (text.substring(start, at)) {
      case "==" -> Operator.EQUAL;
      case "!=" -> Operator.NOT_EQUAL;
      case "~=" -> Operator.MATCHES;
      default -> {
        at = start;
        throw error("unsupported operator");
      }
    };
  }

  private String value(Operator operator) {
    if (at == text.length()) {
      throw error("expected a value");
    }
    char first = text.charAt(at);
    if (first == '"') {
      return quoted('"');
    }
    if (first == '|' || first == '/') {
      if (operator != Operator.MATCHES) {
        throw error("this quote is for ~= only");
      }
      return quoted(first);
    }
    if (first == '.' || isOperator(first)) {
      throw error("a value must not begin so without quotes");
    }
    int start = at;
    while (at < text.length()
        && text.charAt(at) != ','
        && text.charAt(at) > ' '
        && text.charAt(at) != 0x7f) {
      at++;
    }
    if (at == start) {
      throw error("expected a value");
    }
    return text.substring(start, at);
  }

  private String quoted(char quote) {
    int start = at;
    at++;
    StringBuilder result = new StringBuilder();
    while (true) {
      if (at >= text.length()) {
        at = start;
        throw error("quote without end");
      }
      char c = text.charAt(at++);
      if (c == quote) {
        return result.toString();
      }
      if (c == '\n' || c == 0) {
        throw error("newline or NUL in quotes");
      }
      if (c != '\\') {
        result.append(c);
      } else if (quote == '"') {
        escape(result, quote);
      } else {
        // Inside the quotes of a pattern a backslash belongs to the pattern, unless it protects the
        // quote.
        if (at < text.length() && text.charAt(at) == quote) {
          result.append(text.charAt(at++));
        } else {
          result.append(c);
        }
      }
    }
  }

  private void escape(StringBuilder result, char quote) {
    if (at >= text.length()) {
      throw error("escape without end");
    }
    char c = text.charAt(at++);
    switch (c) {
      case 'a' -> result.append('\u0007');
      case 'b' -> result.append('\b');
      case 'f' -> result.append('\f');
      case 'n' -> result.append('\n');
      case 'r' -> result.append('\r');
      case 't' -> result.append('\t');
      case 'v' -> result.append('\u000b');
      case '\\' -> result.append('\\');
      case 'x' -> result.append((char) number(2, 16));
      case 'u' -> result.append((char) number(4, 16));
      case 'U' -> result.appendCodePoint(checked(number(8, 16)));
      case '0', '1', '2', '3', '4', '5', '6', '7' -> {
        at--;
        result.append((char) number(3, 8));
      }
      default -> {
        if (c != quote) {
          throw error("unknown escape");
        }
        result.append(c);
      }
    }
  }

  private int checked(int codePoint) {
    if (!Character.isValidCodePoint(codePoint)) {
      throw error("no such character");
    }
    return codePoint;
  }

  private int number(int digits, int radix) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = at < text.length() ? Character.digit(text.charAt(at), radix) : -1;
      if (digit < 0) {
        throw error("bad escape");
      }
      value = value * radix + digit;
      at++;
    }
    return value;
  }

  private void skipSpace() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private static boolean isOperator(char c) {
    return c == '=' || c == '!' || c == '~';
  }

  private static boolean isFieldCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }

  private BerthException error(String message) {
    int position = Math.min(at, text.length());
    int from = Math.max(0, position - 40);
    int to = Math.min(text.length(), position + 40);
    return new BerthException.InvalidArgument(
        "filters: parse error: ["
            + text.substring(from, position)
            + ">|"
            + (position < text.length() ? text.charAt(position) : "")
            + "|<"
            + (position < to ? text.substring(Math.min(position + 1, to), to) : "")
            + "]: "
            + message);
  }
}
