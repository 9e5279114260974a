package io.berth.e2e;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** What a round of kills has asked for and got: the calls, the hits, and what was wrong. */
final class KillLedger {
  /** The most of a container's id that the name of its supervisor has. */
  private static final int SHOWN = 40;

  /**
   * A container that counts into its log and ends by itself.
   *
   * @param restarts how often its policy starts it again
   * @param told whether the client was told that it runs
   */
  record Counting(String name, int lines, int code, int restarts, boolean told) {}

  private final Queue<Counting> counting = new ConcurrentLinkedQueue<>();
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final Queue<String> tale = new ConcurrentLinkedQueue<>();
  private final Set<String> bereft = ConcurrentHashMap.newKeySet();
  private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> done = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> hits = new ConcurrentHashMap<>();

  /** Something that must not be; the campaign fails with all of them. */
  void fault(String what) {
    faults.add(what);
    tell("fault: " + what);
  }

  /** Something that helps to find out why a fault came about. */
  void tell(String what) {
    tale.add(Instant.now() + " " + what);
  }

  /** All that was told, in its order, each line with its moment. */
  List<String> tale() {
    return List.copyOf(tale);
  }

  List<String> faults() {
    return List.copyOf(faults);
  }

  void counts(Counting container) {
    counting.add(container);
  }

  List<Counting> counting() {
    return List.copyOf(counting);
  }

  /** Before its supervisor is killed: from now on the container may have ended by that. */
  void bereave(String supervisor) {
    bereft.add(supervisor);
  }

  /** Whether the supervisor of the container of this id was killed. */
  boolean isBereft(String id) {
    return !id.isEmpty() && bereft.contains(id.length() > SHOWN ? id.substring(0, SHOWN) : id);
  }

  /**
   * @param whom which process of this kind
   */
  void hit(String what, String whom) {
    tell(what + " " + whom);
    hits.computeIfAbsent(what, _ -> new AtomicInteger()).incrementAndGet();
  }

  int hits() {
    return sum(hits);
  }

  int calls() {
    return sum(calls);
  }

  int done() {
    return sum(done);
  }

  private static int sum(Map<String, AtomicInteger> counts) {
    return counts.values().stream().mapToInt(AtomicInteger::get).sum();
  }

  /**
   * Counts the call of a program that leaves with a code of its own; answers whether it did. Else
   * the engine must have said why not, and with a code that it has for itself.
   *
   * @param id of the container, as far as it is known, else empty
   */
  boolean program(String verb, Command command, int code, String id) {
    if (command.exit() == code) {
      return count(verb, /* success= */ true);
    }
    boolean ownFailure = (command.exit() == 1 || command.exit() == 125) && !command.err().isBlank();
    boolean lost = isBereft(id) && (command.exit() == 137 || command.exit() == 255);
    if (!ownFailure && !lost) {
      fault(
          "the program's code is "
              + code
              + ": "
              + described(command)
              + (isBereft(id) ? " (its supervisor was killed)" : ""));
    }
    mustBeReadable(command);
    tell("failed: " + described(command));
    return count(verb, /* success= */ false);
  }

  /** Counts a call that changes or tells something; answers whether it did. */
  boolean engine(String verb, Command command) {
    return program(verb, command, 0, "");
  }

  private boolean count(String verb, boolean success) {
    calls.computeIfAbsent(verb, _ -> new AtomicInteger()).incrementAndGet();
    if (success) {
      done.computeIfAbsent(verb, _ -> new AtomicInteger()).incrementAndGet();
    }
    return success;
  }

  private void mustBeReadable(Command command) {
    if (command.err().contains("\tat ") || command.err().contains("Exception")) {
      fault("no words for people: " + described(command));
    }
  }

  /** What was called, its code and its words. */
  static String described(Command command) {
    List<String> words = command.line();
    return "`%s` exit %d, stdout `%s`, stderr `%s`"
        .formatted(
            String.join(" ", words.subList(Math.min(3, words.size() - 1), words.size())),
            command.exit(),
            end(command.out()),
            end(command.err()));
  }

  private static String end(String text) {
    return text.length() > 400 ? "…" + text.substring(text.length() - 400) : text;
  }

  /** Adds what another round counted. */
  void add(KillLedger other) {
    other.calls.forEach((verb, number) ->
        calls.computeIfAbsent(verb, _ -> new AtomicInteger()).addAndGet(number.get()));
    other.done.forEach((verb, number) ->
        done.computeIfAbsent(verb, _ -> new AtomicInteger()).addAndGet(number.get()));
    other.hits.forEach((what, number) ->
        hits.computeIfAbsent(what, _ -> new AtomicInteger()).addAndGet(number.get()));
    faults.addAll(other.faults);
    tale.addAll(other.tale);
  }

  /** A line of the hits and one of the calls. */
  String table() {
    List<String> cells = new ArrayList<>();
    new TreeMap<>(calls)
        .forEach((verb, number) ->
            cells.add(verb + " " + done.getOrDefault(verb, new AtomicInteger()) + "/" + number));
    return "hits "
        + hits()
        + " "
        + new TreeMap<>(hits)
        + "\ncalls done "
        + done()
        + "/"
        + calls()
        + ": "
        + String.join(", ", cells);
  }
}
