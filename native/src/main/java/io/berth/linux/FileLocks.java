package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Locks of files, as far as java.nio cannot take them, or tell who holds them. */
public final class FileLocks {
  private static final int F_WRLCK = 1;
  private static final int F_UNLCK = 2;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;

  private FileLocks() {}

  /**
   * Locks a file as flock(2) does, and not as java.nio would: the lock is the open file's, and ends
   * with its last descriptor.
   *
   * @return false if somebody else holds such a lock
   */
  public static boolean take(Fd fd) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.FLOCK, fd.number(), LOCK_EX | LOCK_NB), "flock", fd.what());
      return true;
    } catch (SyscallException e) {
      if (e.is(Errno.EAGAIN)) {
        return false;
      }
      throw e;
    }
  }

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
