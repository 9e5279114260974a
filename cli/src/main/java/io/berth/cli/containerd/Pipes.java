package io.berth.cli.containerd;

import io.berth.base.error.BerthException;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Signals;
import io.berth.linux.Fifos;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Named pipes between a process that was started by containerd's API and the caller's streams, as
 * any client of containerd makes them. Used by one thread; copying has threads of its own.
 */
final class Pipes implements AutoCloseable {
  private static final Duration DRAIN = Duration.ofSeconds(5);

  private final String stdin;
  private final String stdout;
  private final String stderr;
  private final List<Path> own;
  private final List<Thread> outputs = new ArrayList<>();

  private Pipes(String stdin, String stdout, String stderr, List<Path> own) {
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.own = own;
  }

  /** Makes pipes in a new folder; a stream that is not wanted gets an empty path. */
  static Pipes make(Signals signals, boolean stdin, boolean stderr) {
    try {
      Path folder = Files.createTempDirectory("berth-pipes");
      List<Path> own = new ArrayList<>();
      String in = make(stdin, folder.resolve("stdin"), own);
      String out = make(true, folder.resolve("stdout"), own);
      String err = make(stderr, folder.resolve("stderr"), own);
      own.add(folder);
      Pipes pipes = new Pipes(in, out, err, own);
      signals.beforeEnd(pipes::close);
      return pipes;
    } catch (IOException e) {
      throw new BerthException.ResourceExhausted("make named pipes: " + e.getMessage(), e);
    }
  }

  private static String make(boolean wanted, Path path, List<Path> own) throws IOException {
    if (!wanted) {
      return "";
    }
    Fifos.make(path, 0600);
    own.add(path);
    return path.toString();
  }

  /** No pipes at all. */
  static Pipes none() {
    return new Pipes("", "", "", List.of());
  }

  /** Pipes that somebody else has made and keeps; an empty path for none. */
  static Pipes of(String stdin, String stdout, String stderr) {
    return new Pipes(stdin, stdout, stderr, List.of());
  }

  String stdin() {
    return stdin;
  }

  String stdout() {
    return stdout;
  }

  String stderr() {
    return stderr;
  }

  /**
   * Begins to copy, each stream on a thread of its own. A pipe opens when the other side opens it
   * (fifo(7)).
   *
   * @param inputEnded is called when standard input has ended
   */
  void copy(Caller caller, Runnable inputEnded) {
    if (!stdout.isEmpty()) {
      output(stdout, caller.out());
    }
    if (!stderr.isEmpty()) {
      output(stderr, caller.err());
    }
    if (!stdin.isEmpty()) {
      input(stdin, caller.in(), inputEnded);
    }
  }

  private void output(String pipe, OutputStream to) {
    outputs.add(
        Thread.ofPlatform()
            .daemon()
            .name("output")
            .start(() -> {
              try (InputStream from = new FileInputStream(pipe)) {
                pass(from, to);
              } catch (IOException e) {
                // The reader of this output has gone, or the other side never opened the pipe.
                assert e.getMessage() != null;
              }
            }));
  }

  private static void input(String pipe, InputStream from, Runnable ended) {
    Thread.ofPlatform()
        .daemon()
        .name("input")
        .start(() -> {
          try (OutputStream to = new FileOutputStream(pipe)) {
            pass(from, to);
          } catch (IOException e) {
            // The process has ended before its input did.
            assert e.getMessage() != null;
          }
          ended.run();
        });
  }

  private static void pass(InputStream from, OutputStream to) throws IOException {
    byte[] buffer = new byte[32 << 10];
    for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
      to.write(buffer, 0, count);
      to.flush();
    }
  }

  /**
   * Waits until all that a process wrote has arrived; at most five seconds, for a child that still
   * has the pipe open may go on writing.
   */
  void drain() {
    try {
      for (Thread output : outputs) {
        var _ = output.join(DRAIN);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("pass output on: interrupted", e);
    }
  }

  @Override
  public void close() {
    for (Path path : own) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        // A file is left among temporary ones.
        assert e.getMessage() != null;
      }
    }
  }
}
