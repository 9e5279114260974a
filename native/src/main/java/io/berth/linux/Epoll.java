package io.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Waits for many descriptors at once. One thread waits, on a platform thread; any thread adds and
 * removes. {@link Poller} is the comfortable form.
 */
public final class Epoll implements AutoCloseable {
  public static final int EPOLLIN = 0x1;
  public static final int EPOLLPRI = 0x2;
  public static final int EPOLLOUT = 0x4;
  public static final int EPOLLHUP = 0x10;

  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EPOLL_CTL_MOD = 3;
  private static final int EPOLL_CLOEXEC = 0x80000;
  private static final int BATCH = 64;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final Fd fd;
  private final MemorySegment events =
      Arena.ofAuto().allocate((long) BATCH * Layouts.EPOLL_EVENT_SIZE, 8);

  private Epoll(Fd fd) {
    this.fd = fd;
  }

  /** An epoll that waits for nothing yet. */
  public static Epoll create() throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.EPOLL_CREATE1, EPOLL_CLOEXEC);
      return new Epoll(Fd.adopt((int) Libc.check(result, "epoll_create1", ""), "epoll"));
    }
  }

  /** The descriptor, which is readable while something is ready: one epoll can wait for another. */
  public Fd fd() {
    return fd;
  }

  /** Waits for a descriptor from now on; {@code token} names it in {@link Receiver#ready}. */
  public void add(Fd target, int events, long token) throws SyscallException {
    change(EPOLL_CTL_ADD, target, events, token);
  }

  /** Changes what to wait for. */
  public void modify(Fd target, int events, long token) throws SyscallException {
    change(EPOLL_CTL_MOD, target, events, token);
  }

  /**
   * Waits for the descriptor no more. Closing the last descriptor of an open file does the same.
   */
  public void remove(Fd target) throws SyscallException {
    change(EPOLL_CTL_DEL, target, 0, 0);
  }

  /** Told of each descriptor that is ready. */
  public interface Receiver {
    void ready(long token, int events);
  }

  /**
   * Waits until something is ready and tells it. Platform threads only, one at a time.
   *
   * @param timeout the longest time to wait; null to wait for ever
   * @return the number of those that were ready; 0 after the timeout or a signal
   */
  public int await(@Nullable Duration timeout, Receiver receiver) throws SyscallException {
    long millis = timeout == null ? -1 : Math.min(timeout.toMillis(), Integer.MAX_VALUE);
    int count;
    try (Frame f = Frame.open()) {
      long result =
          Libc.once(f, Sys.EPOLL_PWAIT, fd.number(), events.address(), BATCH, millis, 0, 8);
      if (result == -Errno.EINTR.number()) {
        return 0;
      }
      count = (int) Libc.check(result, "epoll_wait", "");
    }
    for (int i = 0; i < count; i++) {
      long at = (long) i * Layouts.EPOLL_EVENT_SIZE;
      receiver.ready(events.get(LONG, at + Layouts.EPOLL_EVENT_DATA), events.get(INT, at));
    }
    return count;
  }

  private void change(int operation, Fd target, int what, long token) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment event = f.allocate(16);
      event.set(INT, 0, what);
      event.set(LONG, Layouts.EPOLL_EVENT_DATA, token);
      long result =
          Libc.call(f, Sys.EPOLL_CTL, fd.number(), operation, target.number(), event.address());
      Libc.check(result, "epoll_ctl", target.what());
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
