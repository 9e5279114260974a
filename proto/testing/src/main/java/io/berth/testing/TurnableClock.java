package io.berth.testing;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;

/** A clock that stands still until a test turns it. Thread-safe. */
public final class TurnableClock implements InstantSource {
  private final AtomicReference<Instant> now;

  public TurnableClock(Instant start) {
    now = new AtomicReference<>(start);
  }

  @Override
  public Instant instant() {
    return now.get();
  }

  /** Forwards, or backwards as an administrator does. */
  public void turn(Duration by) {
    now.updateAndGet(instant -> instant.plus(by));
  }
}
