package io.berth.image.registry;

import io.berth.base.error.BerthException;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/**
 * A server is busy and wants to be asked again later. {@link Retry} waits for it; where nothing
 * waits, the failure is that of a broken connection.
 */
final class TryLater extends IOException {
  private static final long serialVersionUID = 1;

  private final BerthException told;
  private final Duration pause;

  /**
   * @param told the failure for a person, if nobody waits any more
   * @param pause that the server asks for; zero if it does not say
   */
  TryLater(BerthException told, Duration pause) {
    super(told.getMessage(), told);
    this.told = told;
    this.pause = pause;
  }

  BerthException told() {
    return told;
  }

  Duration pause() {
    return pause;
  }

  /** Whether an answer means this. */
  static boolean isMeantBy(HttpResponse<?> response) {
    return response.statusCode() == 429 || response.statusCode() == 503;
  }

  /** The pause that an answer asks for: seconds, or a date (RFC 9110, 10.2.3); zero without any. */
  static Duration pause(HttpResponse<?> response) {
    String text = response.headers().firstValue("Retry-After").orElse("").strip();
    try {
      if (text.matches("[0-9]{1,9}")) {
        return Duration.ofSeconds(Long.parseLong(text));
      }
      if (!text.isEmpty()) {
        Duration left =
            Duration.between(
                ZonedDateTime.now(java.time.ZoneOffset.UTC),
                ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME));
        return left.isNegative() ? Duration.ZERO : left;
      }
    } catch (DateTimeException e) {
      // An answer whose pause makes no sense asks for none.
      return Duration.ZERO;
    }
    return Duration.ZERO;
  }
}
