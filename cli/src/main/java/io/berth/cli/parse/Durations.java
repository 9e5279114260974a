package io.berth.cli.parse;

import io.berth.base.error.BerthException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads lengths of time as docker's options take them. */
public final class Durations {
  private static final Pattern PART = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|us|ns|h|m|s)");

  private Durations() {}

  /**
   * Reads a length such as {@code 1m30s}, {@code 1.5s} or {@code 500ms}; it is not below zero.
   * INVALID_ARGUMENT for anything else.
   *
   * @param option the option that it was typed for, named in a refusal
   */
  public static Duration parse(String option, String text) {
    if (text.equals("0")) {
      return Duration.ZERO;
    }
    Matcher part = PART.matcher(text);
    BigDecimal nanos = BigDecimal.ZERO;
    int at = 0;
    while (part.find() && part.start() == at) {
      nanos = nanos.add(new BigDecimal(part.group(1)).multiply(unit(part.group(2))));
      at = part.end();
    }
    if (at == 0 || at < text.length()) {
      throw new BerthException.InvalidArgument(
          option + " `" + text + "`: is no length of time; write 30s or 1m30s");
    }
    try {
      return Duration.ofNanos(nanos.toBigInteger().longValueExact());
    } catch (ArithmeticException e) {
      throw new BerthException.InvalidArgument(option + " `" + text + "`: is too long", e);
    }
  }

  private static BigDecimal unit(String name) {
    return BigDecimal.valueOf(
        switch (name) {
          case "h" -> 3_600_000_000_000L;
          case "m" -> 60_000_000_000L;
          case "s" -> 1_000_000_000L;
          case "ms" -> 1_000_000L;
          case "us" -> 1_000L;
          default -> 1L;
        });
  }
}
