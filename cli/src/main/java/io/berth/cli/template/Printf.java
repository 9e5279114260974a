package io.berth.cli.template;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Go's {@code Sprintf}: its verbs, flags, widths, and its complaints inside of the text. */
final class Printf {
  private static final int LIMIT = 1_000_000;

  private final String format;
  private final List<Value> arguments;
  private final StringBuilder out = new StringBuilder();
  private int at;
  private int next;
  private boolean reordered;

  private boolean minus;
  private boolean plus;
  private boolean sharp;
  private boolean space;
  private boolean zero;
  private @Nullable Integer width;
  private @Nullable Integer precision;

  private Printf(String format, List<Value> arguments) {
    this.format = format;
    this.arguments = arguments;
  }

  static String format(String format, List<Value> arguments) {
    Printf printf = new Printf(format, arguments);
    printf.all();
    return printf.out.toString();
  }

  private void all() {
    while (at < format.length()) {
      int sign = format.indexOf('%', at);
      if (sign < 0) {
        out.append(format, at, format.length());
        break;
      }
      out.append(format, at, sign);
      at = sign + 1;
      directive();
    }
    if (!reordered && next < arguments.size()) {
      out.append("%!(EXTRA ");
      for (int i = next; i < arguments.size(); i++) {
        Value extra = arguments.get(i);
        out.append(i == next ? "" : ", ");
        out.append(extra.isMissing() ? "<nil>" : typeOf(extra) + "=" + Printer.plain(extra));
      }
      out.append(')');
    }
  }

  private void directive() {
    minus = plus = sharp = space = zero = false;
    flags();
    position();
    width = size();
    if (width != null && width < 0) {
      minus = true;
      width = -width;
    }
    zero = zero && !minus;
    precision = null;
    if (at < format.length() && format.charAt(at) == '.') {
      at++;
      position();
      precision = size();
      precision = precision == null || precision < 0 ? 0 : precision;
    }
    position();
    if (at >= format.length()) {
      out.append("%!(NOVERB)");
      return;
    }
    int verb = format.codePointAt(at);
    at += Character.charCount(verb);
    if (verb == '%') {
      out.append('%');
    } else if (next >= arguments.size()) {
      out.append("%!").appendCodePoint(verb).append("(MISSING)");
    } else {
      out.append(shown(arguments.get(next++), (char) verb));
    }
  }

  private void flags() {
    while (at < format.length()) {
      switch (format.charAt(at)) {
        case '-' -> minus = true;
        case '+' -> plus = true;
        case '#' -> sharp = true;
        case ' ' -> space = true;
        case '0' -> zero = true;
        default -> {
          return;
        }
      }
      at++;
    }
  }

  /** Reads {@code [n]}, which says what argument comes next. */
  private void position() {
    int close = at < format.length() && format.charAt(at) == '[' ? format.indexOf(']', at) : -1;
    if (close > 0 && format.substring(at + 1, close).matches("[0-9]{1,4}")) {
      next = Integer.parseInt(format.substring(at + 1, close)) - 1;
      next = next < 0 ? arguments.size() : next;
      reordered = true;
      at = close + 1;
    }
  }

  private @Nullable Integer size() {
    if (at < format.length() && format.charAt(at) == '*') {
      at++;
      Value given = next < arguments.size() ? arguments.get(next++) : Value.NIL;
      if (!given.isWhole() || Math.abs(given.number()) > LIMIT) {
        out.append("%!(BADWIDTH)");
        return null;
      }
      return (int) given.number();
    }
    int begin = at;
    while (at < format.length() && Character.isDigit(format.charAt(at)) && at - begin < 6) {
      at++;
    }
    return at == begin ? null : Integer.valueOf(format.substring(begin, at));
  }

  private static String typeOf(Value value) {
    return value.isMissing() ? "<nil>" : value.type().name();
  }

  private String shown(Value value, char verb) {
    return switch (verb) {
      case 'T' -> padded(typeOf(value));
      case 'v' -> {
        if (value.type() instanceof Type.Basic && !sharp) {
          yield basic(value, verb);
        }
        Printer.Detail detail =
            sharp ? Printer.Detail.SYNTAX : plus ? Printer.Detail.NAMES : Printer.Detail.PLAIN;
        yield padded(Printer.print(value, detail, 0));
      }
      default -> inside(value, verb);
    };
  }

  /** A verb on something that has parts is used on each of them. */
  private String inside(Value value, char verb) {
    return switch (value.type()) {
      case Type.Any _ -> "%!" + verb + "(<nil>)";
      case Type.Basic _ -> basic(value, verb);
      case Type.Items _ -> joined(value.items(), verb, "[", "]");
      case Type.Struct _ -> joined(value.items(), verb, "{", "}");
      case Type.Dict _ ->
          "map["
              + String.join(
                  " ",
                  value.entries().entrySet().stream()
                      .map(entry ->
                          basic(Value.of(entry.getKey()), verb)
                              + ":"
                              + inside(entry.getValue(), verb))
                      .toList())
              + "]";
      case Type.Pointer _ ->
          value.isNil()
              ? "%!" + verb + "(" + typeOf(value) + "=<nil>)"
              : "&" + inside(value.target(), verb);
      case Type.Methods _ -> bad(value, verb);
    };
  }

  private String joined(List<Value> values, char verb, String open, String close) {
    return open + String.join(" ", values.stream().map(one -> inside(one, verb)).toList()) + close;
  }

  private String bad(Value value, char verb) {
    return "%!" + verb + "(" + typeOf(value) + "=" + Printer.plain(value) + ")";
  }

  private String basic(Value value, char verb) {
    Type.Kind kind = value.type() instanceof Type.Basic basic ? basic.kind() : Type.Kind.STRING;
    return switch (kind) {
      case BOOL ->
          verb == 't' || verb == 'v' ? padded(String.valueOf(value.flag())) : bad(value, verb);
      case INT, UINT ->
          value.type().equals(Type.DURATION) && "vsq".indexOf(verb) >= 0
              ? text(Value.of(Printer.plain(value)), verb)
              : whole(value, verb);
      case FLOAT -> floating(value, verb);
      case STRING -> text(value, verb);
      case TIME -> text(Value.of(Printer.plain(value)), verb);
    };
  }

  private String text(Value value, char verb) {
    String text = value.text();
    String cut =
        precision != null && precision < text.codePointCount(0, text.length())
            ? text.substring(0, text.offsetByCodePoints(0, precision))
            : text;
    return switch (verb) {
      case 's', 'v' -> padded(cut);
      case 'q' ->
          padded(sharp && !cut.contains("`") ? "`" + cut + "`" : Quoting.quote(cut, '"', plus));
      case 'x', 'X' -> {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = precision == null ? bytes.length : Math.min(precision, bytes.length);
        HexFormat hex = space ? HexFormat.ofDelimiter(sharp ? " 0x" : " ") : HexFormat.of();
        String all = (sharp && length > 0 ? "0x" : "") + hex.formatHex(bytes, 0, length);
        yield padded(verb == 'X' ? all.toUpperCase(Locale.ROOT) : all);
      }
      default -> bad(value, verb);
    };
  }

  private String whole(Value value, char verb) {
    BigInteger number =
        value.isUnsigned()
            ? new BigInteger(Long.toUnsignedString(value.number()))
            : BigInteger.valueOf(value.number());
    String digits =
        switch (verb) {
          case 'd', 'v' -> number.abs().toString();
          case 'b' -> (sharp ? "0b" : "") + number.abs().toString(2);
          case 'o' -> (sharp ? "0" : "") + number.abs().toString(8);
          case 'O' -> "0o" + number.abs().toString(8);
          case 'x' -> (sharp ? "0x" : "") + number.abs().toString(16);
          case 'X' -> (sharp ? "0X" : "") + number.abs().toString(16).toUpperCase(Locale.ROOT);
          default -> "";
        };
    if (digits.isEmpty()) {
      int code = number.bitLength() < 22 ? number.intValue() : 0xFFFD;
      int valid = Character.isValidCodePoint(code) ? code : 0xFFFD;
      return switch (verb) {
        case 'c' -> padded(Character.toString(valid));
        case 'q' -> padded(Quoting.quote(Character.toString(valid), '\'', plus));
        case 'U' ->
            padded(sharp ? Quoting.unicode(code) : String.format(Locale.ROOT, "U+%04X", code));
        default -> bad(value, verb);
      };
    }
    while (precision != null && digits.length() < precision) {
      digits = "0" + digits;
    }
    return number(digits, number.signum() < 0, precision == null);
  }

  private String floating(Value value, char verb) {
    double number = (Double) Objects.requireNonNull(value.content());
    String text =
        switch (verb) {
          case 'v', 'g', 'G' ->
              precision == null
                  ? (verb == 'G'
                      ? Numbers.shortest(number, 6).toUpperCase(Locale.ROOT)
                      : Numbers.shortest(number, 6))
                  : Numbers.format(number, verb == 'v' ? 'g' : verb, precision);
          case 'e', 'E', 'f', 'F' ->
              Numbers.format(number, verb, precision == null ? 6 : precision);
          default -> "";
        };
    if (text.isEmpty()) {
      return bad(value, verb);
    }
    boolean negative = text.startsWith("-");
    return number(
        negative || text.startsWith("+") ? text.substring(1) : text,
        negative,
        !Double.isNaN(number) && !Double.isInfinite(number));
  }

  /** Digits with their sign, filled with zeros behind it where they are wanted. */
  private String number(String digits, boolean negative, boolean fill) {
    String sign = negative ? "-" : plus ? "+" : space ? " " : "";
    if (zero && fill && width != null) {
      int zeros = width - sign.length() - digits.length();
      return sign + "0".repeat(Math.max(0, zeros)) + digits;
    }
    return padded(sign + digits);
  }

  private String padded(String text) {
    int missing = width == null ? 0 : width - text.codePointCount(0, text.length());
    if (missing <= 0) {
      return text;
    }
    return minus ? text + " ".repeat(missing) : (zero ? "0" : " ").repeat(missing) + text;
  }
}
