package io.berth.base.time;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * Has work that nobody waits for give way to clients: while one is at work, what it waits for comes
 * first. For all clients together that work waits for a while at most, for calls without end must
 * not keep it from being done. Thread-safe.
 */
public final class ClientsFirst {
  /** A client that called within this time is at work still. */
  private static final Duration TURN = Duration.ofMillis(300);

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration LOOK = Duration.ofMillis(2);

  private final Ticker ticker;
  private final Sleeper sleeper;
  private final AtomicLong lastCall;

  /** How much longer the work waits, in nanoseconds. */
  private final AtomicLong patience = new AtomicLong(PATIENCE.toNanos());

  public ClientsFirst(Ticker ticker, Sleeper sleeper) {
    this.ticker = ticker;
    this.sleeper = sleeper;
    this.lastCall = new AtomicLong(ticker.nanos() - TURN.toNanos());
  }

  /** A client called, or was answered. Never blocks. */
  public void clientCalled() {
    lastCall.set(ticker.nanos());
  }

  /**
   * For that work, between two of its steps: waits while clients are at work and the patience
   * lasts.
   *
   * @param ending ends the wait when it is true
   */
  public void giveWay(BooleanSupplier ending) throws InterruptedException {
    long begin = ticker.nanos();
    long left = patience.get();
    long now = begin;
    while (now - lastCall.get() < TURN.toNanos() && now - begin < left && !ending.getAsBoolean()) {
      sleeper.sleep(LOOK);
      now = ticker.nanos();
    }
    patience.addAndGet(begin - now);
  }
}
