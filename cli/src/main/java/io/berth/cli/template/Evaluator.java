package io.berth.cli.template;

import io.berth.base.error.BerthException;
import io.berth.cli.parse.Nearest;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Carries a template out on one value. */
final class Evaluator {
  private static final int DEPTH = 1_000;

  private final String source;
  private final Map<String, Syntax.Block> definitions;
  private final boolean strict;
  private final boolean titles;
  private final StringBuilder out = new StringBuilder();
  private Scope variables;
  private Syntax node;
  private String name = Parser.WHOLE;
  private int depth;

  /**
   * For one run.
   *
   * @param strict a key that a map does not have is an error, else no value
   * @param titles the value is the row of titles: docker's functions leave them as they are
   */
  Evaluator(String source, Map<String, Syntax.Block> definitions, boolean strict, boolean titles) {
    this.source = source;
    this.definitions = definitions;
    this.strict = strict;
    this.titles = titles;
    this.node = new Syntax.Text(0, "");
    this.variables = new Scope(Value.NONE);
  }

  /** How a block ended. */
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  String run(Value value) {
    variables = new Scope(value);
    var _ = walk(value, definitions.getOrDefault(Parser.WHOLE, new Syntax.Block(List.of())));
    return out.toString();
  }

  /** What was written before a failure; of the row of titles that is what is shown. */
  String written() {
    return out.toString();
  }

  private <N extends Syntax> N at(N here) {
    node = here;
    return here;
  }

  BerthException failure(String what) {
    int position = Math.min(node.at(), source.length());
    String before = source.substring(0, position);
    long line = 1 + before.chars().filter(c -> c == '\n').count();
    int column = position - (before.lastIndexOf('\n') + 1);
    return new BerthException.FailedPrecondition(
        "template: :%d:%d: executing %s at <%s>: %s"
            .formatted(line, column, Quoting.quote(name), node, what));
  }

  private Flow walk(Value dot, Syntax.Block block) {
    for (Syntax.Statement statement : block.statements()) {
      Flow flow =
          switch (statement) {
            case Syntax.Text text -> {
              out.append(text.text());
              yield Flow.ON;
            }
            case Syntax.Action action -> {
              Value value = pipe(dot, at(action).pipe());
              if (action.pipe().variables().isEmpty()) {
                print(at(action), value);
              }
              yield Flow.ON;
            }
            case Syntax.Branch branch ->
                branch.word().equals("range") ? loop(dot, branch) : branch(dot, branch);
            case Syntax.Jump jump -> jump.leaves() ? Flow.BREAK : Flow.CONTINUE;
            case Syntax.Use use -> {
              use(dot, at(use));
              yield Flow.ON;
            }
          };
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private void print(Syntax.Action action, Value value) {
    if (value.type() instanceof Type.Methods) {
      throw failure("can't print " + action.pipe() + " of type " + value.type().name());
    }
    out.append(value.isMissing() ? "<no value>" : Printer.plain(value.target()));
  }

  private Flow branch(Value dot, Syntax.Branch branch) {
    int known = variables.size();
    Value value = pipe(dot, branch.pipe());
    Flow flow = Flow.ON;
    if (value.isTrue()) {
      flow = walk(branch.word().equals("with") ? value : dot, branch.then());
    } else if (branch.otherwise() != null) {
      flow = walk(dot, branch.otherwise());
    }
    variables.forget(known);
    return flow;
  }

  private Flow loop(Value dot, Syntax.Branch range) {
    int known = variables.size();
    Value over = pipe(dot, at(range).pipe()).target();
    if (over.isWhole() && range.pipe().variables().size() > 1) {
      throw failure("can't use " + Printer.plain(over) + " to iterate over more than one variable");
    }
    Iterator<Turn> turns = Turn.all(over);
    if (turns == null) {
      throw failure("range can't iterate over " + Printer.plain(over));
    }
    boolean none = !turns.hasNext();
    Flow flow = Flow.ON;
    while (flow != Flow.BREAK && turns.hasNext()) {
      flow = turn(range, turns.next());
    }
    flow = none && range.otherwise() != null ? walk(dot, range.otherwise()) : Flow.ON;
    variables.forget(known);
    return flow;
  }

  private Flow turn(Syntax.Branch range, Turn turn) {
    List<Syntax.Variable> declared = range.pipe().variables();
    int known = variables.size();
    if (!declared.isEmpty()) {
      set(declared.getLast().name(), turn.element());
    }
    if (declared.size() > 1) {
      set(declared.getFirst().name(), turn.index());
    }
    Flow flow = walk(turn.element(), range.then());
    variables.forget(known);
    return flow;
  }

  private void use(Value dot, Syntax.Use use) {
    Syntax.Block block = definitions.get(use.name());
    if (block == null) {
      throw failure("template " + Quoting.quote(use.name()) + " not defined");
    }
    if (++depth > DEPTH) {
      throw failure("exceeded maximum template depth (" + DEPTH + ")");
    }
    Value value = use.pipe() == null ? Value.NONE : pipe(dot, use.pipe());
    Scope around = variables;
    String outer = name;
    variables = new Scope(value);
    name = use.name();
    var _ = walk(value, block);
    name = outer;
    variables = around;
    depth--;
  }

  private Value pipe(Value dot, Syntax.Pipe pipe) {
    at(pipe);
    @Nullable Value value = null;
    for (Syntax.Command command : pipe.commands()) {
      Value answer = command(dot, command, value);
      // A nil of no type is no value at all from here on.
      value = answer.isMissing() ? Value.NONE : answer;
    }
    Value last = value == null ? Value.NONE : value;
    for (Syntax.Variable variable : pipe.variables()) {
      if (pipe.assigns()) {
        set(variable.name(), last);
      } else {
        variables.declare(variable.name(), last);
      }
    }
    return last;
  }

  private void set(String wanted, Value value) {
    if (!variables.set(wanted, value)) {
      throw failure("undefined variable: " + wanted);
    }
  }

  private Value command(Value dot, Syntax.Command command, @Nullable Value last) {
    List<Syntax.Operand> words = command.words();
    Syntax.Operand first = words.getFirst();
    List<Syntax.Operand> arguments = words.subList(1, words.size());
    return switch (first) {
      case Syntax.Field field -> chain(dot, dot, at(field).names(), arguments, last);
      case Syntax.Chain chain -> chain(dot, inner(dot, chain), chain.names(), arguments, last);
      case Syntax.Function function -> call(dot, at(function), command, arguments, last);
      case Syntax.Variable variable -> variable(dot, at(variable), arguments, last);
      case Syntax.Pipe pipe -> {
        refuseArguments(first, arguments, last);
        yield pipe(dot, pipe);
      }
      case Syntax.Dot here -> {
        refuseArguments(at(here), arguments, last);
        yield dot;
      }
      case Syntax.Constant constant -> {
        at(constant);
        refuseArguments(first, arguments, last);
        if (constant.value().isMissing()) {
          throw failure("nil is not a command");
        }
        yield constant.value();
      }
    };
  }

  private void refuseArguments(
      Syntax.Operand word, List<Syntax.Operand> arguments, @Nullable Value last) {
    if (!arguments.isEmpty() || last != null) {
      throw failure("can't give argument to non-function " + word);
    }
  }

  private Value variable(
      Value dot, Syntax.Variable variable, List<Syntax.Operand> arguments, @Nullable Value last) {
    Value value = variables.get(variable.name());
    if (value == null) {
      throw failure("undefined variable: " + variable.name());
    }
    if (variable.names().isEmpty()) {
      refuseArguments(variable, arguments, last);
      return value;
    }
    return chain(dot, value, variable.names(), arguments, last);
  }

  private Value inner(Value dot, Syntax.Chain chain) {
    at(chain);
    if (chain.of() instanceof Syntax.Constant constant && constant.value().isMissing()) {
      throw failure("indirection through explicit nil in " + chain);
    }
    return operand(dot, chain.of());
  }

  /** Fields one after the other; the last one gets the arguments. */
  private Value chain(
      Value dot,
      Value of,
      List<String> names,
      List<Syntax.Operand> arguments,
      @Nullable Value last) {
    Value value = of;
    // What stands in a map of anything is known as anything until a pipeline ends.
    boolean boxed = false;
    for (String inner : names.subList(0, names.size() - 1)) {
      boolean next =
          value.target().type() instanceof Type.Dict dict && dict.element() instanceof Type.Any;
      value = field(dot, value, boxed, inner, List.of(), null);
      boxed = next;
    }
    return field(dot, value, boxed, names.getLast(), arguments, last);
  }

  private Value field(
      Value dot,
      Value of,
      boolean boxed,
      String field,
      List<Syntax.Operand> arguments,
      @Nullable Value last) {
    if (of.isMissing()) {
      if (of.isNil()) {
        throw failure("nil pointer evaluating interface {}." + field);
      }
      if (strict) {
        throw failure("nil data; no entry for key " + Quoting.quote(field));
      }
      return Value.NONE;
    }
    boolean given = !arguments.isEmpty() || last != null;
    Value receiver = of.target();
    switch (receiver.type()) {
      case Type.Methods _ -> {
        return method(dot, receiver, field, arguments, last);
      }
      case Type.Struct struct -> {
        Value found = struct.member(receiver, field);
        if (found != null) {
          if (given) {
            throw failure(field + " has arguments but cannot be invoked as function");
          }
          return found;
        }
        throw unknown(field, of.type(), struct.names());
      }
      case Type.Dict dict -> {
        if (!dict.key().equals(Type.STRING)) {
          throw unknown(field, of.type(), Set.of());
        }
        if (given) {
          throw failure(field + " is not a method but has arguments");
        }
        Value found = receiver.entries().get(field);
        if (found == null && strict) {
          throw failure(
              "map has no entry for key "
                  + Quoting.quote(field)
                  + Nearest.hint(field, receiver.entries().keySet()));
        }
        return found == null ? Value.NONE : found;
      }
      case Type.Pointer(Type.Struct struct) when struct.names().contains(field) ->
          throw failure("nil pointer evaluating " + of.type().name() + "." + field);
      case Type.Any _, Type.Basic _, Type.Items _, Type.Pointer _ -> {}
    }
    throw unknown(field, boxed ? Type.ANY : of.type(), Set.of());
  }

  private BerthException unknown(String field, Type type, Set<String> known) {
    return failure(
        "can't evaluate field " + field + " in type " + type.name() + Nearest.hint(field, known));
  }

  private Value method(
      Value dot,
      Value receiver,
      String field,
      List<Syntax.Operand> arguments,
      @Nullable Value last) {
    if (!(receiver.content() instanceof Cells row)) {
      throw failure("nil pointer evaluating " + receiver.type().name() + "." + field);
    }
    int given = arguments.size() + (last == null ? 0 : 1);
    if (field.equals("Label") && row.isLabelled()) {
      if (given != 1) {
        throw failure("wrong number of args for Label: want 1 got " + given);
      }
      Value key =
          last == null
              ? argument(dot, arguments.getFirst(), Functions.Parameter.TEXT)
              : fit(last, Functions.Parameter.TEXT);
      return Value.of(row.label(key.text()));
    }
    var cell = row.cells().get(field);
    if (cell == null) {
      Set<String> known = new TreeSet<>(row.cells().keySet());
      if (row.isLabelled()) {
        known.add("Label");
      }
      throw unknown(field, receiver.type(), known);
    }
    if (given != 0) {
      throw failure("wrong number of args for " + field + ": want 0 got " + given);
    }
    return Value.of(cell.get());
  }

  private Value call(
      Value dot,
      Syntax.Function function,
      Syntax here,
      List<Syntax.Operand> arguments,
      @Nullable Value last) {
    Functions.Signature signature = Functions.signature(function.name());
    int given = arguments.size() + (last == null ? 0 : 1);
    int fixed = signature.fixed().size();
    if (signature.rest() == null ? given != fixed : given < fixed) {
      throw failure(
          "wrong number of args for %s: want %s%d got %d"
              .formatted(
                  function.name(),
                  signature.rest() == null ? "" : "at least ",
                  fixed,
                  signature.rest() == null ? given : arguments.size()));
    }
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < arguments.size(); i++) {
      Value value = argument(dot, arguments.get(i), signature.parameter(i));
      if (function.name().equals(value.isTrue() ? "or" : "and")) {
        return value;
      }
      values.add(value);
    }
    if (last != null) {
      values.add(fit(last, signature.parameter(arguments.size())));
    }
    try {
      return Functions.call(function.name(), values, titles);
    } catch (FunctionFailure e) {
      at(here);
      throw failure("error calling " + function.name() + ": " + e.getMessage());
    }
  }

  /** The value of a word where a function wants a certain type. */
  private Value argument(Value dot, Syntax.Operand word, Functions.Parameter parameter) {
    at(word);
    if (word instanceof Syntax.Constant constant) {
      if (constant.value().isMissing() && !parameter.nullable()) {
        throw failure("cannot assign nil to " + parameter.type());
      }
      if (!parameter.accepts(constant.value())) {
        throw failure("expected " + parameter.constant() + "; found " + constant);
      }
      return constant.value();
    }
    return fit(operand(dot, word), parameter);
  }

  private Value operand(Value dot, Syntax.Operand word) {
    return switch (word) {
      case Syntax.Dot _ -> dot;
      case Syntax.Constant constant -> constant.value();
      case Syntax.Field field -> chain(dot, dot, at(field).names(), List.of(), null);
      case Syntax.Variable variable -> variable(dot, at(variable), List.of(), null);
      case Syntax.Pipe pipe -> pipe(dot, pipe);
      case Syntax.Function function -> call(dot, at(function), function, List.of(), null);
      case Syntax.Chain chain -> chain(dot, inner(dot, chain), chain.names(), List.of(), null);
    };
  }

  private Value fit(Value value, Functions.Parameter parameter) {
    if (value.isMissing() && !parameter.nullable()) {
      throw failure("invalid value; expected " + parameter.type());
    }
    if (titles || parameter.accepts(value)) {
      return value;
    }
    if (parameter.accepts(value.target())) {
      return value.target();
    }
    throw failure(
        "wrong type for value; expected " + parameter.type() + "; got " + value.type().name());
  }
}
