package io.berth.containerd.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RestartRuleTest {
  @ParameterizedTest
  @CsvSource({
    // policy, retries, exit, restarts, stopped; restarts after an exit? at a service's start?
    "no, 0, 1, 0, false, false, false",
    "'', 0, 0, 0, false, false, false",
    "always, 0, 0, 9, false, true, true",
    "always, 0, 1, 9, true, false, true",
    "unless-stopped, 0, 0, 9, false, true, true",
    "unless-stopped, 0, 0, 9, true, false, false",
    "on-failure, 0, 0, 0, false, false, false",
    "on-failure, 0, 1, 99, false, true, true",
    "on-failure, 3, 1, 2, false, true, true",
    "on-failure, 3, 1, 3, false, false, false",
    "on-failure, 3, 137, 0, true, false, false",
  })
  void whoRunsAgain(
      String policy,
      int retries,
      int exit,
      int restarts,
      boolean stopped,
      boolean after,
      boolean atStart) {
    RestartRule rule = RestartRule.of(policy, retries, false);
    RestartRule.Decision decision =
        rule.after(
            new RestartRule.Ended(exit, restarts, stopped, Duration.ofSeconds(1), Duration.ZERO));
    assertEquals(
        after
            ? new RestartRule.Again(Duration.ofMillis(100), restarts + 1)
            : new RestartRule.Stay(),
        decision);
    assertEquals(atStart, rule.atServiceStart(true, exit, restarts, stopped));
    assertEquals(false, rule.atServiceStart(false, exit, restarts, stopped), "never started");
  }

  @Test
  void theDelay_doublesToAMinute_andBeginsAnewAfterTenSeconds() {
    RestartRule rule = RestartRule.of("always", 0, false);
    List<Long> delays = new ArrayList<>();
    Duration last = Duration.ZERO;
    for (int i = 0; i < 12; i++) {
      last = delay(rule, Duration.ofMillis(9_999), last);
      delays.add(last.toMillis());
    }
    assertEquals(
        List.of(
            100L, 200L, 400L, 800L, 1_600L, 3_200L, 6_400L, 12_800L, 25_600L, 51_200L, 60_000L,
            60_000L),
        delays);
    assertEquals(Duration.ofMillis(100), delay(rule, Duration.ofSeconds(10), last));
  }

  private static Duration delay(RestartRule rule, Duration uptime, Duration last) {
    return rule.after(new RestartRule.Ended(1, 5, false, uptime, last))
            instanceof RestartRule.Again again
        ? again.delay()
        : Duration.ZERO;
  }

  @ParameterizedTest
  @CsvSource({
    "sometimes, 0, false",
    "always, 1, false",
    "on-failure, -1, false",
    "always, 0, true"
  })
  void whatIsNoPolicy_isRefused(String name, int retries, boolean autoRemove) {
    assertThrows(
        BerthException.InvalidArgument.class, () -> RestartRule.of(name, retries, autoRemove));
  }
}
