package io.berth.base.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lengths of time as Go writes them, and thereby docker and containerd: numbers with units from
 * nanoseconds to hours, such as {@code 1h30m}, {@code 1.5h} or {@code -250ms}; {@code 0} needs no
 * unit. The longest is 292 years.
 */
public final class GoDuration {
  private static final Pattern PART =
      Pattern.compile("(\\d{0,20})(?:\\.(\\d{0,20}))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)");

  private static final BigDecimal LONGEST = BigDecimal.valueOf(Long.MAX_VALUE);

  private GoDuration() {}

  /** Reads a length, which may be below zero. */
  public static Duration parse(String what, String word) {
    if (!isOne(word)) {
      throw Refusal.of(what, word, "is no length of time; write 30s or 1m30s");
    }
    BigDecimal nanos = nanos(word);
    if (nanos.abs().compareTo(LONGEST) > 0) {
      throw Refusal.of(what, word, "is longer than 292 years");
    }
    return Duration.ofNanos(nanos.longValue());
  }

  /** Reads a length that is not below zero. */
  public static Duration parsePositive(String what, String word) {
    Duration length = parse(what, word);
    if (length.isNegative()) {
      throw Refusal.of(what, word, "must not be below zero");
    }
    return length;
  }

  /** Whether a word has the form of a length. */
  static boolean isOne(String word) {
    String rest = unsigned(word);
    if (rest.equals("0")) {
      return true;
    }
    Matcher part = PART.matcher(rest);
    int at = 0;
    while (at < rest.length() && part.find(at) && part.start() == at && hasDigits(part)) {
      at = part.end();
    }
    return at > 0 && at == rest.length();
  }

  private static boolean hasDigits(Matcher part) {
    return !part.group(1).isEmpty() || (part.group(2) != null && !part.group(2).isEmpty());
  }

  private static String unsigned(String word) {
    return word.startsWith("-") || word.startsWith("+") ? word.substring(1) : word;
  }

  private static BigDecimal nanos(String word) {
    BigDecimal sum = BigDecimal.ZERO;
    Matcher part = PART.matcher(word);
    while (part.find()) {
      String fraction = part.group(2) == null ? "" : part.group(2);
      BigDecimal number = new BigDecimal(new BigInteger("0" + part.group(1) + fraction), 0);
      sum = sum.add(number.movePointLeft(fraction.length()).multiply(unit(part.group(3))));
    }
    return word.startsWith("-") ? sum.negate() : sum;
  }

  private static BigDecimal unit(String name) {
    return BigDecimal.valueOf(
        switch (name) {
          case "h" -> 3_600_000_000_000L;
          case "m" -> 60_000_000_000L;
          case "s" -> 1_000_000_000L;
          case "ms" -> 1_000_000L;
          case "ns" -> 1L;
          default -> 1_000L;
        });
  }
}
