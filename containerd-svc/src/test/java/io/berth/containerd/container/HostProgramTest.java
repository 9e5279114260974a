package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostProgramTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  private static HostProgram run(String script, String input, int most, Duration patience)
      throws Exception {
    return HostProgram.run(
        new ProcessBuilder("sh", "-c", script),
        input.getBytes(StandardCharsets.UTF_8),
        most,
        patience);
  }

  @Test
  void codeAndOutputOfBothStreamsAreTaken() throws Exception {
    assertEquals(
        new HostProgram(3, "in\nerr\n"), run("cat; echo err >&2; exit 3", "in\n", 100, LONG));
    assertEquals("y\ny\n", run("exec yes", "", 4, LONG).output());
  }

  @Test
  void whatHangsIsEnded_withTheChildrenThatHoldItsOutput(@TempDir Path folder) throws Exception {
    Path pids = folder.resolve("pids");
    String script = "sleep 1000 & echo $! > " + pids + "; exec sleep 1000";
    assertThrows(TimeoutException.class, () -> run(script, "", 100, Duration.ofSeconds(2)));
    long child = Long.parseLong(Files.readString(pids).strip());
    Eventually.holds(
        "the child is gone",
        () -> ProcessHandle.of(child).map(process -> !process.isAlive()).orElse(true));
  }
}
