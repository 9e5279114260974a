package io.berth.cli.parse;

import com.google.protobuf.Timestamp;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Timestamps;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Pattern;

/** Reads points in time as docker's {@code --since} and {@code --until} take them. */
public final class Moments {
  private static final Pattern SECONDS = Pattern.compile("\\d{1,12}(\\.\\d{1,9})?");
  private static final Pattern AGE = Pattern.compile("(\\d{1,9}h)?(\\d{1,9}m)?(\\d{1,9}s)?");

  private Moments() {}

  /**
   * Reads a moment: RFC 3339, where a missing time is midnight and a missing zone is UTC, or
   * seconds since 1970, or an age such as {@code 1h30m}. INVALID_ARGUMENT for anything else.
   *
   * @param option the option that it was typed for, named in a refusal
   * @param now when an age ends
   */
  public static Timestamp parse(String option, String text, Instant now) {
    Instant at;
    try {
      at = instant(text, now);
    } catch (DateTimeException | ArithmeticException e) {
      throw new BerthException.InvalidArgument(
          option + " `" + text + "`: is no time; write 2026-01-31T12:00:00Z or 10m", e);
    }
    return Timestamps.of(at);
  }

  private static Instant instant(String text, Instant now) {
    if (SECONDS.matcher(text).matches()) {
      BigDecimal seconds = new BigDecimal(text);
      long whole = seconds.longValue();
      int nanos = seconds.subtract(BigDecimal.valueOf(whole)).movePointRight(9).intValue();
      return Instant.ofEpochSecond(whole, nanos);
    }
    if (!text.isEmpty() && AGE.matcher(text).matches()) {
      return now.minus(Duration.parse("PT" + text.toUpperCase(Locale.ROOT)));
    }
    if (!text.contains("T")) {
      return LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
    }
    try {
      return LocalDateTime.parse(text).toInstant(ZoneOffset.UTC);
    } catch (DateTimeParseException e) {
      // A text that is no local time has a zone.
      return Instant.parse(text);
    }
  }
}
