package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Who holds a lock of a file; java.nio takes locks, but cannot tell that. */
public final class FileLocks {
  private static final int F_WRLCK = 1;
  private static final int F_UNLCK = 2;

  private FileLocks() {}

  /**
   * The process whose record lock, of the kind of fcntl(2) that java.nio takes, keeps this
   * descriptor's process from locking the whole file alone; 0 if there is none, or none that this
   * process can see.
   */
  public static int recordHolder(Fd fd) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment asked = f.allocate(Layouts.FLOCK_SIZE);
      asked.set(ValueLayout.JAVA_SHORT, 0, (short) F_WRLCK);
      Libc.check(
          Libc.call(f, Sys.FCNTL, fd.number(), OpenCommands.F_GETLK, asked.address()),
          "fcntl(F_GETLK)",
          fd.what());
      boolean free = asked.get(ValueLayout.JAVA_SHORT, 0) == F_UNLCK;
      return free ? 0 : Math.max(0, asked.get(Libc.INT, Layouts.FLOCK_PID));
    }
  }
}
