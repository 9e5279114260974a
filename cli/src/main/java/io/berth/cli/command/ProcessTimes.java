package io.berth.cli.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How long each process of the machine has run on its processors, as proc(5) tells it: in steps of
 * ten milliseconds.
 *
 * @param uses by a process' number
 */
record ProcessTimes(Map<String, Use> uses) {
  /** A program's name, which a process may change at any moment, and how long it has run. */
  record Use(String name, long millis) {}

  static final ProcessTimes NONE = new ProcessTimes(Map.of());

  /** What a tick of proc(5) is on every architecture of Linux that has this program. */
  private static final long MILLIS_PER_TICK = 10;

  /** Where user and system time stand behind the name's bracket. */
  private static final int USER = 11;

  private static final int SYSTEM = 12;
  private static final int MOST = 6;

  ProcessTimes {
    uses = Map.copyOf(uses);
  }

  /** Of all processes that this one can see. */
  static ProcessTimes now() {
    Map<String, Use> found = new HashMap<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path process : all) {
        add(process, found);
      }
    } catch (IOException e) {
      return NONE;
    }
    return new ProcessTimes(found);
  }

  private static void add(Path process, Map<String, Use> found) {
    String text = stat(process);
    if (text == null) {
      return;
    }
    int close = text.lastIndexOf(')');
    String[] rest = text.substring(close + 1).strip().split(" ", -1);
    if (close > 0 && rest.length > SYSTEM) {
      long ticks = Long.parseLong(rest[USER]) + Long.parseLong(rest[SYSTEM]);
      found.put(
          String.valueOf(process.getFileName()),
          new Use(text.substring(text.indexOf('(') + 1, close), ticks * MILLIS_PER_TICK));
    }
  }

  private static @Nullable String stat(Path process) {
    try {
      return Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      // It has ended since.
      return null;
    }
  }

  /** What ran most since then, in words that follow others; nothing if nothing did. */
  String since(ProcessTimes before) {
    List<Map.Entry<String, Long>> ran =
        uses.entrySet().stream()
            .map(now ->
                Map.entry(
                    now.getValue().name + "[" + now.getKey() + "]",
                    now.getValue().millis - before.of(now.getKey())))
            .filter(one -> one.getValue() > 0)
            .sorted(
                Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .limit(MOST)
            .toList();
    if (ran.isEmpty()) {
      return "";
    }
    return ran.stream()
        .map(one -> one.getKey() + " " + one.getValue())
        .collect(Collectors.joining(", ", "; meanwhile ran, in ms: ", ""));
  }

  private long of(String process) {
    Use use = uses.get(process);
    return use == null ? 0 : use.millis;
  }
}
