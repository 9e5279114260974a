package io.berth.cli.session;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.io.OutputStream;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Standard output or error. A failure to write is the end of the line: a print stream above would
 * keep it to itself, and a verb go on for nobody.
 */
public final class StandardOutput extends OutputStream {
  private static final long FULL_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private static volatile Consumer<SyscallException> failed =
      failure -> {
        throw new IllegalStateException(failure);
      };

  private final Fd fd;

  /** The descriptor stays open. */
  public StandardOutput(Fd fd) {
    this.fd = fd;
  }

  /** What is done from now on about a failure; what was to be written is dropped if it returns. */
  public static void onFailure(Consumer<SyscallException> action) {
    failed = action;
  }

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    int done = 0;
    while (done < length) {
      try {
        done += fd.write(bytes, offset + done, length - done);
      } catch (SyscallException e) {
        if (!e.is(Errno.EAGAIN)) {
          failed.accept(e);
          return;
        }
        // Somebody who shares it has made it non-blocking.
        LockSupport.parkNanos(FULL_PAUSE_NANOS);
      }
    }
  }
}
