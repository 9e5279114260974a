package io.berth.cli.template;

import io.berth.base.error.BerthException;
import io.berth.cli.template.Token.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the pieces of a template as a tree. What is wrong is told in Go's words with its line. */
final class Parser {
  /** The name under which the whole template stands among those that it defines. */
  static final String WHOLE = "";

  private static final Set<Kind> OPERANDS =
      Set.of(
          Kind.BOOL,
          Kind.CHARACTER,
          Kind.DOT,
          Kind.FIELD,
          Kind.IDENTIFIER,
          Kind.NUMBER,
          Kind.NIL,
          Kind.RAW,
          Kind.STRING,
          Kind.VARIABLE,
          Kind.OPEN);

  private final String text;
  private final List<Token> tokens;
  private final Map<String, Syntax.Block> definitions = new HashMap<>();
  private int next;
  private List<String> variables = new ArrayList<>(List.of("$"));
  private int loops;
  private int action;

  private Parser(String text) {
    this.text = text;
    this.tokens = Lexer.tokens(text);
  }

  /** Blocks, and what ended them. */
  private record Ended(Syntax.Block block, Token by) {}

  /** The templates that a text defines, itself as {@link #WHOLE}. */
  static Map<String, Syntax.Block> parse(String text) {
    Parser parser = new Parser(text);
    Ended whole = parser.block(/* outermost= */ true);
    if (whole.by().kind() != Kind.END) {
      throw parser.failure("unexpected {{" + whole.by().text() + "}}");
    }
    parser.define(WHOLE, whole.block());
    return parser.definitions;
  }

  /** A later definition counts, but never one of blanks alone in place of one with content. */
  private void define(String name, Syntax.Block block) {
    boolean empty =
        block.statements().stream()
            .allMatch(one -> one instanceof Syntax.Text text && text.text().isBlank());
    if (!definitions.containsKey(name) || !empty) {
      definitions.put(name, block);
    }
  }

  private Token take() {
    Token token = tokens.get(next);
    if (next < tokens.size() - 1) {
      next++;
    }
    if (token.kind() == Kind.ERROR) {
      throw failure(token.text(), token.at(), where(token.at()));
    }
    return token;
  }

  /** What is added to an error in a line below the one where its action began. */
  private String where(int at) {
    return line(at) == line(action) ? "" : " in action started at :" + line(action);
  }

  private Token peek() {
    return tokens.get(next);
  }

  private Token peekWord() {
    while (peek().kind() == Kind.SPACE) {
      next++;
    }
    return peek();
  }

  private Token takeWord() {
    var _ = peekWord();
    return take();
  }

  private int line(int at) {
    return 1
        + (int)
            text.substring(0, Math.min(at, text.length())).chars().filter(c -> c == '\n').count();
  }

  private BerthException failure(String what) {
    return failure(what, tokens.get(Math.max(0, next - 1)).at(), "");
  }

  private BerthException failure(String what, int at, String more) {
    return new BerthException.InvalidArgument("template: :" + line(at) + ": " + what + more);
  }

  private BerthException unexpected(Token token, String context) {
    return token.kind() == Kind.ERROR
        ? failure(token.text(), token.at(), where(token.at()))
        : failure("unexpected " + token + " in " + context, token.at(), "");
  }

  /** Reads statements up to {@code end} or {@code else}; the outermost ones to the end. */
  private Ended block(boolean outermost) {
    List<Syntax.Statement> statements = new ArrayList<>();
    while (true) {
      Token token = takeWord();
      switch (token.kind()) {
        case TEXT -> statements.add(new Syntax.Text(token.at(), token.text()));
        case END -> {
          if (!outermost) {
            throw failure("unexpected EOF");
          }
          return new Ended(new Syntax.Block(List.copyOf(statements)), token);
        }
        case LEFT -> {
          action = token.at();
          Token word = takeWord();
          if (word.is("end")) {
            Token close = takeWord();
            if (close.kind() != Kind.RIGHT) {
              throw unexpected(close, "end");
            }
            return new Ended(new Syntax.Block(List.copyOf(statements)), word);
          }
          if (word.is("else")) {
            return new Ended(new Syntax.Block(List.copyOf(statements)), word);
          }
          if (word.is("define") && outermost) {
            definition();
          } else {
            statements.add(statement(word));
          }
        }
        default -> throw unexpected(token, "input");
      }
    }
  }

  private Syntax.Statement statement(Token word) {
    if (word.kind() != Kind.KEYWORD) {
      next--;
      int at = word.at();
      return new Syntax.Action(at, pipe("command", Kind.RIGHT));
    }
    return switch (word.text()) {
      case "if", "with", "range" -> branch(word);
      case "break", "continue" -> {
        Token close = takeWord();
        if (close.kind() != Kind.RIGHT) {
          throw unexpected(close, "{{" + word.text() + "}}");
        }
        if (loops == 0) {
          throw failure("{{" + word.text() + "}} outside {{range}}");
        }
        yield new Syntax.Jump(word.at(), word.is("break"));
      }
      case "template" -> {
        int at = peekWord().at();
        String name = name("template clause");
        Syntax.@Nullable Pipe pipe = null;
        if (peekWord().kind() == Kind.RIGHT) {
          var _ = take();
        } else {
          pipe = pipe("template clause", Kind.RIGHT);
        }
        yield new Syntax.Use(at, name, pipe);
      }
      case "block" -> {
        int at = peekWord().at();
        String name = name("block clause");
        Syntax.Pipe pipe = pipe("block clause", Kind.RIGHT);
        body(name, "block clause");
        yield new Syntax.Use(at, name, pipe);
      }
      default -> throw unexpected(word, "command");
    };
  }

  private void definition() {
    String name = name("define clause");
    Token close = takeWord();
    if (close.kind() != Kind.RIGHT) {
      throw unexpected(close, "define clause");
    }
    body(name, "define clause");
  }

  /** The statements of a template of its own, which knows none of the variables around it. */
  private void body(String name, String context) {
    List<String> around = variables;
    int loopsAround = loops;
    variables = new ArrayList<>(List.of("$"));
    loops = 0;
    Ended body = block(/* outermost= */ false);
    if (!body.by().is("end")) {
      throw failure("unexpected {{" + body.by().text() + "}} in " + context);
    }
    variables = around;
    loops = loopsAround;
    define(name, body.block());
  }

  private String name(String context) {
    Token token = takeWord();
    if (token.kind() != Kind.STRING && token.kind() != Kind.RAW) {
      throw unexpected(token, context);
    }
    return unquoted(token);
  }

  private String unquoted(Token token) {
    String plain = Quoting.unquote(token.text());
    if (plain == null) {
      throw failure("invalid syntax");
    }
    return plain;
  }

  private Syntax.Statement branch(Token word) {
    int known = variables.size();
    boolean loop = word.is("range");
    Syntax.Pipe pipe = pipe(word.text(), Kind.RIGHT);
    loops += loop ? 1 : 0;
    Ended then = block(/* outermost= */ false);
    loops -= loop ? 1 : 0;
    Syntax.@Nullable Block otherwise = null;
    if (then.by().is("else")) {
      Token more = peekWord();
      if (!loop && more.is(word.text())) {
        // What stands after `else if` is a branch of its own, and one `end` ends both.
        var _ = take();
        otherwise = new Syntax.Block(List.of(branch(more)));
      } else {
        Token close = takeWord();
        if (close.kind() != Kind.RIGHT) {
          throw unexpected(close, "else");
        }
        Ended rest = block(/* outermost= */ false);
        if (!rest.by().is("end")) {
          throw failure("expected end; found {{" + rest.by().text() + "}}");
        }
        otherwise = rest.block();
      }
    }
    variables = new ArrayList<>(variables.subList(0, known));
    return new Syntax.Branch(word.at(), word.text(), pipe, then.block(), otherwise);
  }

  private Syntax.Pipe pipe(String context, Kind end) {
    int at = peekWord().at();
    List<Syntax.Variable> declared = new ArrayList<>();
    boolean assigns = declarations(context, declared);
    List<Syntax.Command> commands = new ArrayList<>();
    while (true) {
      Token token = takeWord();
      if (token.kind() == end) {
        checkStages(context, commands);
        return new Syntax.Pipe(at, assigns, List.copyOf(declared), List.copyOf(commands));
      }
      if (!OPERANDS.contains(token.kind())) {
        throw unexpected(token, context);
      }
      next--;
      commands.add(command());
    }
  }

  /** Reads {@code $x :=}, {@code $x =} or {@code $i, $x :=}; answers whether they are assigned. */
  private boolean declarations(String context, List<Syntax.Variable> declared) {
    while (peekWord().kind() == Kind.VARIABLE) {
      int back = next;
      Token variable = take();
      Token sign = peekWord();
      boolean comma = sign.kind() == Kind.CHAR && sign.text().equals(",");
      if (sign.kind() != Kind.ASSIGN && sign.kind() != Kind.DECLARE && !comma) {
        next = back;
        return false;
      }
      var _ = take();
      declared.add(new Syntax.Variable(variable.at(), variable.text(), List.of()));
      variables.add(variable.text());
      if (!comma) {
        return sign.kind() == Kind.ASSIGN;
      }
      if (!context.equals("range") || declared.size() > 1) {
        throw failure("too many declarations in " + context);
      }
      Kind following = peekWord().kind();
      if (following != Kind.VARIABLE && following != Kind.RIGHT && following != Kind.CLOSE) {
        throw failure("range can only initialize variables");
      }
    }
    return false;
  }

  private void checkStages(String context, List<Syntax.Command> commands) {
    if (commands.isEmpty()) {
      throw failure("missing value for " + context);
    }
    for (int i = 1; i < commands.size(); i++) {
      Syntax.Operand first = commands.get(i).words().getFirst();
      if (first instanceof Syntax.Constant || first instanceof Syntax.Dot) {
        throw failure("non executable command in pipeline stage " + (i + 1));
      }
    }
  }

  private Syntax.Command command() {
    int at = peekWord().at();
    List<Syntax.Operand> words = new ArrayList<>();
    while (true) {
      var _ = peekWord();
      Syntax.Operand operand = operand();
      if (operand != null) {
        words.add(operand);
      }
      Token token = take();
      switch (token.kind()) {
        case SPACE -> {
          continue;
        }
        case RIGHT, CLOSE -> next--;
        case PIPE -> {
          // The pipeline goes on with the next command; docker takes one that ends here.
        }
        default -> throw unexpected(token, "operand");
      }
      if (words.isEmpty()) {
        throw failure("empty command");
      }
      return new Syntax.Command(at, List.copyOf(words));
    }
  }

  private Syntax.@Nullable Operand operand() {
    Syntax.Operand term = term();
    if (term == null || peek().kind() != Kind.FIELD) {
      return term;
    }
    int at = peek().at();
    List<String> names = new ArrayList<>();
    while (peek().kind() == Kind.FIELD) {
      names.add(take().text().substring(1));
    }
    return switch (term) {
      case Syntax.Field field -> {
        names.addFirst(field.names().getFirst());
        yield new Syntax.Field(at, List.copyOf(names));
      }
      case Syntax.Variable variable -> new Syntax.Variable(at, variable.name(), List.copyOf(names));
      case Syntax.Constant constant ->
          throw failure("unexpected . after term " + Quoting.quote(constant.source()));
      case Syntax.Dot _ -> throw failure("unexpected . after term \".\"");
      case Syntax.Chain _, Syntax.Function _, Syntax.Pipe _ ->
          new Syntax.Chain(at, term, List.copyOf(names));
    };
  }

  private Syntax.@Nullable Operand term() {
    Token token = takeWord();
    int at = token.at();
    return switch (token.kind()) {
      case IDENTIFIER -> {
        if (!Functions.NAMES.contains(token.text())) {
          throw failure("function " + Quoting.quote(token.text()) + " not defined");
        }
        yield new Syntax.Function(at, token.text());
      }
      case DOT -> new Syntax.Dot(at);
      case NIL -> new Syntax.Constant(at, "nil", Value.NIL);
      case VARIABLE -> {
        if (!variables.contains(token.text())) {
          throw failure("undefined variable " + Quoting.quote(token.text()));
        }
        yield new Syntax.Variable(at, token.text(), List.of());
      }
      case FIELD -> new Syntax.Field(at, List.of(token.text().substring(1)));
      case BOOL -> new Syntax.Constant(at, token.text(), Value.of(token.text().equals("true")));
      case NUMBER -> new Syntax.Constant(at, token.text(), number(token));
      case CHARACTER -> {
        String character = unquoted(token);
        if (character.codePointCount(0, character.length()) != 1) {
          throw failure("malformed character constant: " + token.text());
        }
        yield new Syntax.Constant(at, token.text(), Value.of(character.codePointAt(0)));
      }
      case STRING, RAW -> new Syntax.Constant(at, token.text(), Value.of(unquoted(token)));
      case OPEN -> pipe("parenthesized pipeline", Kind.CLOSE);
      default -> {
        next--;
        yield null;
      }
    };
  }

  private Value number(Token token) {
    Value value = Numbers.parse(token.text());
    if (value == null) {
      throw failure(
          (token.text().matches("[-+]?[0-9]+") ? "integer overflow: " : "bad number syntax: ")
              + Quoting.quote(token.text()));
    }
    return value;
  }
}
