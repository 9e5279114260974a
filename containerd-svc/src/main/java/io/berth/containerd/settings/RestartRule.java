package io.berth.containerd.settings;

import io.berth.base.error.BerthException;
import java.time.Duration;

/**
 * Decides whether a container runs again after its end, and when.
 *
 * @param policy what the decision depends on
 * @param maximumRetries for {@link Policy#ON_FAILURE}; 0 for no limit
 */
public record RestartRule(Policy policy, int maximumRetries) {
  /** The wait before the first restart; each further restart doubles it. */
  public static final Duration FIRST_DELAY = Duration.ofMillis(100);

  /** The longest wait. */
  public static final Duration LONGEST_DELAY = Duration.ofMinutes(1);

  /** A container that ran so long begins with the first delay again. */
  public static final Duration SETTLED = Duration.ofSeconds(10);

  /** When a container runs again. */
  public enum Policy {
    /** It never does. */
    NO,
    /**
     * It does whatever its exit was, and when the service starts even if a person had stopped it.
     */
    ALWAYS,
    /** It does when its exit status is not 0. */
    ON_FAILURE,
    /** It does whatever its exit was, until a person stops it. */
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

  /** What follows an end. */
  public sealed interface Decision {}

  /** The container stays as it is. */
  public record Stay() implements Decision {}

  /**
   * The container runs again.
   *
   * @param delay the wait before that, which is the {@link Ended#lastDelay} of the next run
   * @param restarts the count of restarts with this one
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
   * Reads the name of a policy; empty and {@code no} are the same. INVALID_ARGUMENT for a name that
   * is none, and for a policy of a container that removes itself.
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

  /** What follows the end of a run. */
  public Decision after(Ended run) {
    if (run.stopped() || !wants(run.exitStatus(), run.restarts())) {
      return new Stay();
    }
    return new Again(delay(run.uptime(), run.lastDelay()), run.restarts() + 1);
  }

  /**
   * Whether a container is to run that this service finds not running when it starts, alone or with
   * the machine.
   *
   * @param started whether the container ever ran
   */
  public boolean atServiceStart(boolean started, int exitStatus, int restarts, boolean stopped) {
    boolean held = stopped && policy != Policy.ALWAYS;
    return started && !held && wants(exitStatus, restarts);
  }

  /**
   * Whether a container is to run again whose program did not end by itself, but with the machine
   * or with all containers. How often it was restarted does not matter, for that was no failure.
   */
  public boolean afterCutOff(boolean started, boolean stopped) {
    boolean held = stopped && policy != Policy.ALWAYS;
    return policy != Policy.NO && started && !held;
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
