package io.berth.e2e;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** One run of a program, to its end. */
record Command(List<String> line, int exit, String out, String err) {
  /** Longest that any command of a test may take, in seconds. */
  private static final long LIMIT = 120;

  /** A thread for each output: the common pool has too few for commands that run side by side. */
  static final Executor READERS = task -> Thread.ofPlatform().daemon().start(task);

  static Command run(String... line) {
    return run(List.of(line), new byte[0], Map.of());
  }

  static Command run(List<String> line, byte[] input, Map<String, String> environment) {
    return run(line, input, environment, Duration.ofSeconds(LIMIT));
  }

  /** As the others; for a command that may take longer than they. */
  static Command run(
      List<String> line, byte[] input, Map<String, String> environment, Duration limit) {
    try {
      ProcessBuilder builder = new ProcessBuilder(line);
      builder.environment().putAll(environment);
      Process process = builder.start();
      CompletableFuture<String> out =
          CompletableFuture.supplyAsync(() -> text(process, /* error= */ false), READERS);
      CompletableFuture<String> err =
          CompletableFuture.supplyAsync(() -> text(process, /* error= */ true), READERS);
      try (OutputStream stdin = process.getOutputStream()) {
        stdin.write(input);
      } catch (IOException e) {
        // A program that closed its input without reading all of it is no failure of the test; it
        // may still be on its way to its end.
      }
      if (!process.waitFor(limit.toSeconds(), TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new AssertionError(
            "no end after "
                + limit.toSeconds()
                + " s: "
                + String.join(" ", line)
                + "\n"
                + err.getNow(""));
      }
      return new Command(line, process.exitValue(), out.join(), err.join());
    } catch (IOException e) {
      throw new UncheckedIOException(String.join(" ", line), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static String text(Process process, boolean error) {
    try {
      return new String(
          (error ? process.getErrorStream() : process.getInputStream()).readAllBytes(),
          StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fails with everything that was said unless it ended with this code. */
  Command exits(int expected) {
    if (exit != expected) {
      throw new AssertionError(
          "exit "
              + exit
              + " instead of "
              + expected
              + ": "
              + String.join(" ", line)
              + "\n--- stdout\n"
              + out
              + "--- stderr\n"
              + err);
    }
    return this;
  }

  /** Fails unless stdout or stderr holds the text. */
  Command says(String text) {
    if (!out.contains(text) && !err.contains(text)) {
      throw new AssertionError(
          "no \""
              + text
              + "\": "
              + String.join(" ", line)
              + "\n--- stdout\n"
              + out
              + "--- stderr\n"
              + err);
    }
    return this;
  }

  /** Fails if stdout or stderr holds the text. */
  Command saysNo(String text) {
    if (out.contains(text) || err.contains(text)) {
      throw new AssertionError(
          "says \""
              + text
              + "\": "
              + String.join(" ", line)
              + "\n--- stdout\n"
              + out
              + "--- stderr\n"
              + err);
    }
    return this;
  }

  /** Fails unless it failed, and told its user so in one line, which holds the word. */
  Command failsInOneLine(String word) {
    if (exit == 0 || err.strip().lines().count() != 1) {
      throw new AssertionError(
          "not a failure in one line: exit " + exit + ": " + line + "\n" + err);
    }
    return says(word).saysNo("Exception").saysNo("SQLITE").saysNo("internal");
  }

  /** The same command on a terminal of its own: script(1) gives it one. */
  static Command onTerminal(List<String> line, byte[] input) {
    List<String> quoted = new ArrayList<>();
    line.forEach(word -> quoted.add("'" + word.replace("'", "'\\''") + "'"));
    return run(
        List.of("script", "-qec", String.join(" ", quoted), "/dev/null"),
        input,
        Map.of("TERM", "xterm"));
  }

  /** A path as one argument. */
  static String arg(Path path) {
    return path.toString();
  }
}
