package io.berth.cli.template;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The functions of text/template, and those that docker adds. */
final class Functions {
  private static final Map<String, Signature> ALL = signatures();

  /** What a template may call. */
  static final Set<String> NAMES = ALL.keySet();

  private static final int LONGEST = 1 << 20;

  private Functions() {}

  /** What a function takes in one place. */
  enum Parameter {
    VALUE("interface {}", "value"),
    TEXT("string", "string"),
    NUMBER("int", "integer"),
    TEXTS("[]string", "slice");

    private final String type;
    private final String constant;

    Parameter(String type, String constant) {
      this.type = type;
      this.constant = constant;
    }

    String type() {
      return type;
    }

    /** What a constant of it is called. */
    String constant() {
      return constant;
    }

    boolean nullable() {
      return this == VALUE || this == TEXTS;
    }

    boolean accepts(Value value) {
      return switch (this) {
        case VALUE -> true;
        case TEXT, NUMBER -> value.type().name().equals(type);
        // Later docker joins whatever has elements.
        case TEXTS ->
            value.isMissing()
                || value.type() instanceof Type.Items
                || value.type() instanceof Type.Dict;
      };
    }
  }

  /** What a function takes: its parameters, and what may follow them any number of times. */
  record Signature(List<Parameter> fixed, @Nullable Parameter rest) {
    Parameter parameter(int index) {
      return index < fixed.size() || rest == null ? fixed.get(index) : rest;
    }
  }

  private static Map<String, Signature> signatures() {
    Map<String, Signature> all = new TreeMap<>();
    Signature any = new Signature(List.of(), Parameter.VALUE);
    Signature one = new Signature(List.of(Parameter.VALUE), null);
    Signature some = new Signature(List.of(Parameter.VALUE), Parameter.VALUE);
    Signature two = new Signature(List.of(Parameter.VALUE, Parameter.VALUE), null);
    Signature text = new Signature(List.of(Parameter.TEXT), null);
    for (String name : List.of("print", "println", "html", "js", "urlquery")) {
      all.put(name, any);
    }
    for (String name : List.of("not", "len", "json")) {
      all.put(name, one);
    }
    for (String name : List.of("and", "or", "index", "slice", "call", "eq")) {
      all.put(name, some);
    }
    for (String name : List.of("ne", "lt", "le", "gt", "ge")) {
      all.put(name, two);
    }
    for (String name : List.of("title", "lower", "upper")) {
      all.put(name, text);
    }
    all.put("printf", new Signature(List.of(Parameter.TEXT), Parameter.VALUE));
    all.put("split", new Signature(List.of(Parameter.TEXT, Parameter.TEXT), null));
    all.put("join", new Signature(List.of(Parameter.TEXTS, Parameter.TEXT), null));
    all.put(
        "pad", new Signature(List.of(Parameter.TEXT, Parameter.NUMBER, Parameter.NUMBER), null));
    all.put("truncate", new Signature(List.of(Parameter.TEXT, Parameter.NUMBER), null));
    return all;
  }

  static Signature signature(String name) {
    Signature known = ALL.get(name);
    if (known == null) {
      throw new IllegalArgumentException("no function " + name);
    }
    return known;
  }

  static Value call(String name, List<Value> values, boolean titles) throws FunctionFailure {
    if (titles
        && Set.of("json", "split", "join", "title", "lower", "upper", "truncate").contains(name)) {
      return values.getFirst();
    }
    Value first = values.isEmpty() ? Value.NIL : values.getFirst();
    List<Value> others = values.subList(Math.min(1, values.size()), values.size());
    return switch (name) {
      case "and", "or" -> values.getLast();
      case "not" -> Value.of(!first.isTrue());
      case "len" -> Parts.length(first);
      case "index" -> Parts.index(first, others);
      case "slice" -> Parts.slice(first, others);
      case "eq" -> Value.of(Comparison.equal(first, others));
      case "ne" -> Value.of(!Comparison.equal(first, others));
      case "lt" -> Value.of(Comparison.less(first, others.getFirst()));
      case "le" -> Value.of(Comparison.lessOrEqual(first, others.getFirst()));
      case "gt" -> Value.of(!Comparison.lessOrEqual(first, others.getFirst()));
      case "ge" -> Value.of(!Comparison.less(first, others.getFirst()));
      case "print" -> Value.of(print(values));
      case "println" -> Value.of(spaced(values) + "\n");
      case "printf" -> Value.of(Printf.format(first.text(), others));
      case "html" -> Value.of(html(shown(values)));
      case "js" -> Value.of(script(shown(values)));
      case "urlquery" ->
          Value.of(
              URLEncoder.encode(shown(values), StandardCharsets.UTF_8)
                  .replace("*", "%2A")
                  .replace("%7E", "~"));
      case "json" -> Value.of(GoJson.text(first));
      case "split" -> new Value(Type.TEXTS, split(first.text(), others.getFirst().text()));
      case "join" -> Value.of(join(first, others.getFirst().text()));
      case "title" -> Value.of(title(first.text()));
      case "lower" -> Value.of(first.text().toLowerCase(Locale.ROOT));
      case "upper" -> Value.of(first.text().toUpperCase(Locale.ROOT));
      case "pad" -> Value.of(pad(first.text(), others.get(0).number(), others.get(1).number()));
      case "truncate" -> Value.of(truncate(first.text(), others.getFirst().number()));
      // DocumentTypes have no functions among their values.
      case "call" ->
          throw new FunctionFailure(
              first.isMissing() ? "call of nil" : "non-function of type " + first.type().name());
      default -> throw new IllegalArgumentException("no function " + name);
    };
  }

  /** Values one after the other, with a blank between two of which neither is a string. */
  private static String print(List<Value> values) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < values.size(); i++) {
      if (i > 0 && !values.get(i).isText() && !values.get(i - 1).isText()) {
        text.append(' ');
      }
      text.append(Printer.plain(values.get(i)));
    }
    return text.toString();
  }

  private static String spaced(List<Value> values) {
    return values.stream().map(Printer::plain).collect(Collectors.joining(" "));
  }

  private static String shown(List<Value> values) {
    return print(
        values.stream()
            .map(one -> one.isMissing() ? Value.of("<no value>") : one.target())
            .toList());
  }

  private static String html(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&#34;")
        .replace("'", "&#39;")
        .replace('\0', '\uFFFD');
  }

  private static String script(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(code -> {
          if (code == '\\' || code == '\'' || code == '"') {
            escaped.append('\\').append((char) code);
          } else if (code < ' ' || "<>&=".indexOf(code) >= 0 || code == 127) {
            escaped.append(String.format(Locale.ROOT, "\\u%04X", code));
          } else {
            escaped.appendCodePoint(code);
          }
        });
    return escaped.toString();
  }

  private static List<Value> split(String text, String by) {
    List<Value> parts = new ArrayList<>();
    if (by.isEmpty()) {
      text.codePoints().forEach(code -> parts.add(Value.of(Character.toString(code))));
      return parts;
    }
    int at = 0;
    for (int next = text.indexOf(by); next >= 0; next = text.indexOf(by, at)) {
      parts.add(Value.of(text.substring(at, next)));
      at = next + by.length();
    }
    parts.add(Value.of(text.substring(at)));
    return parts;
  }

  private static String join(Value of, String by) {
    return of.type() instanceof Type.Dict
        ? of.entries().values().stream()
            .map(Printer::plain)
            .sorted()
            .collect(Collectors.joining(by))
        : of.isMissing()
            ? ""
            : of.items().stream().map(Printer::plain).collect(Collectors.joining(by));
  }

  /** Begins each word with a capital letter. */
  private static String title(String text) {
    StringBuilder titled = new StringBuilder();
    int before = ' ';
    for (int code : text.codePoints().toArray()) {
      titled.appendCodePoint(separates(before) ? Character.toTitleCase(code) : code);
      before = code;
    }
    return titled.toString();
  }

  private static boolean separates(int code) {
    if (Character.isLetterOrDigit(code) || code == '_') {
      return false;
    }
    return code < 128 || Character.isWhitespace(code) || Character.isSpaceChar(code);
  }

  private static String pad(String text, long before, long behind) throws FunctionFailure {
    if (text.isEmpty()) {
      return text;
    }
    if (before < 0 || behind < 0) {
      throw new FunctionFailure("strings: negative Repeat count");
    }
    if (before > LONGEST || behind > LONGEST) {
      throw new FunctionFailure("more than " + LONGEST + " blanks");
    }
    return " ".repeat((int) before) + text + " ".repeat((int) behind);
  }

  /** At most so many bytes, as docker counts, and never a part of a character. */
  private static String truncate(String text, long length) throws FunctionFailure {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (length < 0) {
      throw new FunctionFailure("runtime error: slice bounds out of range [:" + length + "]");
    }
    if (bytes.length <= length) {
      return text;
    }
    int end = (int) length;
    while (end > 0 && (bytes[end] & 0xC0) == 0x80) {
      end--;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }
}
