package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Another mode of the terminal at standard input, until it is closed. The mode before is also put
 * back when a signal ends this process, for otherwise the shell behind it could not be used.
 */
public final class TerminalMode implements AutoCloseable {
  private final Fd terminal;

  /** Null once the mode before is back. */
  @GuardedBy("this")
  private Terminal.@Nullable Settings before;

  private TerminalMode(Fd terminal, Terminal.Settings before) {
    this.terminal = terminal;
    this.before = before;
  }

  /** A change of the mode that answers the settings from before. */
  private interface Change {
    Terminal.Settings of(Fd terminal) throws SyscallException;
  }

  /** Every byte goes through as it is typed. The caller reads a terminal. */
  public static TerminalMode raw(Caller caller) {
    return changed(caller, Terminal::makeRaw);
  }

  /** What is typed is not shown. The caller reads a terminal. */
  public static TerminalMode silent(Caller caller) {
    return changed(caller, Terminal::hideInput);
  }

  private static TerminalMode changed(Caller caller, Change change) {
    Fd terminal = Objects.requireNonNull(caller.descriptors(), "no terminal").in();
    try {
      TerminalMode mode = new TerminalMode(terminal, change.of(terminal));
      caller.signals().beforeEnd(mode::close);
      return mode;
    } catch (SyscallException e) {
      throw new BerthException.Internal("change the terminal: " + e.getMessage(), e);
    }
  }

  @Override
  public synchronized void close() {
    Terminal.Settings settings = before;
    before = null;
    if (settings == null) {
      return;
    }
    try {
      Terminal.restore(terminal, settings);
    } catch (SyscallException e) {
      // The terminal itself has gone, so there is nothing to put back.
      assert e.errno() != null;
    }
  }
}
