package io.berth.cli.resident;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.testing.Eventually;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a caller's stops do to its line's streams. */
final class LineGateTest {
  @Test
  void whatSomebodyElseReadDuringAStopIsNotWaitedForOutsideTheGate() throws Exception {
    try (Fd.Pipe pipe = Fd.pipe(OpenFlags.O_NONBLOCK);
        LineGate gate = new LineGate(() -> {})) {
      byte[] read = new byte[1];
      CompletableFuture<Integer> passed = new CompletableFuture<>();
      Thread line =
          Thread.ofPlatform()
              .daemon()
              .start(() -> {
                try {
                  var _ =
                      gate.pass(
                          pipe.readEnd(),
                          /* toWrite= */ false,
                          _ -> pipe.readEnd().read(read, 0, 1));
                  passed.complete((int) read[0]);
                } catch (Exception e) {
                  passed.completeExceptionally(e);
                }
              });
      Eventually.answers("it waits for the stream", () -> isPolling(line), polls -> polls);
      gate.stop(true);
      pipe.writeEnd().writeAll(new byte[] {1});
      Eventually.answers(
          "it waits for its caller", line::getState, state -> state == Thread.State.WAITING);
      assertEquals(1, pipe.readEnd().read(new byte[1], 0, 1), "bytes for somebody else");
      gate.stop(false);
      Eventually.answers("it waits for the stream again", () -> isPolling(line), polls -> polls);
      pipe.writeEnd().writeAll(new byte[] {2});
      assertEquals(2, passed.get(20, TimeUnit.SECONDS));
    }
  }

  private static boolean isPolling(Thread thread) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals("awaitReady"));
  }
}
