package io.berth.cli;

import io.berth.cli.command.SessionCommand;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A row of the table of {@link Verbs}: a word that a line can begin with, or one that can follow
 * such a word.
 *
 * @param names what may be typed for it, the usual one first
 * @param about one line for the list of all verbs; empty for a row inside a group, whose command
 *     describes itself
 * @param maker makes the command; null for a group, which does nothing by itself
 * @param inside makes the rows of the words that may follow
 */
record Verb(
    List<String> names,
    String about,
    @Nullable Supplier<SessionCommand> maker,
    Supplier<List<Verb>> inside) {
  private static final int SHOWN_INSIDE = 6;

  /** A verb that is called by itself. */
  static Verb of(String about, Supplier<SessionCommand> maker, String... names) {
    return new Verb(List.of(names), about, maker, List::of);
  }

  /** A verb inside a group. */
  static Verb of(Supplier<SessionCommand> maker, String... names) {
    return of("", maker, names);
  }

  /** A word that only holds other verbs together. */
  static Verb group(String about, Supplier<List<Verb>> inside, String... names) {
    return new Verb(List.of(names), about, /* maker= */ null, inside);
  }

  /** The usual name. */
  String name() {
    return names.getFirst();
  }

  /** The row with a name among some; null if there is none. */
  static @Nullable Verb named(String name, List<Verb> rows) {
    for (Verb row : rows) {
      if (row.names.contains(name)) {
        return row;
      }
    }
    return null;
  }

  /** The line about it in the list of all verbs; that of a group tells what it holds. */
  String summary() {
    if (maker != null) {
      return about;
    }
    List<Verb> rows = inside.get();
    return rows.stream()
        .limit(SHOWN_INSIDE)
        .map(Verb::name)
        .collect(Collectors.joining(", ", about + ": ", rows.size() > SHOWN_INSIDE ? ", ..." : ""));
  }
}
