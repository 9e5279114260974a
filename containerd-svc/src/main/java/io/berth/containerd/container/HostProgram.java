package io.berth.containerd.container;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A program of the host that ran to its end, and what it printed. A program may hang (ps(1) does
 * behind a process whose memory is locked), and may leave a child that holds its output open: none
 * is waited for beyond a bound.
 *
 * @param output of both its streams
 */
record HostProgram(int code, String output) {
  private static final Logger LOG = System.getLogger(HostProgram.class.getName());

  /**
   * Runs one. It has ended when this returns, in whatever way.
   *
   * @param input what it reads
   * @param most bytes of output that are taken; the rest finds no reader
   * @throws IOException if it cannot be started
   * @throws TimeoutException if it has not ended in time
   */
  static HostProgram run(ProcessBuilder program, byte[] input, int most, Duration patience)
      throws IOException, InterruptedException, TimeoutException {
    long deadline = System.nanoTime() + patience.toNanos();
    Process process = program.redirectErrorStream(true).start();
    try {
      Thread.ofVirtual().name("input-" + process.pid()).start(() -> write(process, input));
      CompletableFuture<byte[]> output = new CompletableFuture<>();
      Thread.ofVirtual().name("output-" + process.pid()).start(() -> read(process, most, output));
      byte[] said = output.get(left(deadline), TimeUnit.NANOSECONDS);
      if (!process.waitFor(left(deadline), TimeUnit.NANOSECONDS)) {
        throw new TimeoutException();
      }
      return new HostProgram(process.exitValue(), new String(said, StandardCharsets.UTF_8));
    } catch (ExecutionException e) {
      throw new IOException("read what it prints: " + e.getCause(), e);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static long left(long deadline) {
    return Math.max(0, deadline - System.nanoTime());
  }

  private static void write(Process process, byte[] input) {
    try (OutputStream in = process.getOutputStream()) {
      in.write(input);
    } catch (IOException e) {
      // It has ended early; what it says about that is told.
      LOG.log(Level.DEBUG, "write to process {0}: {1}", process.pid(), e.getMessage());
    }
  }

  private static void read(Process process, int most, CompletableFuture<byte[]> output) {
    try (InputStream out = process.getInputStream()) {
      output.complete(out.readNBytes(most));
    } catch (IOException e) {
      output.completeExceptionally(e);
    }
  }
}
