package io.berth.containerd.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.id.TaskKey;
import io.berth.containerd.health.HealthState.Result;
import io.berth.containerd.health.HealthState.Status;
import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HealthMonitorTest {
  private static final TaskKey KEY = new TaskKey("test", "a");
  private static final TaskKey OTHER = new TaskKey("test", "b");

  @TempDir Path folder;
  private Path file;
  private Path otherFile;
  private HealthMonitor monitor;

  @BeforeEach
  void open() {
    file = folder.resolve("health.json");
    otherFile = folder.resolve("other.json");
    monitor = new HealthMonitor(InstantSource.system());
  }

  @AfterEach
  void close() {
    monitor.stop();
  }

  private static HealthCheck every(int millis, int retries) {
    return new HealthCheck(
        List.of("x"), Duration.ofMillis(millis), Duration.ofSeconds(1), Duration.ZERO, retries);
  }

  /** Answers these codes in turn, then the last for ever; below -1: nothing can be said. */
  private static final class Script implements Prober {
    final BlockingQueue<Status> changes = new LinkedBlockingQueue<>();
    final AtomicInteger probes = new AtomicInteger();
    private final int[] codes;

    Script(int... codes) {
      this.codes = codes;
    }

    @Override
    public @Nullable Result probe(TaskKey key, HealthCheck check) {
      int code = codes[Math.min(probes.getAndIncrement(), codes.length - 1)];
      if (code == 99) {
        throw new IllegalStateException("broken prober");
      }
      Instant now = Instant.now();
      return code < -1 ? null : Result.of(now, now, code, "");
    }

    @Override
    public void changed(TaskKey key, Status status) {
      changes.add(status);
    }

    Status next() throws InterruptedException {
      return told(changes.poll(10, TimeUnit.SECONDS));
    }

    private static Status told(@Nullable Status status) {
      assertNotNull(status, "no change within 10 s");
      return status;
    }
  }

  private static void await(AtomicInteger count, int wanted) throws InterruptedException {
    Eventually.holds("probed " + wanted + " times", () -> count.get() >= wanted);
  }

  private HealthState state() {
    HealthState state = monitor.state(KEY, file);
    assertNotNull(state);
    return state;
  }

  @Test
  void changesAreToldOnce() throws Exception {
    Script script = new Script(0, 0, 1, 1, 1, 1, 0);
    monitor.watch(KEY, every(5, 3), 7, file, script);
    assertEquals(Status.HEALTHY, script.next());
    assertEquals(Status.UNHEALTHY, script.next());
    assertEquals(Status.HEALTHY, script.next());
    await(script.probes, 9);
    assertTrue(script.changes.isEmpty());
  }

  @Test
  void theFirstProbeWaitsForTheInterval() throws Exception {
    Script script = new Script(0);
    long now = HealthState.nanos(Instant.now());
    monitor.watch(KEY, every(60_000, 3), now, file, script);
    Script other = new Script(0);
    monitor.watch(OTHER, every(5, 3), 7, otherFile, other);
    await(other.probes, 10);
    assertEquals(0, script.probes.get());
    assertEquals(Status.STARTING, state().status());
  }

  @Test
  void nothingSaidChangesNothing_norDoesABrokenProber() throws Exception {
    Script script = new Script(-2, 99, 1, -2);
    monitor.watch(KEY, every(5, 3), 7, file, script);
    await(script.probes, 6);
    assertEquals(1, state().failingStreak());
  }

  // Over a restart of the service: counts go on, the run is the same one.
  @Test
  void goesOnWhereItWas() throws Exception {
    Script before = new Script(1, 1, -2);
    monitor.watch(KEY, every(5, 3), 7, file, before);
    await(before.probes, 3);
    monitor.stop();
    HealthMonitor after = new HealthMonitor(InstantSource.system());
    Script script = new Script(1, -2);
    try {
      after.watch(KEY, every(5, 3), 7, file, script);
      assertEquals(Status.UNHEALTHY, script.next());
    } finally {
      after.stop();
    }
  }

  @Test
  void anotherRunBeginsAnew() throws Exception {
    Script script = new Script(1, -2);
    monitor.watch(KEY, every(5, 1), 7, file, script);
    assertEquals(Status.UNHEALTHY, script.next());
    monitor.end(KEY);
    assertEquals(Status.UNHEALTHY, state().status(), "of a container that has ended");
    monitor.watch(KEY, every(60_000, 1), HealthState.nanos(Instant.now()), file, script);
    assertEquals(Status.STARTING, state().status());
    assertTrue(state().log().isEmpty());
  }

  @Test
  void afterTheEndNothingIsProbed() throws Exception {
    Script script = new Script(0);
    monitor.watch(KEY, every(5, 3), 7, file, script);
    await(script.probes, 2);
    monitor.end(KEY);
    // A probe that was under way at the end may still be counted.
    Script other = new Script(0);
    monitor.watch(OTHER, every(5, 3), 7, otherFile, other);
    await(other.probes, 5);
    int probes = script.probes.get();
    await(other.probes, 10);
    assertEquals(probes, script.probes.get());
  }

  @Test
  void aBrokenFileIsAsGoodAsNone() throws Exception {
    Files.writeString(file, "{");
    assertNull(monitor.state(KEY, file));
    monitor.watch(KEY, every(60_000, 3), HealthState.nanos(Instant.now()), file, new Script(0));
    assertEquals(Status.STARTING, state().status());
  }
}
