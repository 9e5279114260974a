package io.berth.cli.template;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A template as a tree. Nodes print as their source, which errors quote. */
sealed interface Syntax {
  /** Where errors about it point to, in characters of the template. */
  int at();

  /** What stands by itself in a template: text, or an action. */
  sealed interface Statement extends Syntax {}

  /** What has a value, or stands where a value is wanted. */
  sealed interface Operand extends Syntax {}

  record Text(int at, String text) implements Statement {
    @Override
    public String toString() {
      return text;
    }
  }

  record Action(int at, Pipe pipe) implements Statement {
    @Override
    public String toString() {
      return "{{" + pipe + "}}";
    }
  }

  /** {@code if}, {@code with} and {@code range}. */
  record Branch(int at, String word, Pipe pipe, Block then, @Nullable Block otherwise)
      implements Statement {
    @Override
    public String toString() {
      return "{{"
          + word
          + " "
          + pipe
          + "}}"
          + then
          + (otherwise == null ? "" : "{{else}}" + otherwise)
          + "{{end}}";
    }
  }

  /** {@code break} and {@code continue}. */
  record Jump(int at, boolean leaves) implements Statement {
    @Override
    public String toString() {
      return leaves ? "{{break}}" : "{{continue}}";
    }
  }

  /** {@code template}, by which a defined one is used. */
  record Use(int at, String name, @Nullable Pipe pipe) implements Statement {
    @Override
    public String toString() {
      return "{{template " + Quoting.quote(name) + (pipe == null ? "" : " " + pipe) + "}}";
    }
  }

  record Block(List<Statement> statements) {
    @Override
    public String toString() {
      return statements.stream().map(Object::toString).collect(Collectors.joining());
    }
  }

  /** Commands, each of which gets the value of the one before as its last argument. */
  record Pipe(int at, boolean assigns, List<Variable> variables, List<Command> commands)
      implements Operand {
    @Override
    public String toString() {
      String left = variables.stream().map(Object::toString).collect(Collectors.joining(", "));
      return (left.isEmpty() ? "" : left + (assigns ? " = " : " := "))
          + commands.stream().map(Object::toString).collect(Collectors.joining(" | "));
    }
  }

  record Command(int at, List<Operand> words) implements Syntax {
    @Override
    public String toString() {
      return words.stream()
          .map(word -> word instanceof Pipe ? "(" + word + ")" : word.toString())
          .collect(Collectors.joining(" "));
    }
  }

  record Field(int at, List<String> names) implements Operand {
    @Override
    public String toString() {
      return "." + String.join(".", names);
    }
  }

  /** A variable, with the fields that follow it. The name has its sign. */
  record Variable(int at, String name, List<String> names) implements Operand {
    @Override
    public String toString() {
      return name + names.stream().map(one -> "." + one).collect(Collectors.joining());
    }
  }

  /** Fields of something else: of a pipeline in parentheses, or of a function's value. */
  record Chain(int at, Operand of, List<String> names) implements Operand {
    @Override
    public String toString() {
      return (of instanceof Pipe ? "(" + of + ")" : of.toString())
          + names.stream().map(one -> "." + one).collect(Collectors.joining());
    }
  }

  record Function(int at, String name) implements Operand {
    @Override
    public String toString() {
      return name;
    }
  }

  record Dot(int at) implements Operand {
    @Override
    public String toString() {
      return ".";
    }
  }

  /** A constant as it was written, with its value. */
  record Constant(int at, String source, Value value) implements Operand {
    @Override
    public String toString() {
      return source;
    }
  }
}
