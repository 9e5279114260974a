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
}
