package io.berth.linux;

import java.util.Locale;
import java.util.Optional;

/** Signals by name; their numbers are the same on all architectures built for. */
public enum Signal {
  SIGHUP(1),
  SIGINT(2),
  SIGQUIT(3),
  SIGILL(4),
  SIGTRAP(5),
  SIGABRT(6),
  SIGBUS(7),
  SIGFPE(8),
  SIGKILL(9),
  SIGUSR1(10),
  SIGSEGV(11),
  SIGUSR2(12),
  SIGPIPE(13),
  SIGALRM(14),
  SIGTERM(15),
  SIGSTKFLT(16),
  SIGCHLD(17),
  SIGCONT(18),
  SIGSTOP(19),
  SIGTSTP(20),
  SIGTTIN(21),
  SIGTTOU(22),
  SIGURG(23),
  SIGXCPU(24),
  SIGXFSZ(25),
  SIGVTALRM(26),
  SIGPROF(27),
  SIGWINCH(28),
  SIGIO(29),
  SIGPWR(30),
  SIGSYS(31);

  /**
   * The first and the last real-time signal, as the kernel counts them; the C library keeps the
   * first two for itself.
   */
  public static final int SIGRTMIN = 34;

  /** The highest signal number there is. */
  public static final int SIGRTMAX = 64;

  private final int number;

  Signal(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /**
   * The number of a signal written as a number, as {@code KILL}, {@code SIGKILL}, {@code RTMIN+3},
   * in any case; else empty.
   */
  public static Optional<Integer> parse(String text) {
    String name = text.toUpperCase(Locale.ROOT);
    if (!name.isEmpty() && name.length() <= 2 && name.chars().allMatch(c -> c >= '0' && c <= '9')) {
      int number = Integer.parseInt(name);
      return number >= 1 && number <= SIGRTMAX ? Optional.of(number) : Optional.empty();
    }
    if (!name.startsWith("SIG")) {
      name = "SIG" + name;
    }
    for (Signal signal : values()) {
      if (signal.name().equals(name)) {
        return Optional.of(signal.number);
      }
    }
    return switch (name) {
      case "SIGCLD" -> Optional.of(SIGCHLD.number);
      case "SIGIOT" -> Optional.of(SIGABRT.number);
      case "SIGPOLL" -> Optional.of(SIGIO.number);
      case "SIGUNUSED" -> Optional.of(SIGSYS.number);
      case "SIGRTMIN" -> Optional.of(SIGRTMIN);
      case "SIGRTMAX" -> Optional.of(SIGRTMAX);
      default -> realTime(name);
    };
  }

  private static Optional<Integer> realTime(String name) {
    boolean up = name.startsWith("SIGRTMIN+");
    if (!up && !name.startsWith("SIGRTMAX-")) {
      return Optional.empty();
    }
    String digits = name.substring(9);
    if (digits.isEmpty()
        || digits.length() > 2
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return Optional.empty();
    }
    int number = up ? SIGRTMIN + Integer.parseInt(digits) : SIGRTMAX - Integer.parseInt(digits);
    return number >= SIGRTMIN && number <= SIGRTMAX ? Optional.of(number) : Optional.empty();
  }

  /** {@code SIGKILL} for 9, {@code SIG40} for a number without a name of its own. */
  public static String nameOf(int number) {
    for (Signal signal : values()) {
      if (signal.number == number) {
        return signal.name();
      }
    }
    return "SIG" + number;
  }
}
