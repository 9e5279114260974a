package io.berth.base.time;

import java.time.Duration;

/**
 * The one place where a thread waits for nothing but time. Whoever can wait for an event instead (a
 * condition, a future, a file descriptor) does so; what is left are retries, patience, and what the
 * kernel does not tell of. A class that sleeps is given its sleeper, and a test gives it {@code
 * clock::sleep} of a clock that it turns.
 *
 * <p>A virtual thread leaves its carrier while it sleeps. Thread-safe.
 */
@FunctionalInterface
public interface Sleeper {
  /** By the machine's clock. */
  Sleeper SYSTEM = Thread::sleep;

  /**
   * Blocks the calling thread for about this long; zero and less return at once.
   *
   * @throws InterruptedException as soon as the thread is interrupted, or if it was before
   */
  void sleep(Duration time) throws InterruptedException;

  /**
   * The same for a caller that cannot be interrupted in its middle: an interrupt ends the sleep,
   * and the thread's flag stays set.
   *
   * @return whether the whole time passed
   */
  default boolean pause(Duration time) {
    try {
      sleep(time);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
