package io.berth.base.time;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.testing.TurnableClock;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class ClientsFirstTest {
  private final TurnableClock clock = new TurnableClock(Instant.EPOCH);

  /** Its sleeps turn the clock. */
  private final ClientsFirst clients = new ClientsFirst(clock::nanos, clock::turn);

  private Duration waited() throws Exception {
    long begin = clock.nanos();
    clients.giveWay(() -> false);
    return Duration.ofNanos(clock.nanos() - begin);
  }

  @Test
  void whereNobodyCalled_thereIsNothingToWaitFor() throws Exception {
    assertEquals(Duration.ZERO, waited());
  }

  @Test
  void aClientThatCalled_hasItsTurn() throws Exception {
    clients.clientCalled();
    assertEquals(Duration.ofMillis(300), waited());
    assertEquals(Duration.ZERO, waited());
  }

  @Test
  void callsWithoutEnd_areWaitedForInTwentySecondsAtMost() throws Exception {
    Duration all = Duration.ZERO;
    for (int i = 0; i < 1000; i++) {
      clients.clientCalled();
      all = all.plus(waited());
    }
    assertEquals(Duration.ofSeconds(20), all);
  }

  @Test
  void whoEnds_waitsForNobody() throws Exception {
    clients.clientCalled();
    long begin = clock.nanos();
    clients.giveWay(() -> true);
    assertEquals(begin, clock.nanos());
  }
}
