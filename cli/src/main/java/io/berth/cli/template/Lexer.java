package io.berth.cli.template;

import io.berth.cli.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Cuts a template into pieces. What is wrong becomes the last piece, for the parser to tell. */
final class Lexer {
  private static final String BLANKS = " \t\r\n";
  private static final int EOF = -1;
  private static final Set<String> KEYWORDS =
      Set.of(
          "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with");

  private final String text;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int depth;

  private Lexer(String text) {
    this.text = text;
  }

  /** The pieces, of which the last one is of the kind END or ERROR. */
  static List<Token> tokens(String text) {
    Lexer lexer = new Lexer(text);
    while (lexer.texts() && lexer.inside()) {}
    return lexer.tokens;
  }

  /** Reads up to the next action that is no comment; false at the end and for an error. */
  private boolean texts() {
    while (true) {
      int open = text.indexOf("{{", at);
      if (open < 0) {
        add(Kind.TEXT, at, text.length());
        tokens.add(new Token(Kind.END, "", text.length()));
        return false;
      }
      boolean trim =
          open + 3 < text.length() && text.charAt(open + 2) == '-' && blank(text.charAt(open + 3));
      int end = open;
      while (trim && end > at && blank(text.charAt(end - 1))) {
        end--;
      }
      add(Kind.TEXT, at, end);
      int inner = open + (trim ? 4 : 2);
      if (!text.startsWith("/*", trim ? skipBlanks(inner) : inner)) {
        tokens.add(new Token(Kind.LEFT, "{{", open));
        at = inner;
        depth = 0;
        return true;
      }
      if (!comment(trim ? skipBlanks(inner) : inner)) {
        return false;
      }
    }
  }

  private int skipBlanks(int from) {
    int to = from;
    while (to < text.length() && blank(text.charAt(to))) {
      to++;
    }
    return to;
  }

  private boolean comment(int from) {
    int close = text.indexOf("*/", from + 2);
    if (close < 0) {
      return error("unclosed comment", from);
    }
    at = close + 2;
    if (text.startsWith("}}", at)) {
      at += 2;
    } else if (trimsRight()) {
      at += 4;
      at = skipBlanks(at);
    } else {
      return error("comment ends before closing delimiter", at);
    }
    return true;
  }

  private boolean trimsRight() {
    return at + 3 < text.length() && blank(text.charAt(at)) && text.startsWith("-}}", at + 1);
  }

  /** Reads an action to its end; false for an error. */
  private boolean inside() {
    while (true) {
      boolean trim = trimsRight();
      if (trim || text.startsWith("}}", at)) {
        if (depth > 0) {
          return error("unclosed left paren", at);
        }
        int begin = trim ? at + 2 : at;
        tokens.add(new Token(Kind.RIGHT, "}}", begin));
        at = begin + 2;
        if (trim) {
          at = skipBlanks(at);
        }
        return true;
      }
      if (at >= text.length()) {
        return error("unclosed action", at);
      }
      if (!piece(text.charAt(at))) {
        return false;
      }
    }
  }

  private boolean piece(char next) {
    int begin = at;
    return switch (next) {
      case ' ', '\t', '\r', '\n' -> {
        while (at < text.length() && blank(text.charAt(at)) && !(at > begin && trimsRight())) {
          at++;
        }
        yield add(Kind.SPACE, begin, at);
      }
      case '=' -> one(Kind.ASSIGN);
      case '|' -> one(Kind.PIPE);
      case ',' -> one(Kind.CHAR);
      case ':' -> {
        at += 2;
        yield text.startsWith(":=", begin)
            ? add(Kind.DECLARE, begin, at)
            : error("expected :=", begin);
      }
      case '(' -> {
        depth++;
        yield one(Kind.OPEN);
      }
      case ')' -> {
        depth--;
        var _ = one(Kind.CLOSE);
        yield depth >= 0 || error("unexpected right paren", begin);
      }
      case '"' -> quoted('"', Kind.STRING, "unterminated quoted string");
      case '\'' -> quoted('\'', Kind.CHARACTER, "unterminated character constant");
      case '`' -> {
        int close = text.indexOf('`', at + 1);
        at = close + 1;
        yield close < 0 ? error("unterminated raw quoted string", begin) : add(Kind.RAW, begin, at);
      }
      case '$' -> name(Kind.VARIABLE, Kind.VARIABLE);
      default -> word(next);
    };
  }

  private boolean word(char next) {
    char after = at + 1 < text.length() ? text.charAt(at + 1) : ' ';
    if (next == '.' && !digit(after)) {
      return name(Kind.FIELD, Kind.DOT);
    }
    if (next == '.' || next == '+' || next == '-' || digit(next)) {
      return number();
    }
    int code = text.codePointAt(at);
    if (!letter(code)) {
      return (code > ' ' && code < 127)
          ? one(Kind.CHAR)
          : error("unrecognized character in action: " + Quoting.unicode(code), at);
    }
    int begin = at;
    skipLetters();
    if (!ends()) {
      return error("bad character " + Quoting.unicode(here()), begin);
    }
    String word = text.substring(begin, at);
    return add(
        KEYWORDS.contains(word)
            ? Kind.KEYWORD
            : word.equals("true") || word.equals("false")
                ? Kind.BOOL
                : word.equals("nil") ? Kind.NIL : Kind.IDENTIFIER,
        begin,
        at);
  }

  /** A field or variable: a sign and letters; alone, the sign is of a kind of its own. */
  private boolean name(Kind kind, Kind alone) {
    int begin = at++;
    if (ends()) {
      return add(alone, begin, at);
    }
    skipLetters();
    return ends() ? add(kind, begin, at) : error("bad character " + Quoting.unicode(here()), begin);
  }

  private boolean number() {
    int begin = at;
    if ("+-".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = "0123456789_";
    boolean hex = false;
    if (text.startsWith("0", at) && at + 1 < text.length()) {
      String of =
          switch (text.charAt(at + 1)) {
            case 'x', 'X' -> "0123456789abcdefABCDEF_";
            case 'o', 'O' -> "01234567_";
            case 'b', 'B' -> "01_";
            default -> "";
          };
      if (!of.isEmpty()) {
        hex = of.length() > 20;
        digits = of;
        at += 2;
      }
    }
    skip(digits);
    if (text.startsWith(".", at)) {
      at++;
      skip(digits);
    }
    if (at < text.length() && (hex ? "pP" : "eE").indexOf(text.charAt(at)) >= 0) {
      at++;
      if (at < text.length() && "+-".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
      skip("0123456789_");
    }
    if (at < text.length() && letter(here())) {
      at++;
      return error("bad number syntax: " + Quoting.quote(text.substring(begin, at)), begin);
    }
    return add(Kind.NUMBER, begin, at);
  }

  private boolean quoted(char quote, Kind kind, String unterminated) {
    int begin = at++;
    while (at < text.length() && text.charAt(at) != quote && text.charAt(at) != '\n') {
      at += text.charAt(at) == '\\' && !text.startsWith("\n", at + 1) ? 2 : 1;
    }
    if (at >= text.length() || text.charAt(at) != quote) {
      return error(unterminated, begin);
    }
    at++;
    return add(kind, begin, at);
  }

  private void skip(String these) {
    while (at < text.length() && these.indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private void skipLetters() {
    while (at < text.length() && letter(here())) {
      at += Character.charCount(here());
    }
  }

  private int here() {
    return at < text.length() ? text.codePointAt(at) : EOF;
  }

  /** Whether a name may end here. */
  private boolean ends() {
    return here() == EOF || (BLANKS + ".,|:)(").indexOf(here()) >= 0 || text.startsWith("}}", at);
  }

  private boolean one(Kind kind) {
    at++;
    return add(kind, at - 1, at);
  }

  private boolean add(Kind kind, int from, int to) {
    if (to > from) {
      tokens.add(new Token(kind, text.substring(from, to), from));
    }
    return true;
  }

  private boolean error(String what, int where) {
    tokens.add(new Token(Kind.ERROR, what, where));
    return false;
  }

  private static boolean blank(int code) {
    return BLANKS.indexOf(code) >= 0;
  }

  private static boolean digit(char next) {
    return next >= '0' && next <= '9';
  }

  private static boolean letter(int code) {
    return code == '_' || Character.isLetter(code) || Character.isDigit(code);
  }
}
