package io.berth.cli.session;

import io.berth.base.error.BerthException;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import org.jspecify.annotations.Nullable;

/**
 * Another mode of the terminal that standard input is, until closed. Also when a signal ends this
 * process, its terminal is usable again.
 */
public final class TerminalMode implements AutoCloseable {
  private Terminal.@Nullable Settings before;

  private TerminalMode(Terminal.Settings before) {
    this.before = before;
    Signals.beforeEnd(this::close);
  }

  private static Fd stdin() {
    return Fd.adopt(0, "standard input");
  }

  /** Whether standard input is a terminal of this process. */
  public static boolean isThere(Caller caller) {
    return caller.descriptors() && Terminal.isTerminal(stdin());
  }

  /** Bytes go through as they are typed. */
  public static TerminalMode raw() {
    try {
      return new TerminalMode(Terminal.makeRaw(stdin()));
    } catch (SyscallException e) {
      throw refused(e);
    }
  }

  /** What is typed is not shown. */
  public static TerminalMode silent() {
    try {
      return new TerminalMode(Terminal.hideInput(stdin()));
    } catch (SyscallException e) {
      throw refused(e);
    }
  }

  private static BerthException refused(SyscallException e) {
    return new BerthException.Internal("change the terminal: " + e.getMessage(), e);
  }

  @Override
  public synchronized void close() {
    Terminal.Settings settings = before;
    before = null;
    if (settings == null) {
      return;
    }
    try {
      Terminal.restore(stdin(), settings);
    } catch (SyscallException e) {
      // The terminal itself has gone: nothing is left to restore.
      assert e.errno() != null;
    }
  }
}
