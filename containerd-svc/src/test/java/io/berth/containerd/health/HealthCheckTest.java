package io.berth.containerd.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.HealthSettings;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class HealthCheckTest {
  private static final HealthSettings IMAGE = wish(5, "CMD", "curl", "x");

  /** With these numbers: interval n, timeout n+1, start period n+2 (milliseconds), retries n. */
  private static HealthSettings wish(int n, String... test) {
    return n == 0
        ? new HealthSettings(List.of(test), 0, 0, 0, 0)
        : new HealthSettings(
            List.of(test), n * 1_000_000L, (n + 1) * 1_000_000L, (n + 2) * 1_000_000L, n);
  }

  private static HealthSettings numbers(
      long interval, long timeout, long startPeriod, int retries) {
    return new HealthSettings(List.of(), interval, timeout, startPeriod, retries);
  }

  /** The person's over the image's, and what holds. */
  record Row(String name, HealthSettings user, HealthSettings image, HealthSettings merged) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Row> rows() {
    HealthSettings nothing = HealthSettings.NONE;
    return List.of(
        new Row("nothing at all", nothing, nothing, nothing),
        new Row("the image's whole", nothing, IMAGE, IMAGE),
        new Row("the person's alone", wish(9, "CMD", "a"), nothing, wish(9, "CMD", "a")),
        new Row("the person's whole", wish(9, "CMD", "a"), IMAGE, wish(9, "CMD", "a")),
        new Row("a test, the image's numbers", wish(0, "CMD", "a"), IMAGE, wish(5, "CMD", "a")),
        new Row("numbers, the image's test", wish(9), IMAGE, wish(9, "CMD", "curl", "x")),
        new Row("NONE is no empty test", wish(0, "NONE"), IMAGE, wish(5, "NONE")),
        new Row("the image's NONE stays", wish(9), wish(5, "NONE"), wish(9, "NONE")),
        new Row(
            "one number",
            numbers(0, 0, 0, 7),
            IMAGE,
            new HealthSettings(
                IMAGE.test(), IMAGE.interval(), IMAGE.timeout(), IMAGE.startPeriod(), 7)));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void merging(Row row) {
    assertEquals(row.merged(), row.user().over(row.image()));
  }

  // 30 s, 30 s, 0, 3.
  @Test
  void defaults() {
    HealthCheck check = HealthCheck.of(wish(0, "CMD-SHELL", "exit 0"));
    assertEquals(
        new HealthCheck(
            List.of("/bin/sh", "-c", "exit 0"),
            Duration.ofSeconds(30),
            Duration.ofSeconds(30),
            Duration.ZERO,
            3),
        check);
    HealthCheck given = HealthCheck.of(wish(4, "CMD", "a", "b"));
    assertNotNull(given);
    assertEquals(List.of("a", "b"), given.command());
    assertEquals(Duration.ofMillis(4), given.interval());
    assertEquals(Duration.ofMillis(5), given.timeout());
    assertEquals(Duration.ofMillis(6), given.startPeriod());
    assertEquals(4, given.retries());
  }

  static List<HealthSettings> nothingToDo() {
    return List.of(
        wish(5),
        wish(5, "NONE"),
        wish(5, "NONE", "x"),
        wish(5, ""),
        wish(5, "CMD"),
        wish(5, "CMD-SHELL", ""),
        wish(5, "curl", "x"));
  }

  @ParameterizedTest
  @MethodSource("nothingToDo")
  void nothingIsDone(HealthSettings wish) {
    assertNull(HealthCheck.of(wish));
  }

  static List<HealthSettings> refused() {
    return List.of(
        wish(5, "CMD"),
        wish(5, "curl", "x"),
        wish(5, ""),
        numbers(999_999, 0, 0, 0),
        numbers(0, -1, 0, 0),
        numbers(0, 0, 1, 0),
        numbers(0, 0, 0, -1));
  }

  // At least a millisecond.
  @ParameterizedTest
  @MethodSource("refused")
  void aPersonIsTold(HealthSettings wish) {
    assertThrows(BerthException.InvalidArgument.class, wish::check);
  }

  @Test
  void whatIsFineIsNotRefused() {
    HealthSettings.NONE.check();
    wish(1, "NONE").check();
    wish(1, "CMD", "a").check();
    wish(0, "CMD-SHELL", "exit 1").check();
  }
}
