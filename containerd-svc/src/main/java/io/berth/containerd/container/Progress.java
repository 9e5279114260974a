package io.berth.containerd.container;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
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
    return with(changed -> {
      changed.running = true;
      changed.startedAt = nanos(at);
      changed.exitCode = 0;
      changed.error = "";
      changed.oomKilled = false;
      changed.stopped = false;
      changed.cutOff = false;
      changed.pending = null;
    });
  }

  Progress ended(Instant at, int code, boolean oom, String why) {
    return with(changed -> {
      changed.running = false;
      changed.finishedAt = nanos(at);
      changed.exitCode = code;
      changed.error = why;
      changed.oomKilled = oom;
      changed.cutOff = false;
    });
  }

  /** It was not its program that ended, and it runs again as if this had not been. */
  Progress cutOff(boolean yes) {
    return with(changed -> changed.cutOff = yes);
  }

  /**
   * A start did not succeed. A container that never ran has not finished by that; it stays created.
   */
  Progress failed(Instant at, int code, String why) {
    return notStarted(why)
        .with(changed -> {
          changed.finishedAt = wasStarted() ? nanos(at) : finishedAt;
          changed.exitCode = code;
          changed.oomKilled = false;
        });
  }

  /** The same where the container ran before and how its program ended is still what counts. */
  Progress notStarted(String why) {
    return with(changed -> {
      changed.running = false;
      changed.error = why;
      changed.cutOff = false;
      changed.pending = null;
    });
  }

  /** A person starts the container, so its policy counts from zero again. */
  Progress byPerson() {
    return with(changed -> {
      changed.restarts = 0;
      changed.stopped = false;
      changed.lastDelayMillis = 0;
      changed.cutOff = false;
    });
  }

  /** A client holds it before its program's first instruction, or does not any more. */
  Progress pending(@Nullable Pending until) {
    return with(changed -> changed.pending = until);
  }

  Progress asked(boolean stop) {
    return with(changed -> changed.stopped = stop);
  }

  Progress restarting(int count, long delayMillis) {
    return with(changed -> {
      changed.restarts = count;
      changed.lastDelayMillis = delayMillis;
    });
  }

  /** A copy in which some of it is changed. */
  private Progress with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.done();
  }

  /** All of it, to be changed by name. */
  private static final class Draft {
    private boolean running;
    private long startedAt;
    private long finishedAt;
    private int exitCode;
    private String error;
    private boolean oomKilled;
    private int restarts;
    private boolean stopped;
    private long lastDelayMillis;
    private boolean cutOff;
    private @Nullable Pending pending;

    Draft(Progress from) {
      running = from.running;
      startedAt = from.startedAt;
      finishedAt = from.finishedAt;
      exitCode = from.exitCode;
      error = from.error;
      oomKilled = from.oomKilled;
      restarts = from.restarts;
      stopped = from.stopped;
      lastDelayMillis = from.lastDelayMillis;
      cutOff = from.cutOff;
      pending = from.pending;
    }

    Progress done() {
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
          pending);
    }
  }
}
