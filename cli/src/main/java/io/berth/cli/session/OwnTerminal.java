package io.berth.cli.session;

import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;

/** The terminal of a line that is carried out by a process of its own. */
final class OwnTerminal implements TerminalKeeper {
  private final Fd terminal;

  OwnTerminal(Fd terminal) {
    this.terminal = terminal;
  }

  @Override
  public Undo change(Mode mode) throws SyscallException {
    Terminal.Settings before =
        switch (mode) {
          case RAW -> Terminal.makeRaw(terminal);
          case SILENT -> Terminal.hideInput(terminal);
        };
    return () -> Terminal.restore(terminal, before);
  }
}
