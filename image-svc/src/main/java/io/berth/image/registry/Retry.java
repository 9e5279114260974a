package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.image.library.Progress;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Tries again what may go well the next time: broken connections and answers that say so. Five
 * attempts, with growing pauses.
 */
final class Retry {
  static final int ATTEMPTS = 5;
  private static final long FIRST_PAUSE_MILLIS = 200;

  private Retry() {}

  /** One attempt. */
  interface Attempt<T> {
    T run() throws IOException;
  }

  /** UNAVAILABLE, with the last cause, after the last attempt. */
  static <T> T run(Progress progress, String part, Attempt<T> attempt) {
    for (int i = 1; ; i++) {
      Exception failure;
      try {
        return attempt.run();
      } catch (BerthException.Unavailable e) {
        if (i == ATTEMPTS) {
          throw e;
        }
        failure = e;
      } catch (IOException e) {
        if (i == ATTEMPTS) {
          throw new BerthException.Unavailable(String.valueOf(e.getMessage()), e);
        }
        failure = e;
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new BerthException.Cancelled("transfer: interrupted", failure);
      }
      progress.step(part, "retrying", i, ATTEMPTS);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(FIRST_PAUSE_MILLIS << (i - 1)));
    }
  }
}
