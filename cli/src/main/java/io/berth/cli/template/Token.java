package io.berth.cli.template;

/**
 * A piece of a template.
 *
 * @param at where it begins, in characters of the template
 */
record Token(Kind kind, String text, int at) {
  /** What a piece is. */
  enum Kind {
    TEXT,
    LEFT,
    RIGHT,
    SPACE,
    IDENTIFIER,
    KEYWORD,
    FIELD,
    VARIABLE,
    DOT,
    NIL,
    BOOL,
    NUMBER,
    CHARACTER,
    STRING,
    RAW,
    PIPE,
    ASSIGN,
    DECLARE,
    OPEN,
    CLOSE,
    CHAR,
    END,
    ERROR
  }

  boolean is(String keyword) {
    return kind == Kind.KEYWORD && text.equals(keyword);
  }

  /** The piece as errors show it. */
  @Override
  public String toString() {
    return switch (kind) {
      case END -> "EOF";
      case ERROR -> text;
      case KEYWORD -> "<" + text + ">";
      default ->
          text.length() > 10 ? Quoting.quote(text.substring(0, 10)) + "..." : Quoting.quote(text);
    };
  }
}
