package io.berth.cli.session;

import io.berth.linux.SyscallException;

/** Changes the mode of the terminal at a caller's standard input. */
public interface TerminalKeeper {
  /** What a terminal does with what is typed. */
  enum Mode {
    /** Every byte goes through as it is typed. */
    RAW,
    /** What is typed is not shown. */
    SILENT
  }

  /** Puts the mode back that was there before. */
  interface Undo {
    void undo() throws SyscallException;
  }

  /** Changes the mode, and answers what undoes it. */
  Undo change(Mode mode) throws SyscallException;
}
