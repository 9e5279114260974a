package io.berth.cli.session;

import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.util.function.Consumer;

/**
 * The three standard descriptors of a caller, which can be handed to another process, and what is
 * done when one of its outputs takes nothing any more. Closing them is the caller's. Safe for use
 * by several threads.
 */
public final class Descriptors {
  private final Fd in;
  private final Fd out;
  private final Fd err;
  private final TerminalKeeper terminal;
  private final StreamCarrier carrier;
  private final StreamGate gate;
  private volatile Consumer<SyscallException> brokenOutput;

  /**
   * Of a caller elsewhere.
   *
   * @param brokenOutput is given the failure to write to one of the outputs
   */
  public Descriptors(
      Fd in,
      Fd out,
      Fd err,
      TerminalKeeper terminal,
      StreamCarrier carrier,
      StreamGate gate,
      Consumer<SyscallException> brokenOutput) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.terminal = terminal;
    this.carrier = carrier;
    this.gate = gate;
    this.brokenOutput = brokenOutput;
  }

  /** Numbers 0, 1 and 2 of this process. */
  public static Descriptors ofThisProcess(Consumer<SyscallException> brokenOutput) {
    Fd in = Fd.adopt(0, "standard input");
    Fd out = Fd.adopt(1, "standard output");
    Fd err = Fd.adopt(2, "standard error");
    return new Descriptors(
        in,
        out,
        err,
        new OwnTerminal(in),
        new OwnCarrier(in, out, err),
        StreamGate.OPEN,
        brokenOutput);
  }

  /** Standard input. */
  public Fd in() {
    return in;
  }

  /** Standard output. */
  public Fd out() {
    return out;
  }

  /** Standard error. */
  public Fd err() {
    return err;
  }

  /** Who changes the mode of the terminal at standard input. */
  TerminalKeeper terminal() {
    return terminal;
  }

  /** What carries bytes between the streams and pipes. */
  public StreamCarrier carrier() {
    return carrier;
  }

  /** What keeps the line's threads from the streams. */
  StreamGate gate() {
    return gate;
  }

  /** Names what is done from now on when an output takes nothing any more. */
  public void onBrokenOutput(Consumer<SyscallException> action) {
    brokenOutput = action;
  }

  /** Tells that a write to one of the outputs failed. */
  void broke(SyscallException failure) {
    brokenOutput.accept(failure);
  }
}
