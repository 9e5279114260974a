package io.berth.base.time;

/**
 * Time that only goes on: what durations and deadlines are measured by, for an administrator or NTP
 * may set the clock of the wall to any other time. A class that decides by such a time is given its
 * ticker, and a test gives it {@code clock::nanos} of a clock that it turns. Thread-safe.
 */
@FunctionalInterface
public interface Ticker {
  /** By the machine's monotonic clock. */
  Ticker SYSTEM = System::nanoTime;

  /** Nanoseconds since a moment that is the same for this ticker's life, and otherwise unknown. */
  long nanos();
}
