package io.berth.cli.session;

import io.berth.linux.Fd;
import io.berth.linux.SyscallException;

/** Lets the threads of a line use its standard streams, or keeps them from it. */
public interface StreamGate {
  /** For a line that is a process: nothing keeps it from its streams but the kernel. */
  StreamGate OPEN = (_, _, transfer) -> transfer.of(Integer.MAX_VALUE);

  /** What {@link #pass} answers for a stream that nobody uses any more. */
  int CLOSED = -1;

  /** A read or a write. */
  interface Transfer {
    /** Moves at most so many bytes, and answers how many it were. */
    int of(int most) throws SyscallException;
  }

  /**
   * Does a transfer when the stream may be used; blocks until then.
   *
   * @return what the transfer answered, or {@link #CLOSED} if the caller has gone
   */
  int pass(Fd stream, boolean toWrite, Transfer transfer) throws SyscallException;
}
