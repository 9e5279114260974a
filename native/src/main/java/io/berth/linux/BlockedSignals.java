package io.berth.linux;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The signals that every thread of this process blocks since before there was a JVM, taken one
 * after another. It is the only way to have those that a JVM keeps for itself, and asks that {@code
 * berth-supervisor client} started it.
 */
public final class BlockedSignals {
  private static final int SIG_BLOCK = 0;
  private static final int SIG_UNBLOCK = 1;
  private static final long SIG_DFL = 0;
  private static final long SIG_IGN = 1;
  private static final int SFD_CLOEXEC = 0x80000;
  private static final int SI_KERNEL = 0x80;
  private static final int SET_SIZE = 8;
  /* Of the kernel's struct sigaction, on both architectures the handler comes first. */
  private static final int SIGACTION_SIZE = 32;
  static final int SIGINFO_SIZE = 128;
  static final int SIGINFO_NUMBER = 0;
  static final int SIGINFO_CODE = 8;

  private final Fd fd;

  private BlockedSignals(Fd fd) {
    this.fd = fd;
  }

  /**
   * The signals that the calling thread blocks; null if it blocks none of those that end a process.
   */
  public static @Nullable BlockedSignals open() throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment set = f.allocate(SET_SIZE);
      Libc.check(
          Libc.call(f, Sys.RT_SIGPROCMASK, SIG_BLOCK, 0, set.address(), SET_SIZE),
          "rt_sigprocmask",
          "");
      if ((set.get(Libc.LONG, 0) & bit(Signal.SIGTERM.number())) == 0) {
        return null;
      }
      long result = Libc.call(f, Sys.SIGNALFD4, -1, set.address(), SET_SIZE, SFD_CLOEXEC);
      return new BlockedSignals(Fd.adopt((int) Libc.check(result, "signalfd", ""), "signals"));
    }
  }

  /**
   * Waits for the next one; platform threads only. One that whoever started this process had it
   * ignore comes only if somebody sent it by name: a terminal's keys are meant for others then, and
   * a hangup is what {@code nohup} is for.
   */
  public int take() throws SyscallException {
    while (true) {
      try (Frame f = Frame.open()) {
        MemorySegment info = f.allocate(SIGINFO_SIZE);
        Libc.check(
            Libc.call(f, Sys.READ, fd.number(), info.address(), SIGINFO_SIZE), "read", fd.what());
        int signal = info.get(Libc.INT, SIGINFO_NUMBER);
        boolean unnamed =
            info.get(Libc.INT, SIGINFO_CODE) == SI_KERNEL || signal == Signal.SIGHUP.number();
        if (!unnamed || !isIgnored(signal)) {
          return signal;
        }
      }
    }
  }

  /** Whether this process ignores the signal. */
  public static boolean isIgnored(int signal) {
    try (Frame f = Frame.open()) {
      MemorySegment action = f.allocate(SIGACTION_SIZE);
      Libc.call(f, Sys.RT_SIGACTION, signal, 0, action.address(), SET_SIZE);
      return action.get(Libc.LONG, 0) == SIG_IGN;
    }
  }

  /**
   * Does to this process what the signal does to one that has not asked for anything else. Returns
   * if that is nothing, or after somebody has continued what it stopped.
   */
  public static void defaultEffect(int signal) {
    if (isIgnored(signal)) {
      return;
    }
    try (Frame f = Frame.open()) {
      MemorySegment action = f.allocate(SIGACTION_SIZE);
      action.set(Libc.LONG, 0, SIG_DFL);
      Libc.call(f, Sys.RT_SIGACTION, signal, action.address(), 0, SET_SIZE);
      MemorySegment set = f.allocate(SET_SIZE);
      set.set(Libc.LONG, 0, bit(signal));
      Libc.call(f, Sys.KILL, Processes.ownPid(), signal);
      Libc.call(f, Sys.RT_SIGPROCMASK, SIG_UNBLOCK, set.address(), 0, SET_SIZE);
      Libc.call(f, Sys.RT_SIGPROCMASK, SIG_BLOCK, set.address(), 0, SET_SIZE);
    }
  }

  private static long bit(int signal) {
    return 1L << (signal - 1);
  }
}
