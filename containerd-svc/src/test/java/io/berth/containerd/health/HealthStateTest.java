package io.berth.containerd.health;

import static io.berth.containerd.health.HealthState.Status.HEALTHY;
import static io.berth.containerd.health.HealthState.Status.STARTING;
import static io.berth.containerd.health.HealthState.Status.UNHEALTHY;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.base.json.Json;
import io.berth.containerd.health.HealthState.Result;
import io.berth.containerd.health.HealthState.Status;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a series of results says. */
final class HealthStateTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private static final long START = 1_000 * SECOND;

  private static HealthCheck check(int startPeriodSeconds, int retries) {
    return new HealthCheck(
        List.of("x"),
        Duration.ofSeconds(1),
        Duration.ofSeconds(1),
        Duration.ofSeconds(startPeriodSeconds),
        retries);
  }

  /** After probes at 1 s, 2 s and so on that ended with these codes. */
  private static HealthState after(HealthCheck check, int... codes) {
    HealthState state = HealthState.starting(START);
    for (int i = 0; i < codes.length; i++) {
      long at = START + (i + 1) * SECOND;
      state = state.after(new Result(at, at + 1, codes[i], "probe " + i), check);
    }
    return state;
  }

  private static void says(Status status, int streak, HealthState state) {
    assertEquals(status, state.status());
    assertEquals(streak, state.failingStreak());
  }

  @Test
  void startsUnknown() {
    says(STARTING, 0, HealthState.starting(START));
  }

  @Test
  void oneSuccessIsEnough() {
    says(HEALTHY, 0, after(check(0, 3), 1, 1, 0));
  }

  @Test
  void failuresInARow() {
    says(STARTING, 2, after(check(0, 3), 1, 1));
    says(UNHEALTHY, 3, after(check(0, 3), 1, 1, 1));
    says(HEALTHY, 2, after(check(0, 3), 0, 1, 1));
    says(HEALTHY, 1, after(check(0, 3), 0, 1, 1, 0, 1));
    says(UNHEALTHY, 4, after(check(0, 3), 0, 1, 2, -1, 127));
    says(HEALTHY, 0, after(check(0, 3), 1, 1, 1, 0));
  }

  @Test
  void theStartPeriodForgivesUntilTheFirstSuccess() {
    says(STARTING, 0, after(check(3, 1), 1, 1));
    says(UNHEALTHY, 1, after(check(3, 1), 1, 1, 1));
    says(UNHEALTHY, 1, after(check(9, 1), 0, 1));
  }

  @Test
  void theLastFiveAreKept() {
    HealthState state = after(check(0, 3), 0, 1, 2, 3, 4, 5, 6);
    assertEquals(List.of(2, 3, 4, 5, 6), state.log().stream().map(Result::exitCode).toList());
    assertEquals("probe 6", state.log().getLast().output());
  }

  @Test
  void isReadAsWritten() {
    HealthState state = after(check(0, 3), 0, 1);
    assertEquals(state, Json.read(Json.bytes(state), HealthState.class, "state"));
  }
}
