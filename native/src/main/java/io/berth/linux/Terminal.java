package io.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Terminals: raw mode, window size. */
public final class Terminal {
  static final int TCGETS = 0x5401;
  static final int TCSETSW = 0x5403;
  static final int TIOCGWINSZ = 0x5413;
  static final int TIOCSWINSZ = 0x5414;

  static final int TERMIOS_SIZE = 36;
  static final int TERMIOS_OFLAG = 4;
  static final int TERMIOS_CFLAG = 8;
  static final int TERMIOS_LFLAG = 12;
  static final int TERMIOS_CC = 17;
  static final int WINSIZE_SIZE = 8;

  static final int IGNBRK = 0x1;
  static final int BRKINT = 0x2;
  static final int PARMRK = 0x8;
  static final int ISTRIP = 0x20;
  static final int INLCR = 0x40;
  static final int IGNCR = 0x80;
  static final int ICRNL = 0x100;
  static final int IXON = 0x400;
  static final int OPOST = 0x1;
  static final int CSIZE = 0x30;
  static final int CS8 = 0x30;
  static final int PARENB = 0x100;
  static final int ISIG = 0x1;
  static final int ICANON = 0x2;
  static final int ECHO = 0x8;
  static final int ECHONL = 0x40;
  static final int IEXTEN = 0x8000;
  static final int VTIME = 5;
  static final int VMIN = 6;

  private Terminal() {}

  /** How large a terminal's window is, in characters. */
  public record Size(int rows, int columns) {
    public Size {
      if (rows < 0 || rows > 0xffff || columns < 0 || columns > 0xffff) {
        throw new IllegalArgumentException("window of " + rows + " rows, " + columns + " columns");
      }
    }
  }

  /** The settings of a terminal as the kernel gave them, to be put back. */
  public static final class Settings {
    private final byte[] termios;

    private Settings(byte[] termios) {
      this.termios = termios;
    }

    /** Whether a terminal with either would be the same. */
    public boolean isSame(Settings other) {
      return Arrays.equals(termios, other.termios);
    }
  }

  /** Whether a descriptor is a terminal. */
  public static boolean isTerminal(Fd fd) {
    try (Frame f = Frame.open()) {
      MemorySegment termios = f.raw(TERMIOS_SIZE);
      return Libc.call(f, Sys.IOCTL, fd.number(), TCGETS, termios.address()) == 0;
    }
  }

  /** A terminal's settings; ENOTTY if it is none. */
  public static Settings settings(Fd fd) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment termios = f.allocate(TERMIOS_SIZE);
      Libc.check(
          Libc.call(f, Sys.IOCTL, fd.number(), TCGETS, termios.address()), "tcgetattr", fd.what());
      return new Settings(termios.asSlice(0, TERMIOS_SIZE).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  /** Puts settings back, once what was written has gone out. */
  public static void restore(Fd fd, Settings settings) throws SyscallException {
    try (Frame f = Frame.open()) {
      Libc.check(
          Libc.call(f, Sys.IOCTL, fd.number(), TCSETSW, f.bytes(settings.termios)),
          "tcsetattr",
          fd.what());
    }
  }

  /**
   * Raw mode: every byte goes through as it is, at once, without echo or signals. Returns what to
   * {@link #restore}.
   */
  public static Settings makeRaw(Fd fd) throws SyscallException {
    Settings before = settings(fd);
    try (Frame f = Frame.open()) {
      MemorySegment t = f.allocate(TERMIOS_SIZE);
      MemorySegment.copy(before.termios, 0, t, ValueLayout.JAVA_BYTE, 0, TERMIOS_SIZE);
      clear(t, 0, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
      clear(t, TERMIOS_OFLAG, OPOST);
      clear(t, TERMIOS_CFLAG, CSIZE | PARENB);
      t.set(Libc.INT, TERMIOS_CFLAG, t.get(Libc.INT, TERMIOS_CFLAG) | CS8);
      clear(t, TERMIOS_LFLAG, ECHO | ECHONL | ICANON | ISIG | IEXTEN);
      t.set(ValueLayout.JAVA_BYTE, TERMIOS_CC + (long) VMIN, (byte) 1);
      t.set(ValueLayout.JAVA_BYTE, TERMIOS_CC + (long) VTIME, (byte) 0);
      Libc.check(
          Libc.call(f, Sys.IOCTL, fd.number(), TCSETSW, t.address()), "tcsetattr", fd.what());
    }
    return before;
  }

  /**
   * What is typed is no longer shown; lines and signals stay as they are. Returns what to {@link
   * #restore}.
   */
  public static Settings hideInput(Fd fd) throws SyscallException {
    Settings before = settings(fd);
    try (Frame f = Frame.open()) {
      MemorySegment t = f.allocate(TERMIOS_SIZE);
      MemorySegment.copy(before.termios, 0, t, ValueLayout.JAVA_BYTE, 0, TERMIOS_SIZE);
      clear(t, TERMIOS_LFLAG, ECHO | ECHONL);
      Libc.check(
          Libc.call(f, Sys.IOCTL, fd.number(), TCSETSW, t.address()), "tcsetattr", fd.what());
    }
    return before;
  }

  /** The size of a terminal's window; ENOTTY if it is none. */
  public static Size size(Fd fd) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment s = f.allocate(WINSIZE_SIZE);
      Libc.check(
          Libc.call(f, Sys.IOCTL, fd.number(), TIOCGWINSZ, s.address()), "window size", fd.what());
      return new Size(
          Short.toUnsignedInt(s.get(ValueLayout.JAVA_SHORT, 0)),
          Short.toUnsignedInt(s.get(ValueLayout.JAVA_SHORT, 2)));
    }
  }

  /** Sets the size of a terminal's window; the foreground processes get SIGWINCH if it changes. */
  public static void setSize(Fd fd, Size size) throws SyscallException {
    try (Frame f = Frame.open()) {
      MemorySegment s = f.allocate(WINSIZE_SIZE);
      s.set(ValueLayout.JAVA_SHORT, 0, (short) size.rows);
      s.set(ValueLayout.JAVA_SHORT, 2, (short) size.columns);
      Libc.check(
          Libc.call(f, Sys.IOCTL, fd.number(), TIOCSWINSZ, s.address()), "window size", fd.what());
    }
  }

  private static void clear(MemorySegment termios, long at, int bits) {
    termios.set(Libc.INT, at, termios.get(Libc.INT, at) & ~bits);
  }
}
