package io.berth.containerd.settings;

import io.berth.base.error.BerthException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How it is found out whether a container does its work, as a person or an image says it.
 *
 * @param test empty where nothing was said; {@code NONE} for no check; {@code CMD} with a program
 *     and its arguments; {@code CMD-SHELL} with a command
 * @param interval nanoseconds between two probes; 0 where nothing was said
 * @param timeout nanoseconds after which a probe has failed; 0 where nothing was said
 * @param startPeriod nanoseconds after the start in which failures do not count; 0 where nothing
 *     was said
 * @param retries failures in a row that make a container unhealthy; 0 where nothing was said
 */
public record HealthSettings(
    List<String> test, long interval, long timeout, long startPeriod, int retries) {
  /** Nothing was said. */
  public static final HealthSettings NONE = new HealthSettings(List.of(), 0, 0, 0, 0);

  /** The first word of a test that switches an image's check off. */
  private static final String OFF = "NONE";

  private static final long LEAST = TimeUnit.MILLISECONDS.toNanos(1);

  public HealthSettings {
    test = List.copyOf(test);
  }

  /** These settings where they say something, and the image's where they do not. */
  public HealthSettings over(HealthSettings image) {
    return new HealthSettings(
        test.isEmpty() ? image.test : test,
        interval == 0 ? image.interval : interval,
        timeout == 0 ? image.timeout : timeout,
        startPeriod == 0 ? image.startPeriod : startPeriod,
        retries == 0 ? image.retries : retries);
  }

  /**
   * Refuses settings of a person that mean nothing, with INVALID_ARGUMENT. An image's settings are
   * not checked, because the person at hand cannot mend them.
   */
  public void check() {
    atLeast("interval", interval);
    atLeast("timeout", timeout);
    atLeast("start period", startPeriod);
    if (retries < 0) {
      throw new BerthException.InvalidArgument(
          "health check: retries `" + retries + "` must not be negative");
    }
    if (!test.isEmpty() && !test.getFirst().equals(OFF) && command().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "health check: test `"
              + String.join(" ", test)
              + "` cannot be run; write NONE, CMD with a program, or CMD-SHELL with a command");
    }
  }

  private static void atLeast(String what, long nanos) {
    if (nanos != 0 && nanos < LEAST) {
      throw new BerthException.InvalidArgument(
          "health check: " + what + " `" + Duration.ofNanos(nanos) + "` is below 1ms");
    }
  }

  /** The program that is run and its arguments; empty where the test names none. */
  public List<String> command() {
    if (test.size() < 2 || test.get(1).isEmpty()) {
      return List.of();
    }
    List<String> words = test.subList(1, test.size());
    return switch (test.getFirst()) {
      case "CMD" -> List.copyOf(words);
      case "CMD-SHELL" -> {
        List<String> line = new ArrayList<>(List.of("/bin/sh", "-c"));
        line.addAll(words);
        yield List.copyOf(line);
      }
      default -> List.of();
    };
  }
}
