package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class ShimWarmUpTest {
  @Test
  void aFailureIsToldToWhoAsksAndDoesNotStopTheRest() throws Exception {
    AtomicInteger runs = new AtomicInteger();
    ShimWarmUp warmUp =
        new ShimWarmUp(() -> {
          if (runs.incrementAndGet() < 3) {
            throw new IOException("no such file system");
          }
        });
    warmUp.attempt();
    assertFalse(warmUp.isOver());
    assertThrows(IOException.class, warmUp::run);
    warmUp.attempt();
    assertTrue(warmUp.isOver());
    warmUp.run();
    assertEquals(3, runs.get());
  }

  @Test // case K3
  void whoAsksAgain_hasSweptWhatOthersLeft() throws Exception {
    AtomicInteger runs = new AtomicInteger();
    AtomicInteger sweeps = new AtomicInteger();
    ShimWarmUp warmUp =
        new ShimWarmUp(
            new ShimWarmUp.Rounds() {
              @Override
              public void run() {
                runs.incrementAndGet();
              }

              @Override
              public void sweep() {
                sweeps.incrementAndGet();
              }
            });
    warmUp.run();
    assertEquals(0, sweeps.get());
    warmUp.run();
    assertEquals(1, runs.get());
    assertEquals(1, sweeps.get());
  }
}
