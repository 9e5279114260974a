package io.berth.containerd.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.containerd.fake.Instance;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When processes are started. */
class HostPoolTest {
  private static final int WARM = 2;

  /** Well below the time for which nobody may have asked for a container. */
  private static final Duration AT_ONCE = Duration.ofMillis(500);

  @TempDir Path folder;

  private static void awaitLiving(Instance instance, int number) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (instance.hosts.living().size() != number && System.nanoTime() < deadline) {
      Thread.sleep(5);
    }
    assertEquals(number, instance.hosts.living().size());
  }

  @Test
  void whileOneIsFree_theReserveWaitsUntilTheClientsAreQuiet()
      throws IOException, InterruptedException {
    try (Instance instance = new Instance(folder)) {
      awaitLiving(instance, WARM);
      instance.createTask("c1", "sleep");
      long placed = System.nanoTime();
      Thread.sleep(Duration.ofMillis(100));
      List<Integer> living = instance.hosts.living();
      if (System.nanoTime() - placed < AT_ONCE.toNanos()) {
        assertEquals(WARM, living.size());
      }
      awaitLiving(instance, WARM + 1);
      assertTrue(System.nanoTime() - placed > AT_ONCE.toNanos());
    }
  }

  @Test
  void withoutAReserve_noneIsStartedForATask() throws IOException, InterruptedException {
    try (Instance instance = new Instance(folder, "[shim]\nwarm_hosts = 0\n")) {
      instance.createTask("c1", "sleep");
      Thread.sleep(Duration.ofMillis(300));
      assertEquals(1, instance.hosts.living().size());
    }
  }
}
