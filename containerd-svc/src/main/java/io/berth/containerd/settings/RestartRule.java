package io.berth.containerd.settings;

import io.berth.base.error.BerthException;
import java.time.Duration;

/**
 * A restart policy. Row MB-63.
 *
 * @param maximumRetries for {@link Policy#ON_FAILURE}; 0 is without end
 */
public record RestartRule(Policy policy, int maximumRetries) {
  /** The wait before the first restart; each further one doubles it. */
  public static final Duration FIRST_DELAY = Duration.ofMillis(100);

  /** The longest wait. */
  public static final Duration LONGEST_DELAY = Duration.ofMinutes(1);

  /** Who ran so long begins with the first delay again. */
  public static final Duration SETTLED = Duration.ofSeconds(10);

  /** When. */
  public enum Policy {
    /** Never. */
    NO,
    /** Whatever its exit, and at a start of the service even if a person had stopped it. */
    ALWAYS,
    /** When its exit status is not 0. */
    ON_FAILURE,
    /** Whatever its exit, until a person stops it. */
    UNLESS_STOPPED
  }

  /**
   * How a run ended.
   *
   * @param exitStatus 0 to 255
   * @param restarts how often this rule has restarted it since a person started it
   * @param stopped whether a person asked for the end
   * @param uptime from start to exit
   * @param lastDelay the wait before this run; zero if a person started it
   */
  public record Ended(
      int exitStatus, int restarts, boolean stopped, Duration uptime, Duration lastDelay) {}

  /** What follows. */
  public sealed interface Decision {}

  /** It stays as it is. */
  public record Stay() implements Decision {}

  /**
   * It runs again.
   *
   * @param delay to wait first; the {@link Ended#lastDelay} of the next run
   * @param restarts the count with this one
   */
  public record Again(Duration delay, int restarts) implements Decision {}

  public RestartRule {
    if (maximumRetries < 0) {
      throw new BerthException.InvalidArgument(
          "restart policy: the count of retries must not be negative");
    }
    if (maximumRetries > 0 && policy != Policy.ON_FAILURE) {
      throw new BerthException.InvalidArgument(
          "restart policy `"
              + name(policy)
              + "`: a count of retries goes with on-failure only; write on-failure:"
              + maximumRetries);
    }
  }

  /**
   * Reads the name: empty and {@code no} are the same. INVALID_ARGUMENT for what is none, and for
   * one that contradicts a container's removing itself.
   */
  public static RestartRule of(String name, int maximumRetries, boolean autoRemove) {
    Policy policy =
        switch (name) {
          case "", "no" -> Policy.NO;
          case "always" -> Policy.ALWAYS;
          case "on-failure" -> Policy.ON_FAILURE;
          case "unless-stopped" -> Policy.UNLESS_STOPPED;
          default ->
              throw new BerthException.InvalidArgument(
                  "restart policy `"
                      + name
                      + "`: there is none of that name; write no, always, on-failure[:N] or"
                      + " unless-stopped");
        };
    RestartRule rule = new RestartRule(policy, maximumRetries);
    if (autoRemove && policy != Policy.NO) {
      throw new BerthException.InvalidArgument(
          "can't create 'AutoRemove' container with restart policy; leave one of the two out");
    }
    return rule;
  }

  /** After the exit of a run. */
  public Decision after(Ended run) {
    if (run.stopped() || !wants(run.exitStatus(), run.restarts())) {
      return new Stay();
    }
    return new Again(delay(run.uptime(), run.lastDelay()), run.restarts() + 1);
  }

  /**
   * When the service (or the machine) starts and finds the container not running.
   *
   * @param started whether it ever ran
   */
  public boolean atServiceStart(boolean started, int exitStatus, int restarts, boolean stopped) {
    boolean held = stopped && policy != Policy.ALWAYS;
    return started && !held && wants(exitStatus, restarts);
  }

  private boolean wants(int exitStatus, int restarts) {
    return switch (policy) {
      case NO -> false;
      case ALWAYS, UNLESS_STOPPED -> true;
      case ON_FAILURE -> exitStatus != 0 && (maximumRetries == 0 || restarts < maximumRetries);
    };
  }

  private static Duration delay(Duration uptime, Duration last) {
    if (last.isZero() || uptime.compareTo(SETTLED) >= 0) {
      return FIRST_DELAY;
    }
    Duration twice = last.multipliedBy(2);
    return twice.compareTo(LONGEST_DELAY) > 0 ? LONGEST_DELAY : twice;
  }

  private static String name(Policy policy) {
    return switch (policy) {
      case NO -> "no";
      case ALWAYS -> "always";
      case ON_FAILURE -> "on-failure";
      case UNLESS_STOPPED -> "unless-stopped";
    };
  }
}
