package io.berth.cli.session;

import io.berth.base.time.Sleeper;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.io.InputStream;
import java.time.Duration;

/**
 * Standard input, read as it comes. A read blocks until there is something, and fails once the
 * caller has gone.
 */
public final class StandardInput extends InputStream {
  private static final Duration WHILE_EMPTY = Duration.ofMillis(2);

  private final StreamGate gate;
  private final Fd fd;

  /** The descriptor stays open. */
  public StandardInput(Descriptors descriptors) {
    this.gate = descriptors.gate();
    this.fd = descriptors.in();
  }

  @Override
  public int read() throws SyscallException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws SyscallException {
    if (length == 0) {
      return 0;
    }
    while (true) {
      try {
        int count =
            gate.pass(
                fd, /* toWrite= */ false, most -> fd.read(into, offset, Math.min(most, length)));
        if (count == StreamGate.CLOSED) {
          throw new SyscallException("read", fd.what(), Errno.ECONNRESET);
        }
        return count == 0 ? -1 : count;
      } catch (SyscallException e) {
        if (!e.is(Errno.EAGAIN)) {
          throw e;
        }
        // Another process that shares the open file has made it non-blocking, as for output.
        var _ = Sleeper.SYSTEM.pause(WHILE_EMPTY);
      }
    }
  }
}
