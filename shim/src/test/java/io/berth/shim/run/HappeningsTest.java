package io.berth.shim.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.id.TaskKey;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HappeningsTest {
  private static final TaskKey TASK = new TaskKey("ns", "c");

  private static Happening.Exit exit(String execId) {
    return new Happening.Exit(
        TASK, execId, 7, new ContainerProcess.Ended(1, Instant.EPOCH, false, false));
  }

  @Test
  void anExitIsRepeatedToEveryWatcherUntilAcknowledged() {
    Happenings happenings = new Happenings();
    happenings.tell(exit("a"));
    happenings.tell(exit(""));
    happenings.tell(new Happening.OutOfMemory(TASK));

    try (Happenings.Watcher watcher = happenings.watch()) {
      assertEquals(List.of(exit("a"), exit("")), watcher.missed());
    }
    happenings.acknowledge(TASK, "a");
    try (Happenings.Watcher watcher = happenings.watch()) {
      assertEquals(List.of(exit("")), watcher.missed());
    }
    happenings.forget(TASK);
    try (Happenings.Watcher watcher = happenings.watch()) {
      assertEquals(List.of(), watcher.missed());
    }
  }

  @Test
  void aWatcherThatDoesNotTakeIsOverrunAndTheOthersAreNot() throws Exception {
    Happenings happenings = new Happenings();
    try (Happenings.Watcher slow = happenings.watch()) {
      for (int i = 0; i < 20_000; i++) {
        happenings.tell(new Happening.OutOfMemory(TASK));
      }
      assertTrue(slow.isOverrun());
      try (Happenings.Watcher fresh = happenings.watch()) {
        happenings.tell(exit(""));
        assertEquals(exit(""), fresh.next());
        assertTrue(!fresh.isOverrun());
      }
    }
  }

  @Test
  void requestNumbersAreTheSameForTheSameCall() {
    RequestIds once = RequestIds.of("00000000000000ff");
    RequestIds again = RequestIds.of("ff");
    assertEquals(once.operation(1), again.operation(1));
    assertTrue(once.operation(1) != once.operation(2));
    assertTrue(RequestIds.of(null).operation(1) != RequestIds.of("").operation(1));
    assertEquals("00000000000000ff", once.text());
  }
}
