package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.image.library.ProgressListener;
import java.io.IOException;
import java.time.Duration;

/**
 * Tries again what may go well the next time: broken connections and answers that say so. Five
 * attempts, with growing pauses; or with those that a server asks for. Every call to a registry
 * goes through here.
 */
final class Retry {
  static final int ATTEMPTS = 5;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);

  /** A server that wants to be left alone for longer is not waited for. */
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(2);

  private final ProgressListener progress;
  private final String part;
  private int attempts;

  /** Counts the attempts of work that goes on where it failed. */
  Retry(ProgressListener progress, String part) {
    this.progress = progress;
    this.part = part;
  }

  /** One attempt of the work. */
  interface Attempt<T> {
    T run() throws IOException;
  }

  /**
   * Runs work until an attempt succeeds. After the last one it fails with UNAVAILABLE and the last
   * cause.
   */
  static <T> T run(ProgressListener progress, String part, Attempt<T> attempt) {
    Retry retry = new Retry(progress, part);
    while (true) {
      try {
        return attempt.run();
      } catch (BerthException.Unavailable | IOException e) {
        retry.failed(e);
      }
    }
  }

  /** Notes a failed attempt: pauses, or throws after the last one. */
  void failed(Exception failure) {
    if (Thread.currentThread().isInterrupted()) {
      throw new BerthException.Cancelled("transfer: interrupted", failure);
    }
    Duration asked = failure instanceof TryLater later ? later.pause() : Duration.ZERO;
    if (++attempts == ATTEMPTS || asked.compareTo(LONGEST_PAUSE) > 0) {
      throw switch (failure) {
        case BerthException known -> known;
        case TryLater later -> later.told();
        default -> new BerthException.Unavailable(String.valueOf(failure.getMessage()), failure);
      };
    }
    progress.step(part, "retrying", attempts, ATTEMPTS);
    // An interrupt ends the pause; the next failure sees it.
    Duration own = FIRST_PAUSE.multipliedBy(1L << (attempts - 1));
    var _ = Sleeper.SYSTEM.pause(asked.compareTo(own) > 0 ? asked : own);
  }

  /** Notes that the work went well for a while, which gives all attempts back. */
  void succeeded() {
    attempts = 0;
  }
}
