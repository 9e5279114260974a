package io.berth.containerd.health;

import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.base.error.BerthException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is to be done: everything has a value. Row MB-45.
 *
 * @param command program and arguments
 * @param interval between the end of a probe and the begin of the next, and before the first
 * @param timeout after which a probe is killed and has failed
 * @param startPeriod after the start, in which failures do not count
 * @param retries failures in a row that make a container unhealthy
 */
public record HealthCheck(
    List<String> command, Duration interval, Duration timeout, Duration startPeriod, int retries) {
  private static final String NONE = "NONE";
  private static final String COMMAND = "CMD";
  private static final String SHELL = "CMD-SHELL";
  private static final Duration USUAL = Duration.ofSeconds(30);
  private static final int RETRIES = 3;
  private static final long LEAST = TimeUnit.MILLISECONDS.toNanos(1);

  public HealthCheck {
    command = List.copyOf(command);
  }

  /**
   * The person's words over the image's: what is empty or zero is the image's (row MB-112). A test
   * {@code NONE} is not empty.
   */
  public static Healthcheck merge(Healthcheck user, Healthcheck image) {
    Healthcheck.Builder merged = user.toBuilder();
    if (user.getTestCount() == 0) {
      merged.addAllTest(image.getTestList());
    }
    if (user.getInterval() == 0) {
      merged.setInterval(image.getInterval());
    }
    if (user.getTimeout() == 0) {
      merged.setTimeout(image.getTimeout());
    }
    if (user.getStartPeriod() == 0) {
      merged.setStartPeriod(image.getStartPeriod());
    }
    if (user.getRetries() == 0) {
      merged.setRetries(image.getRetries());
    }
    return merged.build();
  }

  /** INVALID_ARGUMENT for words that mean nothing: of a person, who can mend them. */
  public static void check(Healthcheck wish) {
    atLeast("interval", wish.getInterval());
    atLeast("timeout", wish.getTimeout());
    atLeast("start period", wish.getStartPeriod());
    if (wish.getRetries() < 0) {
      throw new BerthException.InvalidArgument(
          "health check: retries `" + wish.getRetries() + "` must not be negative");
    }
    if (wish.getTestCount() > 0 && !wish.getTest(0).equals(NONE) && command(wish).isEmpty()) {
      throw new BerthException.InvalidArgument(
          "health check: test `"
              + String.join(" ", wish.getTestList())
              + "` cannot be run; write NONE, CMD with a program, or CMD-SHELL with a command");
    }
  }

  private static void atLeast(String what, long nanos) {
    if (nanos != 0 && nanos < LEAST) {
      throw new BerthException.InvalidArgument(
          "health check: " + what + " `" + Duration.ofNanos(nanos) + "` is below 1ms");
    }
  }

  /** Null where nothing is to be done; also for an image's test that nobody understands. */
  public static @Nullable HealthCheck of(Healthcheck merged) {
    List<String> command = command(merged);
    return command.isEmpty()
        ? null
        : new HealthCheck(
            command,
            orUsual(merged.getInterval()),
            orUsual(merged.getTimeout()),
            Duration.ofNanos(Math.max(0, merged.getStartPeriod())),
            merged.getRetries() > 0 ? merged.getRetries() : RETRIES);
  }

  private static List<String> command(Healthcheck check) {
    List<String> test = check.getTestList();
    if (test.size() < 2 || test.get(1).isEmpty()) {
      return List.of();
    }
    return switch (test.getFirst()) {
      case COMMAND -> List.copyOf(test.subList(1, test.size()));
      case SHELL -> {
        List<String> line = new ArrayList<>(List.of("/bin/sh", "-c"));
        line.addAll(test.subList(1, test.size()));
        yield line;
      }
      default -> List.of();
    };
  }

  private static Duration orUsual(long nanos) {
    return nanos <= 0 ? USUAL : Duration.ofNanos(Math.max(LEAST, nanos));
  }
}
