package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Processes: starting them by posix_spawn (0.1 ms, where java.lang.ProcessBuilder needs ten times
 * that), and following them by pidfd, which always means the same process where a number may be
 * used again.
 */
public final class Processes {
  private static final int P_PIDFD = 3;
  private static final int WNOHANG = 1;
  private static final int WEXITED = 4;
  private static final int CLD_EXITED = 1;
  private static final int CLD_DUMPED = 3;
  private static final short POLLIN = 1;
  static final int PIDFD_INFO_SIZE = 64;
  static final int PIDFD_INFO_EXIT_CODE = 60;
  static final int PIDFD_INFO_EXIT = 8;
  static final int PIDFD_GET_INFO = 0xc040ff0b;
  /* Places in /proc/PID/stat, counted from the one behind the name. */
  private static final int STAT_STATE = 0;
  private static final int STAT_EXIT_CODE = 49;
  private static final int SIGNAL_BITS = 0x7f;
  private static final int CORE_BIT = 0x80;

  private Processes() {}

  /**
   * A process started here. Its exit is to be collected by {@link #pollExit} or one of its kind,
   * else it stays a zombie.
   */
  public record Child(int pid, Fd pidfd) implements AutoCloseable {
    /** Closes the descriptor; the process is not touched. */
    @Override
    public void close() {
      pidfd.close();
    }
  }

  /**
   * How a process ended.
   *
   * @param code the exit code, or the signal's number if {@code signalled}
   */
  public record ExitStatus(boolean signalled, int code, boolean dumpedCore) {
    /** As shells say it: the code, or 128 + the signal's number. */
    public int shellCode() {
      return signalled ? 128 + code : code;
    }
  }

  /**
   * Starts a program.
   *
   * @throws SyscallException ENOENT, EACCES, ... of the program or its folder
   */
  public static Child spawn(SpawnPlan plan) throws SyscallException {
    int pid = Spawn.spawn(plan);
    // The number cannot be another process's yet, for our child stays a zombie until it is
    // collected.
    return new Child(pid, openPidfd(pid));
  }

  /** A descriptor of a process; ESRCH if there is none of that number. */
  public static Fd openPidfd(int pid) throws SyscallException {
    try (Frame f = Frame.open()) {
      long result = Libc.call(f, Sys.PIDFD_OPEN, pid, 0);
      return Fd.adopt((int) Libc.check(result, "pidfd_open", pid), "process " + pid);
    }
  }

  /** Sends a signal to the process that a pidfd means; ESRCH once it is gone and collected. */
  public static void sendSignal(Fd pidfd, int signal) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(
          Libc.call(f, Sys.PIDFD_SEND_SIGNAL, pidfd.number(), signal, 0, 0),
          "pidfd_send_signal " + Signal.nameOf(signal),
          pidfd.what());
    }
  }

  /**
   * kill(2): by number, so only where no pidfd can be had. Signal 0 only looks whether it is there.
   */
  public static void kill(int pid, int signal) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(Libc.call(f, Sys.KILL, pid, signal), "kill", pid);
    }
  }

  /** Whether a process of that number is there, be it a zombie or another user's. */
  public static boolean exists(int pid) {
    try (Frame f = Frame.open()) {
      return Libc.call(f, Sys.KILL, pid, 0) != -Errno.ESRCH.number();
    }
  }

  /**
   * Whether the process that a pidfd means has ended; anybody's process, not only a child. Never
   * waits.
   */
  public static boolean hasEnded(Fd pidfd) throws SyscallException {
    return poll(pidfd, 0);
  }

  /**
   * Collects a child's exit if it has ended, else returns null. Never waits; ECHILD if it is no
   * child or was collected.
   */
  public static @Nullable ExitStatus pollExit(Fd pidfd) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment info = f.allocate(Layouts.SIGINFO_SIZE);
      Libc.check(
          Libc.call(f, Sys.WAITID, P_PIDFD, pidfd.number(), info.address(), WEXITED | WNOHANG, 0),
          "waitid",
          pidfd.what());
      if (info.get(Libc.INT, Layouts.SIGINFO_PID) == 0) {
        return null;
      }
      int how = info.get(Libc.INT, Layouts.SIGINFO_CODE);
      int status = info.get(Libc.INT, Layouts.SIGINFO_STATUS);
      return new ExitStatus(how != CLD_EXITED, status, how == CLD_DUMPED);
    }
  }

  /**
   * How a process ended that is no child of ours, for whoever had a pidfd of it while it lived;
   * null as long as it lives. A zombie's number still names it; of one that has been collected the
   * kernel keeps how it ended (6.15 and later).
   *
   * @param pid the number that it had
   * @throws SyscallException ESRCH if it was collected, and the kernel does not keep such things
   */
  public static @Nullable ExitStatus exitOfAnother(Fd pidfd, int pid) throws SyscallException {
    if (!hasEnded(pidfd)) {
      return null;
    }
    try {
      String[] fields = statFields(pid);
      // A signal of 0 shows that the process was there all the time, so that the number was not
      // another's when its file was read.
      sendSignal(pidfd, 0);
      if (fields[STAT_STATE].equals("Z") && fields.length > STAT_EXIT_CODE) {
        return exitStatus(Integer.parseInt(fields[STAT_EXIT_CODE]));
      }
      return null;
    } catch (SyscallException e) {
      if (!e.is(Errno.ESRCH) && !e.is(Errno.ENOENT)) {
        throw e;
      }
    }
    if (!KernelFeature.PIDFD_EXIT.inUse()) {
      throw new SyscallException("exit of", pidfd.what(), Errno.ESRCH);
    }
    return keptExit(pidfd);
  }

  private static ExitStatus exitStatus(int status) {
    int signal = status & SIGNAL_BITS;
    return signal == 0
        ? new ExitStatus(false, status >> 8 & 0xff, false)
        : new ExitStatus(true, signal, (status & CORE_BIT) != 0);
  }

  /** How a process or thread ended that has been collected; null if that is not known. */
  static @Nullable ExitStatus keptExit(Fd pidfd) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment info = f.allocate(PIDFD_INFO_SIZE);
      info.set(Libc.LONG, 0, PIDFD_INFO_EXIT);
      Libc.check(
          Libc.call(
              f, Sys.IOCTL, pidfd.number(), Integer.toUnsignedLong(PIDFD_GET_INFO), info.address()),
          "ioctl(PIDFD_GET_INFO)",
          pidfd.what());
      if ((info.get(Libc.LONG, 0) & PIDFD_INFO_EXIT) == 0) {
        return null;
      }
      return exitStatus(info.get(Libc.INT, PIDFD_INFO_EXIT_CODE));
    }
  }

  /** Waits for a child's end and collects it; null after the timeout. Platform threads only. */
  public static @Nullable ExitStatus awaitExit(Fd pidfd, Duration timeout) throws SyscallException {
    long end = System.nanoTime() + timeout.toNanos();
    while (true) {
      long left = Math.max(0, end - System.nanoTime());
      if (poll(pidfd, left)) {
        return pollExit(pidfd);
      }
      if (left == 0) {
        return null;
      }
    }
  }

  /**
   * Collects a child's exit as soon as it ends, on the poller's thread. The pidfd must stay open
   * until then.
   */
  public static CompletableFuture<ExitStatus> exit(Fd pidfd, Poller poller)
      throws SyscallException {
    CompletableFuture<ExitStatus> exit = new CompletableFuture<>();
    poller.register(
        pidfd,
        Epoll.EPOLLIN,
        (registration, _) -> {
          registration.close();
          try {
            ExitStatus status = pollExit(pidfd);
            if (status == null) {
              throw new SyscallException("waitid", pidfd.what(), Errno.ECHILD);
            }
            exit.complete(status);
          } catch (SyscallException e) {
            exit.completeExceptionally(e);
          }
        });
    return exit;
  }

  /**
   * Completes as soon as a process ends, anybody's process, on the poller's thread. The pidfd must
   * stay open until then.
   */
  public static CompletableFuture<Void> ended(Fd pidfd, Poller poller) throws SyscallException {
    CompletableFuture<Integer> ended = new CompletableFuture<>();
    poller.register(
        pidfd,
        Epoll.EPOLLIN,
        (registration, events) -> {
          registration.close();
          ended.complete(events);
        });
    return ended.thenAccept(_ -> {});
  }

  /** Waits until nobody can collect it any more; whether that is so when the time has gone. */
  static boolean awaitCollected(Fd pidfd, long nanos) throws SyscallException {
    return poll(pidfd, /* events= */ (short) 0, nanos);
  }

  private static boolean poll(Fd pidfd, long nanos) throws SyscallException {
    return poll(pidfd, POLLIN, nanos);
  }

  private static boolean poll(Fd pidfd, short events, long nanos) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment poll = f.allocate(Layouts.POLLFD_SIZE);
      poll.set(Libc.INT, 0, pidfd.number());
      poll.set(ValueLayout.JAVA_SHORT, Layouts.POLLFD_EVENTS, events);
      MemorySegment time = f.allocate(Layouts.TIMESPEC_SIZE);
      time.set(Libc.LONG, 0, nanos / 1_000_000_000L);
      time.set(Libc.LONG, 8, nanos % 1_000_000_000L);
      long result = Libc.once(f, Sys.PPOLL, poll.address(), 1, time.address(), 0, 8, 0);
      if (result == -Errno.EINTR.number()) {
        return false;
      }
      return Libc.check(result, "poll", pidfd.what()) > 0;
    }
  }

  /** This process's number. */
  public static int ownPid() {
    try (Frame f = Frame.open()) {
      return (int) Libc.call(f, Sys.GETPID);
    }
  }

  /** The effective user of this process. */
  public static int effectiveUser() {
    try (Frame f = Frame.open()) {
      return (int) Libc.call(f, Sys.GETEUID);
    }
  }

  /** The fields of proc_pid_stat(5) behind the name. */
  private static String[] statFields(int pid) throws SyscallException {
    String stat;
    try (Fd fd = Fd.open(Path.of("/proc", Integer.toString(pid), "stat"), OpenFlags.O_RDONLY)) {
      stat = new String(fd.readAll(4096), StandardCharsets.ISO_8859_1);
    }
    // The name in the second field is anything, so what counts stands behind the last bracket.
    return stat.substring(stat.lastIndexOf(')') + 2).strip().split(" ", -1);
  }

  /** Ends this process now: no shutdown hook runs, nothing is flushed. */
  public static void exitNow(int code) {
    try (Frame f = Frame.open()) {
      Libc.call(f, Sys.EXIT_GROUP, code);
    }
    throw new AssertionError("exit_group returned");
  }
}
