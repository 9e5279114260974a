package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Locks of whole files that end with their descriptor, so also with the process, however it dies.
 * Two descriptors of one process exclude each other as well, unlike java.nio's locks.
 */
public final class FileLocks {
  private static final int LOCK_SH = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;
  private static final int LOCK_UN = 8;
  private static final int F_WRLCK = 1;
  private static final int F_UNLCK = 2;

  private FileLocks() {}

  /**
   * Opens a file, making it if need be, and locks it for itself; null if somebody else has it.
   * Closing the descriptor unlocks. The file is not to be deleted while anybody may look at it: two
   * could lock two different files of one name.
   */
  public static @Nullable Fd tryLock(Path path) throws SyscallException {
    Fd fd = Fd.open(path.toString(), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0600);
    try {
      if (tryLock(fd)) {
        return fd;
      }
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
    fd.close();
    return null;
  }

  /** Locks an open file for this descriptor alone; false if somebody else has it. */
  public static boolean tryLock(Fd fd) throws SyscallException {
    return flock(fd, LOCK_EX | LOCK_NB);
  }

  /** Locks an open file together with others who share; false if somebody has it alone. */
  public static boolean tryShare(Fd fd) throws SyscallException {
    return flock(fd, LOCK_SH | LOCK_NB);
  }

  /** Locks an open file for this descriptor alone, waiting for it. Platform threads only. */
  public static void lock(Fd fd) throws SyscallException {
    flock(fd, LOCK_EX);
  }

  /** Gives the lock back. */
  public static void unlock(Fd fd) throws SyscallException {
    flock(fd, LOCK_UN);
  }

  /**
   * The process whose record lock (fcntl(2), java.nio's kind) keeps this descriptor's process from
   * locking the whole file alone; 0 if there is none, or none that this process can see.
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

  private static boolean flock(Fd fd, int how) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.FLOCK, fd.number(), how);
      if (result == -Errno.EAGAIN.number()) {
        return false;
      }
      Libc.check(result, "flock", fd.what());
      return true;
    }
  }
}
