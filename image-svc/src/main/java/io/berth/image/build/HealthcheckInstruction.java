package io.berth.image.build;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.text.GoDuration;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * The instruction HEALTHCHECK of an image file: {@code NONE}, or {@code [--interval=D]
 * [--timeout=D] [--start-period=D] [--start-interval=D] [--retries=N] CMD command}.
 */
final class HealthcheckInstruction {
  /** What an option of a length of time is called in the image's configuration. */
  private static final Map<String, String> TIMES =
      Map.of(
          "--interval", "Interval",
          "--timeout", "Timeout",
          "--start-period", "StartPeriod",
          "--start-interval", "StartInterval");

  private static final Duration LEAST = Duration.ofMillis(1);

  private HealthcheckInstruction() {}

  /**
   * The {@code Healthcheck} of a configuration.
   *
   * @param text what follows the word HEALTHCHECK; not empty
   * @param command makes program and arguments of what follows CMD
   * @throws BerthException.InvalidArgument for anything that is no health check
   */
  static ObjectNode read(String text, Function<String, List<String>> command) {
    ObjectNode check = Json.mapper().createObjectNode();
    String rest = text;
    while (rest.startsWith("--")) {
      int end = blank(rest);
      option(check, rest.substring(0, end));
      rest = rest.substring(end).strip();
    }
    int end = blank(rest);
    String arguments = rest.substring(end).strip();
    ArrayNode test = check.putArray("Test");
    switch (rest.substring(0, end).toUpperCase(Locale.ROOT)) {
      case "NONE" -> {
        refuse(!arguments.isEmpty() || check.size() > 1, text, "NONE takes nothing beside it");
        test.add("NONE");
      }
      case "CMD" -> {
        refuse(arguments.isEmpty(), text, "CMD needs a command");
        if (arguments.startsWith("[")) {
          test.add("CMD");
          List<String> words = command.apply(arguments);
          refuse(words.isEmpty(), text, "CMD needs a command");
          words.forEach(test::add);
        } else {
          test.add("CMD-SHELL").add(arguments);
        }
      }
      default -> refuse(true, text, "expected NONE, or CMD and a command");
    }
    return check;
  }

  private static void option(ObjectNode check, String word) {
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    String value = equals < 0 ? "" : word.substring(equals + 1);
    if (name.equals("--retries")) {
      refuse(!value.matches("[0-9]{1,9}"), word, "expected a number of retries from 0");
      check.put("Retries", Integer.parseInt(value));
      return;
    }
    String key = TIMES.get(name);
    refuse(key == null, word, "expected one of --retries, " + String.join(", ", options()));
    Duration length = GoDuration.parsePositive(name, value);
    refuse(
        !length.isZero() && length.compareTo(LEAST) < 0,
        word,
        "must be 1ms at least, or 0 for the default");
    check.put(key, length.toNanos());
  }

  private static List<String> options() {
    return TIMES.keySet().stream().sorted().toList();
  }

  private static int blank(String text) {
    int end = 0;
    while (end < text.length() && !Character.isWhitespace(text.charAt(end))) {
      end++;
    }
    return end;
  }

  private static void refuse(boolean wrong, String what, String why) {
    if (wrong) {
      throw new BerthException.InvalidArgument("health check `" + what + "`: " + why);
    }
  }
}
