package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;

/** The processor time of threads: clock_gettime(2), {@code CLOCK_THREAD_CPUTIME_ID}. */
public final class ThreadClock {
  private static final int CLOCK_THREAD_CPUTIME_ID = 3;

  private ThreadClock() {}

  /**
   * Nanoseconds that the calling platform thread has run so far; time in which it waits, or another
   * has its processor, does not count. Of a virtual thread it is that of whoever carries it.
   */
  public static long nanos() {
    try (Frame f = Frame.open()) {
      MemorySegment time = f.raw(2 * Long.BYTES);
      long failed = Libc.call(f, Sys.CLOCK_GETTIME, CLOCK_THREAD_CPUTIME_ID, time.address());
      if (failed != 0) {
        // A thread has this clock since Linux 2.6.12.
        throw new IllegalStateException("clock_gettime: error " + -failed);
      }
      return TimeUnit.SECONDS.toNanos(time.get(ValueLayout.JAVA_LONG, 0))
          + time.get(ValueLayout.JAVA_LONG, Long.BYTES);
    }
  }
}
