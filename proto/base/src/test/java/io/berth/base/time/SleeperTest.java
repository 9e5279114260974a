package io.berth.base.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import io.berth.testing.TurnableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class SleeperTest {
  @Test
  void sleepOnATurnedClock_endsWhenTheClockSaysSo() throws InterruptedException {
    TurnableClock clock = new TurnableClock(Instant.EPOCH);
    Sleeper sleeper = clock::sleep;
    CompletableFuture<Boolean> slept = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> slept.complete(sleeper.pause(Duration.ofHours(1))));
    Eventually.holds("somebody sleeps", () -> clock.sleepers() == 1);
    clock.turn(Duration.ofMinutes(59));
    assertFalse(slept.isDone());
    clock.turn(Duration.ofMinutes(1));
    assertTrue(slept.join());
    assertEquals(0, clock.sleepers());
  }

  @Test
  void interrupt_endsASleep_andStaysVisibleAfterAPause() {
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> Sleeper.SYSTEM.sleep(Duration.ofHours(1)));
    Thread.currentThread().interrupt();
    assertFalse(Sleeper.SYSTEM.pause(Duration.ofHours(1)));
    assertTrue(Thread.interrupted());
  }

  @Test
  void sleepOfNothing_returnsAtOnce() {
    assertTrue(Sleeper.SYSTEM.pause(Duration.ZERO));
    assertTrue(Sleeper.SYSTEM.pause(Duration.ofSeconds(-5)));
  }
}
