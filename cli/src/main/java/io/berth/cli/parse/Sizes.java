package io.berth.cli.parse;

import io.berth.base.error.BerthException;
import java.math.BigDecimal;
import java.util.Locale;

/** Reads amounts of memory and of CPUs. */
public final class Sizes {
  private Sizes() {}

  /**
   * Reads a number of bytes such as {@code 64m}, {@code 1.5g} or {@code 512KiB}; units are powers
   * of 1024, as docker reads them. INVALID_ARGUMENT for anything else and for numbers below zero.
   *
   * @param option the option that it was typed for, named in a refusal
   */
  public static long bytes(String option, String text) {
    String lower = text.toLowerCase(Locale.ROOT).strip();
    if (lower.endsWith("ib")) {
      lower = lower.substring(0, lower.length() - 2);
    } else if (lower.endsWith("b")) {
      lower = lower.substring(0, lower.length() - 1);
    }
    int unit = lower.isEmpty() ? -1 : "kmgtp".indexOf(lower.charAt(lower.length() - 1));
    String digits = unit < 0 ? lower : lower.substring(0, lower.length() - 1);
    BigDecimal value;
    try {
      value = new BigDecimal(digits.strip());
    } catch (NumberFormatException e) {
      throw new BerthException.InvalidArgument(
          option + " `" + text + "`: is no size; write 64m or 1g", e);
    }
    if (value.signum() < 0) {
      throw new BerthException.InvalidArgument(option + " `" + text + "`: must not be negative");
    }
    try {
      return value
          .multiply(BigDecimal.valueOf(1L << (10 * (unit + 1))))
          .toBigInteger()
          .longValueExact();
    } catch (ArithmeticException e) {
      throw new BerthException.InvalidArgument(option + " `" + text + "`: is too large", e);
    }
  }

  /** Reads a number of CPUs above zero, in billionths: {@code 1.5} is 1500000000. */
  public static long nanoCpus(String text) {
    long nanos;
    try {
      nanos = new BigDecimal(text).movePointRight(9).longValueExact();
    } catch (NumberFormatException | ArithmeticException e) {
      throw new BerthException.InvalidArgument(
          "--cpus `" + text + "`: is no number of CPUs; write 0.5 or 2", e);
    }
    if (nanos <= 0) {
      throw new BerthException.InvalidArgument("--cpus `" + text + "`: must be above 0");
    }
    return nanos;
  }
}
