package io.berth.linux;

import java.lang.foreign.MemorySegment;

/**
 * A counter in the kernel that makes a descriptor readable: the way to wake a thread that waits in
 * {@link Epoll}.
 */
public final class EventFd implements AutoCloseable {
  private static final int EFD_CLOEXEC = 0x80000;
  private static final int EFD_NONBLOCK = 0x800;

  private final Fd fd;

  private EventFd(Fd fd) {
    this.fd = fd;
  }

  /** A counter that stands at 0. */
  public static EventFd create() throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.EVENTFD2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
      return new EventFd(Fd.adopt((int) Libc.check(result, "eventfd", ""), "eventfd"));
    }
  }

  /** The descriptor, which is readable while the counter is not 0. */
  public Fd fd() {
    return fd;
  }

  /** Adds 1 to the counter. */
  public void signal() throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment one = f.raw(8);
      one.set(Libc.LONG, 0, 1);
      long result = Libc.call(f, Sys.WRITE, fd.number(), one.address(), 8);
      // EAGAIN says that the counter is full, so that whoever waits was woken long ago.
      if (result != -Errno.EAGAIN.number()) {
        Libc.check(result, "write", fd.what());
      }
    }
  }

  /** Sets the counter to 0 and returns what it was. */
  public long clear() throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment count = f.allocate(8);
      long result = Libc.call(f, Sys.READ, fd.number(), count.address(), 8);
      if (result != -Errno.EAGAIN.number()) {
        Libc.check(result, "read", fd.what());
      }
      return count.get(Libc.LONG, 0);
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
