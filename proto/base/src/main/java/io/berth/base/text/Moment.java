package io.berth.base.text;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Points in time as docker takes them: a date of RFC 3339, which may end after the day, the hour or
 * the minute and may have no zone; seconds since 1970; or an age such as {@code 1.5h} ({@link
 * GoDuration}), which below zero is in the future.
 */
public final class Moment {
  private static final Pattern SECONDS = Pattern.compile("(\\d{1,12})(?:\\.(\\d{1,9}))?");

  private static final Pattern DATE =
      Pattern.compile(
          "(\\d{4}-\\d\\d-\\d\\d)"
              + "(?:T(\\d\\d)(?::(\\d\\d)(?::(\\d\\d)(?:\\.(\\d{1,9}))?)?)?)?"
              + "(Z|z|[+-]\\d\\d:\\d\\d)?");

  private Moment() {}

  /**
   * Reads a moment.
   *
   * @param now when an age ends
   * @param zone of a date without one
   */
  public static Instant parse(String what, String word, Instant now, ZoneId zone) {
    try {
      Instant moment = instant(what, word, now, zone);
      if (moment != null) {
        return moment;
      }
    } catch (DateTimeException | ArithmeticException e) {
      // It has the form of a date, but there is no such day or hour.
      throw Refusal.of(what, word, "there is no such time");
    }
    throw Refusal.of(what, word, "is no time; write 2026-01-31T12:00:00Z or 10m");
  }

  private static @Nullable Instant instant(String what, String word, Instant now, ZoneId zone) {
    Matcher seconds = SECONDS.matcher(word);
    if (seconds.matches()) {
      return Instant.ofEpochSecond(Long.parseLong(seconds.group(1)), nanos(seconds.group(2)));
    }
    Matcher date = DATE.matcher(word);
    if (date.matches()) {
      LocalTime time =
          LocalTime.of(
              number(date.group(2)),
              number(date.group(3)),
              number(date.group(4)),
              nanos(date.group(5)));
      ZoneId own =
          date.group(6) == null ? zone : ZoneOffset.of(date.group(6).toUpperCase(Locale.ROOT));
      return LocalDate.parse(date.group(1)).atTime(time).atZone(own).toInstant();
    }
    return GoDuration.isOne(word) ? now.minus(GoDuration.parse(what, word)) : null;
  }

  private static int number(@Nullable String digits) {
    return digits == null ? 0 : Integer.parseInt(digits);
  }

  private static int nanos(@Nullable String digits) {
    return digits == null ? 0 : Integer.parseInt((digits + "00000000").substring(0, 9));
  }
}
