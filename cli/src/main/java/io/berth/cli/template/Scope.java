package io.berth.cli.template;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variables that a template has declared so far; of one name the last one counts. */
final class Scope {
  private final List<String> names = new ArrayList<>();
  private final List<Value> values = new ArrayList<>();

  /** With the value that a template began with, which is called {@code $}. */
  Scope(Value whole) {
    declare("$", whole);
  }

  void declare(String name, Value value) {
    names.add(name);
    values.add(value);
  }

  @Nullable Value get(String name) {
    int at = names.lastIndexOf(name);
    return at < 0 ? null : values.get(at);
  }

  /** Gives a variable another value; false where there is none. */
  boolean set(String name, Value value) {
    int at = names.lastIndexOf(name);
    if (at >= 0) {
      values.set(at, value);
    }
    return at >= 0;
  }

  int size() {
    return names.size();
  }

  /** Ends the variables that were declared after there were so many. */
  void forget(int known) {
    names.subList(known, names.size()).clear();
    values.subList(known, values.size()).clear();
  }
}
