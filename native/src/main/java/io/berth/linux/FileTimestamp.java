package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.time.Instant;

/**
 * A time as file systems keep it.
 *
 * @param seconds the seconds since the beginning of 1970, which are negative before it
 * @param nanos 0 to 999,999,999, or one of the kernel's two special values
 */
public record FileTimestamp(long seconds, int nanos) {
  private static final int UTIME_NOW = 0x3fffffff;

  /** Means the present moment, in calls that set times. */
  public static final FileTimestamp NOW = new FileTimestamp(0, UTIME_NOW);

  /** The same moment in the other form. */
  public static FileTimestamp of(Instant instant) {
    return new FileTimestamp(instant.getEpochSecond(), instant.getNano());
  }

  /** The same moment in the other form. */
  public Instant toInstant() {
    return Instant.ofEpochSecond(seconds, nanos);
  }

  static long pair(Frame f, FileTimestamp access, FileTimestamp modification) {
    MemorySegment times = f.raw(2L * Layouts.TIMESPEC_SIZE);
    times.set(Libc.LONG, 0, access.seconds);
    times.set(Libc.LONG, 8, access.nanos);
    times.set(Libc.LONG, Layouts.TIMESPEC_SIZE, modification.seconds);
    times.set(Libc.LONG, Layouts.TIMESPEC_SIZE + 8, modification.nanos);
    return times.address();
  }
}
