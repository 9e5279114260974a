package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Property;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Moments and lengths of time. */
final class TimesTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

  /** Case L13. */
  @ParameterizedTest
  @CsvSource({
    "30s, PT30S",
    "1m30s, PT1M30S",
    "1.5h, PT1H30M",
    ".5s, PT0.5S",
    "1.s, PT1S",
    "500ms, PT0.5S",
    "250us, PT0.00025S",
    "250µs, PT0.00025S",
    "250μs, PT0.00025S",
    "0.9ns, PT0S",
    "-1.5h, PT-1H-30M",
    "+1s, PT1S",
    "1s1h, PT1H1S",
    "0, PT0S",
    "-0, PT0S",
    "2562047h47m16.854775807s, PT2562047H47M16.854775807S"
  })
  void durations(String word, Duration length) {
    assertEquals(length, GoDuration.parse("--x", word));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "30", "1d", "s", "1s ", " 1s", "1s1", ".s", "-", "1-s", "--1s", "1e3s", "٣s"})
  void noDurations(String word) {
    Junk.refuses(() -> GoDuration.parse("--x", word));
  }

  @Test
  void durationsHaveAnEnd() {
    Junk.refuses(() -> GoDuration.parse("--x", "2562047h47m16.854775808s"));
    Junk.refuses(() -> GoDuration.parse("--x", "99999999999999999999h"));
    Junk.refuses(() -> GoDuration.parsePositive("--x", "-1ns"));
  }

  @Test
  void durationsGiveWhatTheyWereMadeOf() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          long nanos = draw.number(-Long.MAX_VALUE, Long.MAX_VALUE);
          Duration length = Duration.ofNanos(nanos);
          BigInteger rest = BigInteger.valueOf(nanos).abs();
          StringBuilder word = new StringBuilder(nanos < 0 ? "-" : draw.oneOf("", "+"));
          for (Unit unit : UNITS) {
            if (draw.number(0, 2) > 0 || unit.nanos == 1) {
              BigInteger[] parts = rest.divideAndRemainder(BigInteger.valueOf(unit.nanos));
              word.append(parts[0]).append(unit.name);
              rest = parts[1];
            }
          }
          assertEquals(length, GoDuration.parse("--x", word.toString()), word.toString());
        });
  }

  private record Unit(String name, long nanos) {}

  private static final List<Unit> UNITS =
      List.of(
          new Unit("h", 3_600_000_000_000L),
          new Unit("m", 60_000_000_000L),
          new Unit("s", 1_000_000_000L),
          new Unit("ms", 1_000_000L),
          new Unit("us", 1_000L),
          new Unit("ns", 1L));

  @Test
  void longerWordsAreLongerTimes() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          long less = draw.number(0, 1_000_000);
          long more = draw.number(less + 1, 2_000_000);
          String unit = draw.oneOf("h", "m", "s", "ms", "us", "ns");
          assertTrue(
              GoDuration.parse("--x", less + unit).compareTo(GoDuration.parse("--x", more + unit))
                  < 0);
        });
  }

  @Test
  void junkIsNoDuration() {
    Junk.takes(
        word -> GoDuration.parse("--x", word),
        "1",
        "0",
        "99999999999",
        ".",
        "-",
        "+",
        "h",
        "m",
        "s",
        "ms",
        "us",
        "µs",
        "ns",
        " ");
  }

  /** Case L13: a time without a zone is the caller's. */
  @ParameterizedTest
  @CsvSource({
    "2026-01-31T12:00:00Z, 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00+01:00, 2026-01-31T11:00:00Z",
    "2026-01-31T12:00:00.25, 2026-01-31T11:00:00.250Z",
    "2026-01-31T12:00:00, 2026-01-31T11:00:00Z",
    "2026-07-31T12:00:00, 2026-07-31T10:00:00Z",
    "2026-01-31T12:30, 2026-01-31T11:30:00Z",
    "2026-01-31T12, 2026-01-31T11:00:00Z",
    "2026-01-31T12Z, 2026-01-31T12:00:00Z",
    "2026-01-31, 2026-01-30T23:00:00Z",
    "2026-01-31Z, 2026-01-31T00:00:00Z",
    "2026-01-31-05:00, 2026-01-31T05:00:00Z",
    "10m, 2026-03-01T11:50:00Z",
    "1.5h, 2026-03-01T10:30:00Z",
    "-1h, 2026-03-01T13:00:00Z",
    "0.5, 1970-01-01T00:00:00.500Z",
    "0, 1970-01-01T00:00:00Z",
    "1767225600.000000001, 2026-01-01T00:00:00.000000001Z"
  })
  void moments(String word, String expected) {
    assertEquals(Instant.parse(expected), Moment.parse("--since", word, NOW, BERLIN));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "yesterday",
        "10x",
        "2026-13-01",
        "2026-02-30",
        "2026-01-01T25",
        "T",
        "m",
        "-1",
        "2026-01-01T12:00:00+99:00",
        "99999999999999",
        "2026-1-1",
        "2026-01-01T"
      })
  void noMoments(String word) {
    Junk.refuses(() -> Moment.parse("--since", word, NOW, ZoneOffset.UTC));
  }

  @Test
  void momentsGiveWhatTheyWereMadeOf() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          Instant moment =
              Instant.ofEpochSecond(draw.number(0, 253_402_214_400L), draw.number(0, 999_999_999));
          ZoneId zone = draw.oneOf(ZoneOffset.UTC, ZoneOffset.ofHours(-11), BERLIN);
          String word =
              switch ((int) draw.number(0, 2)) {
                case 0 -> moment.toString();
                case 1 ->
                    DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
                        moment.atOffset(ZoneOffset.ofHoursMinutes(5, 30)));
                default -> moment.getEpochSecond() + "." + digits(moment.getNano());
              };
          assertEquals(moment, Moment.parse("--since", word, NOW, zone), word);
        });
  }

  private static String digits(int nanos) {
    return String.valueOf(1_000_000_000L + nanos).substring(1);
  }

  @Test
  void junkIsNoMoment() {
    Junk.takes(
        word -> Moment.parse("--since", word, NOW, BERLIN),
        "2026-01-31",
        "T12",
        ":00",
        "Z",
        "+",
        "-",
        "01:00",
        ".",
        "5",
        "h",
        "m",
        "292y",
        "9999");
  }
}
