package io.berth.base.text;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Amounts of memory as docker reads them: {@code 64m}, {@code 1.5g}, {@code 512KiB}; the units are
 * powers of 1024 whatever their form, and a part of a byte is left out.
 */
public final class ByteSize {
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,20}(?:\\.\\d{1,20})?) ?(?:([kmgtp])i?)?b?");
  private static final Pattern CPUS = Pattern.compile("\\d{0,9}(?:\\.\\d{0,9})?");
  private static final BigDecimal MOST = BigDecimal.valueOf(Long.MAX_VALUE);

  private ByteSize() {}

  /** Reads a number of bytes, which is not below zero. */
  public static long parse(String what, String word) {
    Matcher form = FORM.matcher(word.toLowerCase(Locale.ROOT));
    if (!form.matches()) {
      throw Refusal.of(
          what,
          word,
          word.startsWith("-") ? "must not be negative" : "is no size; write 64m or 1g");
    }
    int power = form.group(2) == null ? 0 : "kmgtp".indexOf(form.group(2)) + 1;
    BigDecimal bytes =
        new BigDecimal(form.group(1))
            .multiply(BigDecimal.valueOf(1L << (10 * power)))
            .setScale(0, RoundingMode.DOWN);
    if (bytes.compareTo(MOST) > 0) {
      throw Refusal.of(what, word, "is too large");
    }
    return bytes.longValue();
  }

  /** The number as a person reads it, in the largest unit of which it has one: {@code 64 MiB}. */
  public static String format(long bytes) {
    int power = 0;
    while (power < 5 && bytes >> (10 * (power + 1)) > 0) {
      power++;
    }
    String number =
        BigDecimal.valueOf(bytes)
            .divide(BigDecimal.valueOf(1L << (10 * power)), 1, RoundingMode.HALF_UP)
            .stripTrailingZeros()
            .toPlainString();
    return number + " " + (power == 0 ? "bytes" : "KMGTP".charAt(power - 1) + "iB");
  }

  /** Reads a number of CPUs above zero, in billionths: {@code 1.5} is 1500000000. */
  public static long nanoCpus(String what, String word) {
    if (!CPUS.matcher(word).matches() || word.isEmpty() || word.equals(".")) {
      throw Refusal.of(what, word, "is no number of CPUs; write 0.5 or 2");
    }
    String number = word.startsWith(".") ? "0" + word : word;
    long nanos =
        new BigDecimal(number.endsWith(".") ? number + "0" : number)
            .movePointRight(9)
            .longValueExact();
    if (nanos == 0) {
      throw Refusal.of(what, word, "must be above 0");
    }
    return nanos;
  }
}
