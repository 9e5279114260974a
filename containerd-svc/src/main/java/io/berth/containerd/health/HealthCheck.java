package io.berth.containerd.health;

import io.berth.containerd.settings.HealthSettings;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A check that is to be done, where every setting has a value. The defaults are docker's: 30
 * seconds, 30 seconds, none, three.
 *
 * @param command program and arguments
 * @param interval between the end of a probe and the begin of the next, and before the first
 * @param timeout after which a probe is killed and has failed
 * @param startPeriod after the start, in which failures do not count
 * @param retries failures in a row that make a container unhealthy
 */
public record HealthCheck(
    List<String> command, Duration interval, Duration timeout, Duration startPeriod, int retries) {
  private static final Duration USUAL = Duration.ofSeconds(30);
  private static final int RETRIES = 3;
  private static final long LEAST = TimeUnit.MILLISECONDS.toNanos(1);

  public HealthCheck {
    command = List.copyOf(command);
  }

  /**
   * The check that merged settings mean. Null where nothing is to be done, and where the test of an
   * image is one that nobody understands.
   */
  public static @Nullable HealthCheck of(HealthSettings merged) {
    List<String> command = merged.command();
    return command.isEmpty()
        ? null
        : new HealthCheck(
            command,
            orUsual(merged.interval()),
            orUsual(merged.timeout()),
            Duration.ofNanos(Math.max(0, merged.startPeriod())),
            merged.retries() > 0 ? merged.retries() : RETRIES);
  }

  private static Duration orUsual(long nanos) {
    return nanos <= 0 ? USUAL : Duration.ofNanos(Math.max(LEAST, nanos));
  }
}
