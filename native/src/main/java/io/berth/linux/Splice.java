package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Moves bytes from descriptor to descriptor, in the kernel where it can. All of it waits: platform
 * threads only.
 */
public final class Splice {
  private static final int SPLICE_F_MOVE = 1;
  private static final int CHUNK = 1 << 20;
  private static final int COPY_BYTES = 128 * 1024;

  private Splice() {}

  /**
   * Moves everything from one to the other until the end of the source.
   *
   * @return the number of bytes that were moved
   * @throws SyscallException EPIPE if nobody reads any more (no SIGPIPE kills a JVM), EAGAIN if one
   *     is non-blocking
   */
  public static long pump(Fd from, Fd to) throws SyscallException {
    long moved = 0;
    try (Frame f = Frame.open()) {
      while (true) {
        long count =
            Libc.call(f, Sys.SPLICE, from.number(), 0, to.number(), 0, CHUNK, SPLICE_F_MOVE);
        if (count == -Errno.EINVAL.number()) {
          // EINVAL: neither is a pipe, or one of them cannot be spliced, as a file with O_APPEND or
          // a terminal.
          return moved + copy(from, to);
        }
        if (Libc.check(count, "splice " + from.what() + " to", to.what()) == 0) {
          return moved;
        }
        moved += count;
      }
    }
  }

  /**
   * Copies a part of a file into another at its offset, sharing blocks where the file system can.
   *
   * @return the number of bytes that were copied; fewer than asked at the end of the source
   */
  public static long copyRange(Fd from, long offset, Fd to, long length) throws SyscallException {
    long done = 0;
    try (Frame f = Frame.open()) {
      MemorySegment at = f.raw(8);
      while (done < length) {
        at.set(Libc.LONG, 0, offset + done);
        long want = Math.min(length - done, 1L << 30);
        long count =
            Libc.call(f, Sys.COPY_FILE_RANGE, from.number(), at.address(), to.number(), 0, want, 0);
        if (count == -Errno.EXDEV.number()
            || count == -Errno.EINVAL.number()
            || count == -Errno.EOPNOTSUPP.number()) {
          from.seek(offset + done);
          return done + copy(from, to, length - done);
        }
        if (Libc.check(count, "copy " + from.what() + " to", to.what()) == 0) {
          return done;
        }
        done += count;
      }
    }
    return done;
  }

  /** The same by reading and writing, from the source's offset to its end. */
  public static long copy(Fd from, Fd to) throws SyscallException {
    return copy(from, to, Long.MAX_VALUE);
  }

  private static long copy(Fd from, Fd to, long length) throws SyscallException {
    long copied = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(COPY_BYTES, 16);
      while (copied < length) {
        int count = from.read(buffer.asSlice(0, Math.min(COPY_BYTES, length - copied)));
        if (count == 0) {
          break;
        }
        to.writeAll(buffer.asSlice(0, count));
        copied += count;
      }
    }
    return copied;
  }

  /** How much a pipe holds, in bytes; EPERM above the limit of ordinary users. */
  public static int setPipeSize(Fd pipe, int bytes) throws SyscallException {
    return (int) pipe.control("fcntl(F_SETPIPE_SZ)", OpenCommands.F_SETPIPE_SZ, bytes);
  }
}
