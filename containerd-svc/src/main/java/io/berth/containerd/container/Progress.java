package io.berth.containerd.container;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How far a container came; stored as JSON under these names. Times are nanoseconds since 1970, 0
 * for never.
 *
 * @param running whether it was started and its end is not recorded; after a restart of this
 *     service that is a claim to be checked
 * @param startedAt when it was started last
 * @param finishedAt when it ended last
 * @param exitCode as a shell tells it, of the last end or failed start
 * @param error why the last start failed, or what the kernel killed the program for; else empty
 * @param oomKilled whether the kernel ended it for want of memory
 * @param restarts how often its policy started it since a person did
 * @param stopped whether a person asked for its end
 * @param lastDelayMillis the wait before this run; 0 if a person started it
 * @param cutOff whether its last end was not its program's doing and it is to run again for that,
 *     which no policy counts: the machine went down, or all containers were ended
 * @param pending what becomes of it if the client that holds it before its program's first
 *     instruction goes away, or this service does; null if no client holds it
 */
public record Progress(
    boolean running,
    long startedAt,
    long finishedAt,
    int exitCode,
    String error,
    boolean oomKilled,
    int restarts,
    boolean stopped,
    long lastDelayMillis,
    @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean cutOff,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Pending pending) {
  /** How a start that was never finished is undone. */
  enum Pending {
    /** It was there before: its task is taken away, and it rests. */
    START,
    /** It was made to be run: it is removed. */
    RUN
  }

  /** A container that was made and never started. */
  static final Progress NEW = new Progress(false, 0, 0, 0, "", false, 0, false, 0, false, null);

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  public Progress {
    error = error == null ? "" : error;
  }

  static long nanos(Instant at) {
    return at.getEpochSecond() * SECOND + at.getNano();
  }

  static Instant instant(long nanos) {
    return Instant.ofEpochSecond(Math.floorDiv(nanos, SECOND), Math.floorMod(nanos, SECOND));
  }

  boolean wasStarted() {
    return startedAt != 0;
  }

  Progress started(Instant at) {
    return new Progress(
        true, nanos(at), finishedAt, 0, "", false, restarts, false, lastDelayMillis, false, null);
  }

  Progress ended(Instant at, int code, boolean oom, String why) {
    return new Progress(
        false,
        startedAt,
        nanos(at),
        code,
        why,
        oom,
        restarts,
        stopped,
        lastDelayMillis,
        false,
        pending);
  }

  /** It was not its program that ended, and it runs again as if this had not been. */
  Progress cutOff(boolean yes) {
    return new Progress(
        running,
        startedAt,
        finishedAt,
        exitCode,
        error,
        oomKilled,
        restarts,
        stopped,
        lastDelayMillis,
        yes,
        pending);
  }

  /**
   * A start did not succeed. A container that never ran has not finished by that; it stays created.
   */
  Progress failed(Instant at, int code, String why) {
    long finished = wasStarted() ? nanos(at) : finishedAt;
    return new Progress(
        false,
        startedAt,
        finished,
        code,
        why,
        false,
        restarts,
        stopped,
        lastDelayMillis,
        false,
        null);
  }

  /** The same where the container ran before and how its program ended is still what counts. */
  Progress notStarted(String why) {
    return new Progress(
        false,
        startedAt,
        finishedAt,
        exitCode,
        why,
        oomKilled,
        restarts,
        stopped,
        lastDelayMillis,
        false,
        null);
  }

  /** A person starts the container, so its policy counts from zero again. */
  Progress byPerson() {
    return new Progress(
        running, startedAt, finishedAt, exitCode, error, oomKilled, 0, false, 0, false, pending);
  }

  /** A client holds it before its program's first instruction, or does not any more. */
  Progress pending(@Nullable Pending until) {
    return new Progress(
        running,
        startedAt,
        finishedAt,
        exitCode,
        error,
        oomKilled,
        restarts,
        stopped,
        lastDelayMillis,
        cutOff,
        until);
  }

  Progress asked(boolean stop) {
    return new Progress(
        running,
        startedAt,
        finishedAt,
        exitCode,
        error,
        oomKilled,
        restarts,
        stop,
        lastDelayMillis,
        cutOff,
        pending);
  }

  Progress restarting(int count, long delayMillis) {
    return new Progress(
        running,
        startedAt,
        finishedAt,
        exitCode,
        error,
        oomKilled,
        count,
        stopped,
        delayMillis,
        cutOff,
        pending);
  }
}
