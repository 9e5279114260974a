package io.berth.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

final class ProcessTimesTest {
  /** Threads of the kernel are called by what they do at the moment. */
  @Test
  void aProcessThatChangesItsName_isTheSame() {
    ProcessTimes before = new ProcessTimes(Map.of("7", new ProcessTimes.Use("idle", 4500)));
    ProcessTimes after =
        new ProcessTimes(
            Map.of(
                "7", new ProcessTimes.Use("writing", 4510),
                "9", new ProcessTimes.Use("new", 20)));
    assertEquals("; meanwhile ran, in ms: new[9] 20, writing[7] 10", after.since(before));
    assertEquals("", after.since(after));
  }
}
