package io.berth.cli.template;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Go's quoted strings, written and read. */
final class Quoting {
  private Quoting() {}

  /** A text in double quotes, as {@code %q} writes it. */
  static String quote(String text) {
    return quote(text, '"', /* ascii= */ false);
  }

  static String quote(String text, char mark, boolean ascii) {
    StringBuilder quoted = new StringBuilder().append(mark);
    text.codePoints().forEach(code -> quoted.append(escaped(code, mark, ascii)));
    return quoted.append(mark).toString();
  }

  private static String escaped(int code, char mark, boolean ascii) {
    return switch (code) {
      case 7 -> "\\a";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case 11 -> "\\v";
      case '\\' -> "\\\\";
      default -> {
        if (code == mark) {
          yield "\\" + mark;
        }
        if (printable(code) && !(ascii && code > 126)) {
          yield Character.toString(code);
        }
        yield String.format(
            Locale.ROOT, code < 128 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
      }
    };
  }

  private static boolean printable(int code) {
    return switch (Character.getType(code)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> code == ' ';
      default -> true;
    };
  }

  /** A character as {@code %#U} writes it: {@code U+0040 '@'}; EOF for less than 0. */
  static String unicode(int code) {
    return code < 0
        ? "U+FFFFFFFFFFFFFFFF"
        : String.format(Locale.ROOT, "U+%04X", code)
            + (printable(code) ? " '" + Character.toString(code) + "'" : "");
  }

  /** What a string or character in quotes stands for; null where an escape is none. */
  static @Nullable String unquote(String quoted) {
    String inner = quoted.substring(1, quoted.length() - 1);
    if (quoted.startsWith("`")) {
      return inner.replace("\r", "");
    }
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < inner.length()) {
      int used = inner.charAt(at) == '\\' ? escape(inner, at + 1, quoted.charAt(0), text) : 0;
      if (used < 0) {
        return null;
      }
      if (used == 0) {
        text.append(inner.charAt(at));
      }
      at += 1 + used;
    }
    return text.toString();
  }

  /** Reads what follows a backslash; answers how many characters that were, -1 for no escape. */
  private static int escape(String inner, int at, char mark, StringBuilder text) {
    char what = at < inner.length() ? inner.charAt(at) : ' ';
    int plain = "abfnrtv\\".indexOf(what);
    if (plain >= 0 || what == mark) {
      text.append(plain >= 0 ? "\u0007\b\f\n\r\t\u000b\\".charAt(plain) : mark);
      return 1;
    }
    boolean octal = what >= '0' && what <= '7';
    int digits = octal ? 3 : what == 'x' ? 2 : what == 'u' ? 4 : what == 'U' ? 8 : 0;
    int from = octal ? at : at + 1;
    if (digits == 0 || from + digits > inner.length()) {
      return -1;
    }
    try {
      int code = Integer.parseInt(inner.substring(from, from + digits), octal ? 8 : 16);
      text.append(Character.toString(code));
      return from + digits - at;
    } catch (IllegalArgumentException e) {
      return -1;
    }
  }
}
