package io.berth.cli.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Go's numbers, read and written. */
final class Numbers {
  private Numbers() {}

  /** A constant: an int, or a float where its text is one's; null where it is neither. */
  static @Nullable Value parse(String source) {
    String text = source.replace("_", "").toLowerCase(Locale.ROOT);
    boolean negative = text.startsWith("-");
    String digits = text.startsWith("-") || text.startsWith("+") ? text.substring(1) : text;
    int radix =
        digits.startsWith("0x")
            ? 16
            : digits.startsWith("0o")
                ? 8
                : digits.startsWith("0b") ? 2 : digits.matches("0[0-7]+") ? 8 : 10;
    try {
      if (radix == 16 ? digits.matches(".*[.p].*") : radix == 10 && digits.matches(".*[.e].*")) {
        return new Value(Type.FLOAT, Double.parseDouble(text));
      }
      String bare = digits.matches("0[xob].*") ? digits.substring(2) : digits;
      BigInteger whole = new BigInteger(bare, radix);
      return Value.of((negative ? whole.negate() : whole).longValueExact());
    } catch (ArithmeticException | NumberFormatException e) {
      return null;
    }
  }

  /** The shortest text that stands for a number, with an exponent from so many digits on. */
  static String shortest(double number, int digits) {
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return special(number);
    }
    if (number == 0) {
      return 1 / number < 0 ? "-0" : "0";
    }
    BigDecimal value = new BigDecimal(Double.toString(number)).stripTrailingZeros();
    int exponent = value.precision() - value.scale() - 1;
    if (exponent >= -4 && exponent < digits) {
      return value.toPlainString();
    }
    return mantissa(value, value.precision() - 1) + exponent('e', exponent);
  }

  /** A number by one of the verbs {@code e E f F g G} with digits after its point. */
  static String format(double number, char verb, int precision) {
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return special(number);
    }
    char letter = Character.isUpperCase(verb) ? 'E' : 'e';
    String sign = number < 0 || 1 / number < 0 ? "-" : "";
    BigDecimal value = new BigDecimal(Math.abs(number));
    return switch (Character.toLowerCase(verb)) {
      case 'f' -> sign + value.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
      case 'e' -> {
        BigDecimal round = rounded(value, precision + 1);
        int exponent = number == 0 ? 0 : round.precision() - round.scale() - 1;
        yield sign + mantissa(round, precision) + exponent(letter, exponent);
      }
      default -> {
        int figures = Math.max(1, precision);
        BigDecimal round = rounded(value, figures).stripTrailingZeros();
        int exponent = number == 0 ? 0 : round.precision() - round.scale() - 1;
        yield sign
            + (exponent < -4 || exponent >= figures
                ? mantissa(round, round.precision() - 1) + exponent(letter, exponent)
                : round.toPlainString());
      }
    };
  }

  private static String special(double number) {
    return Double.isNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
  }

  private static BigDecimal rounded(BigDecimal value, int figures) {
    return value.round(new MathContext(figures, RoundingMode.HALF_EVEN));
  }

  /** The digits of a number with its point behind the first of them. */
  private static String mantissa(BigDecimal value, int precision) {
    String digits = value.unscaledValue().abs().toString();
    StringBuilder text = new StringBuilder(digits);
    while (text.length() <= precision) {
      text.append('0');
    }
    String sign = value.signum() < 0 ? "-" : "";
    return sign + text.charAt(0) + (precision > 0 ? "." + text.substring(1, precision + 1) : "");
  }

  private static String exponent(char letter, int exponent) {
    return letter
        + (exponent < 0 ? "-" : "+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }
}
