package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

// case S11
final class ConnectionGateTest {
  private long now = 1;
  private final ConnectionGate.Rates rates = new ConnectionGate.Rates(() -> now);

  private int taken(int pid, int tries) {
    int count = 0;
    for (int i = 0; i < tries; i++) {
      if (rates.take(new Peer(pid, 0, 0))) {
        count++;
      }
    }
    return count;
  }

  @Test
  void aProcessConnectsOftenAtFirst_andThenAsOftenAsAProgramCanWant() {
    assertEquals(200, taken(1, 5000));
    now += TimeUnit.MILLISECONDS.toNanos(50);
    assertEquals(10, taken(1, 5000));
    now += TimeUnit.SECONDS.toNanos(60);
    assertEquals(200, taken(1, 5000));
  }

  @Test
  void oneProcessTakesNothingFromAnother() {
    assertEquals(200, taken(1, 5000));
    assertEquals(1, taken(2, 1));
    assertTrue(rates.take(new Peer(2, 0, 0)));
    assertFalse(rates.take(new Peer(1, 0, 0)));
  }

  /** Many that connect without end get together little more than one would. */
  @Test
  void manyProcessesShareTheRate() {
    for (int pid = 1; pid <= 64; pid++) {
      assertEquals(200, taken(pid, 5000));
    }
    int all = 0;
    for (int i = 0; i < 100; i++) {
      now += TimeUnit.MILLISECONDS.toNanos(10);
      for (int pid = 1; pid <= 64; pid++) {
        all += taken(pid, 100);
      }
    }
    assertTrue(all <= 64 * 5 + 64, all + " in a second");
    assertEquals(1, taken(1000, 1));
  }

  @Test
  void wordsAreFramesThatClientsRead() {
    byte[] told = ConnectionGate.goAway("enough");
    assertEquals(9 + 9 + 8 + 6, told.length);
    assertEquals(14, told[11]);
    assertEquals(7, told[12]);
  }
}
