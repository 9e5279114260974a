package io.berth.containerd.health;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the results of the probes so far say; stored as JSON under these names. Times are
 * nanoseconds since 1970.
 *
 * @param startedAt when the run of the container began that this is about
 * @param status what people see
 * @param failingStreak how many failures counted since the last success
 * @param log the last results, the oldest is the first
 */
public record HealthState(long startedAt, Status status, int failingStreak, List<Result> log) {
  private static final int KEPT = 5;
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  public HealthState(
      long startedAt, @Nullable Status status, int failingStreak, @Nullable List<Result> log) {
    this.startedAt = startedAt;
    this.status = status == null ? Status.STARTING : status;
    this.failingStreak = failingStreak;
    this.log = log == null ? List.of() : List.copyOf(log);
  }

  /** The health of a container as people see it. */
  public enum Status {
    /** There was no success yet, and there were not enough failures that count. */
    STARTING,
    HEALTHY,
    UNHEALTHY;

    /** The word on the wire, in small letters. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * How one probe went.
   *
   * @param start when it was started
   * @param end when it ended
   * @param exitCode 0 for healthy, or {@link #NOT_RUN}
   * @param output the beginning of what it wrote to both streams
   */
  public record Result(long start, long end, int exitCode, String output) {
    /** The probe could not be run, or was killed at its timeout. */
    public static final int NOT_RUN = -1;

    public Result(long start, long end, int exitCode, @Nullable String output) {
      this.start = start;
      this.end = end;
      this.exitCode = exitCode;
      this.output = output == null ? "" : output;
    }

    /** A result with times as a clock tells them. */
    public static Result of(Instant start, Instant end, int exitCode, String output) {
      return new Result(nanos(start), nanos(end), exitCode, output);
    }
  }

  /** The state of a run of which nothing is known yet. */
  public static HealthState starting(long startedAt) {
    return new HealthState(startedAt, Status.STARTING, 0, List.of());
  }

  /** The state after one more result. */
  public HealthState after(Result result, HealthCheck check) {
    List<Result> results = new ArrayList<>(log);
    results.add(result);
    List<Result> kept = results.subList(Math.max(0, results.size() - KEPT), results.size());
    if (result.exitCode() == 0) {
      return new HealthState(startedAt, Status.HEALTHY, 0, kept);
    }
    boolean counts =
        status != Status.STARTING
            || Duration.ofNanos(result.start() - startedAt).compareTo(check.startPeriod()) >= 0;
    int streak = counts ? failingStreak + 1 : failingStreak;
    return new HealthState(
        startedAt, streak >= check.retries() ? Status.UNHEALTHY : status, streak, kept);
  }

  /** When the interval before the next probe begins. */
  long lastEnd() {
    return log.isEmpty() ? startedAt : log.getLast().end();
  }

  /** A time as this record keeps it. */
  public static Instant instant(long nanos) {
    return Instant.ofEpochSecond(Math.floorDiv(nanos, SECOND), Math.floorMod(nanos, SECOND));
  }

  /** A time for this record. */
  public static long nanos(Instant at) {
    return at.getEpochSecond() * SECOND + at.getNano();
  }
}
