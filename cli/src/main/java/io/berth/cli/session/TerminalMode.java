package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.linux.SyscallException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Another mode of the terminal at standard input, until it is closed. The mode before is also put
 * back when a signal ends this process, for otherwise the shell behind it could not be used.
 */
public final class TerminalMode implements AutoCloseable {
  /** Null once the mode before is back. */
  @GuardedBy("this")
  private TerminalKeeper.@Nullable Undo undo;

  private TerminalMode(TerminalKeeper.Undo undo) {
    this.undo = undo;
  }

  /** Every byte goes through as it is typed. The caller reads a terminal. */
  public static TerminalMode raw(Caller caller) {
    return changed(caller, TerminalKeeper.Mode.RAW);
  }

  /** What is typed is not shown. The caller reads a terminal. */
  public static TerminalMode silent(Caller caller) {
    return changed(caller, TerminalKeeper.Mode.SILENT);
  }

  private static TerminalMode changed(Caller caller, TerminalKeeper.Mode wanted) {
    TerminalKeeper terminal =
        Objects.requireNonNull(caller.descriptors(), "no terminal").terminal();
    try {
      TerminalMode mode = new TerminalMode(terminal.change(wanted));
      caller.signals().beforeEnd(mode::close);
      return mode;
    } catch (SyscallException e) {
      throw new BerthException.Internal("change the terminal: " + e.getMessage(), e);
    }
  }

  @Override
  public synchronized void close() {
    TerminalKeeper.Undo action = undo;
    undo = null;
    if (action == null) {
      return;
    }
    try {
      action.undo();
    } catch (SyscallException e) {
      // The terminal itself has gone, so there is nothing to put back.
      assert e.errno() != null;
    }
  }
}
