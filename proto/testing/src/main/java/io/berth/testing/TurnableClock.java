package io.berth.testing;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * A clock that stands still until a test turns it, and on which threads can sleep ({@code
 * clock::sleep}). Thread-safe.
 */
public final class TurnableClock implements InstantSource {
  @GuardedBy("this")
  private Instant now;

  @GuardedBy("this")
  private int sleepers;

  @GuardedBy("this")
  private long passed;

  public TurnableClock(Instant start) {
    now = start;
  }

  @Override
  public synchronized Instant instant() {
    return now;
  }

  /** Forwards, or backwards as an administrator does, while no time passes. */
  public synchronized void turn(Duration by) {
    now = now.plus(by);
    if (by.isPositive()) {
      passed += by.toNanos();
    }
    notifyAll();
  }

  /**
   * Blocks the calling thread until the clock has been turned by as much.
   *
   * @throws InterruptedException when the thread is interrupted
   */
  public synchronized void sleep(Duration time) throws InterruptedException {
    Instant end = now.plus(time);
    sleepers++;
    try {
      while (now.isBefore(end)) {
        wait();
      }
    } finally {
      sleepers--;
    }
  }

  /** How long it was turned forwards: a ticker, which nobody sets back. */
  public synchronized long nanos() {
    return passed;
  }

  /** How many threads sleep on it: a test that turns it waits for them first. */
  public synchronized int sleepers() {
    return sleepers;
  }
}
