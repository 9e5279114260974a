package io.berth.base.id;

import io.berth.base.error.BerthException;

/**
 * The number of a user or of a group.
 *
 * <p>What is written as a number is one and never a name: an image's passwd(5) may well call root
 * {@code 1000}, and whoever asks for 1000 means to be rid of root.
 */
public final class UnixId {
  /** The largest, as docker and runc have it: not everything that keeps ids can hold more. */
  public static final int MAX = Integer.MAX_VALUE;

  private static final int MAX_SHOWN = 64;

  private UnixId() {}

  /** Whether a text is written as a number: decimal digits, perhaps with a sign before them. */
  public static boolean isNumber(String text) {
    int first = signed(text) ? 1 : 0;
    return text.length() > first
        && text.chars().skip(first).allMatch(digit -> digit >= '0' && digit <= '9');
  }

  private static boolean signed(String text) {
    return text.startsWith("-") || text.startsWith("+");
  }

  /**
   * The number that a text is. INVALID_ARGUMENT if it is none, or not between 0 and {@link #MAX}.
   *
   * @param what whose number, for the error
   */
  public static int parse(String what, String text) {
    if (!isNumber(text)) {
      throw new BerthException.InvalidArgument(what + " " + shown(text) + ": not a number");
    }
    String digits = text.substring(signed(text) ? 1 : 0).replaceFirst("^0+(?=.)", "");
    if (digits.length() > 10) {
      throw outOfRange(what, shown(text));
    }
    long number = Long.parseLong(digits);
    if (number != 0 && text.startsWith("-")) {
      throw outOfRange(what, text);
    }
    return checked(what, number);
  }

  /**
   * Returns the number. INVALID_ARGUMENT if it is not between 0 and {@link #MAX}.
   *
   * @param what whose number, for the error
   * @param number unsigned
   */
  public static int checked(String what, long number) {
    if (number < 0 || number > MAX) {
      throw outOfRange(what, Long.toUnsignedString(number));
    }
    return (int) number;
  }

  private static BerthException outOfRange(String what, String number) {
    return new BerthException.InvalidArgument(what + " " + number + ": not between 0 and " + MAX);
  }

  private static String shown(String text) {
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
  }
}
