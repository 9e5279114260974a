package io.berth.cli.session;

import io.berth.base.time.Sleeper;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.io.OutputStream;
import java.time.Duration;

/**
 * Standard output or standard error. A write that fails is told to {@link
 * Descriptors#onBrokenOutput}, because the {@link java.io.PrintStream} above only remembers it, and
 * a command would go on although nobody reads what it says.
 */
public final class StandardOutput extends OutputStream {
  private static final Duration WHILE_FULL = Duration.ofMillis(2);

  private final Descriptors descriptors;
  private final Fd fd;

  /**
   * The descriptor stays open.
   *
   * @param fd standard output or error of the descriptors
   */
  public StandardOutput(Descriptors descriptors, Fd fd) {
    this.descriptors = descriptors;
    this.fd = fd;
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  /**
   * Blocks until all bytes are written, a write fails or the caller has gone: then the rest is
   * dropped.
   */
  @Override
  public void write(byte[] bytes, int offset, int length) {
    int done = 0;
    while (done < length) {
      try {
        int from = offset + done;
        int left = length - done;
        int written =
            descriptors
                .gate()
                .pass(fd, /* toWrite= */ true, most -> fd.write(bytes, from, Math.min(most, left)));
        if (written == StreamGate.CLOSED) {
          return;
        }
        done += written;
      } catch (SyscallException e) {
        if (!e.is(Errno.EAGAIN)) {
          descriptors.broke(e);
          return;
        }
        // Another process that shares the open file has made it non-blocking: O_NONBLOCK belongs to
        // the open file, not to the descriptor (open(2)).
        var _ = Sleeper.SYSTEM.pause(WHILE_FULL);
      }
    }
  }
}
