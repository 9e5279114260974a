package io.berth.cli.session;

import io.berth.base.time.Sleeper;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import java.time.Duration;
import java.util.Set;
import java.util.function.IntConsumer;

/** Carries the streams of a line that is a process of its own: on threads of this process. */
final class OwnCarrier implements StreamCarrier {
  private static final int BUFFER = 64 * 1024;
  private static final Duration WHILE_STUCK = Duration.ofMillis(2);

  private final Fd in;
  private final Fd out;
  private final Fd err;

  /** The descriptors stay open. */
  OwnCarrier(Fd in, Fd out, Fd err) {
    this.in = in;
    this.out = out;
    this.err = err;
  }

  @Override
  public void carry(Set<Stream> streams, Fd pipe, IntConsumer ended) throws SyscallException {
    Fd own = pipe.duplicate();
    boolean input = streams.contains(Stream.STDIN);
    Fd end = input ? in : streams.contains(Stream.STDOUT) ? out : err;
    Thread.ofPlatform()
        .daemon()
        .name(input ? "input" : "output")
        .start(() -> {
          int error;
          try (own) {
            error = input ? pass(end, own) : pass(own, end);
          }
          // A program that reads no more is no failure of the input's.
          ended.accept(input ? 0 : error);
        });
  }

  /** Answers 0 at the end of the source, which a terminal that has gone is too, or the failure. */
  private static int pass(Fd from, Fd to) {
    byte[] buffer = new byte[BUFFER];
    while (true) {
      int count;
      try {
        count = from.read(buffer, 0, buffer.length);
      } catch (SyscallException e) {
        if (isStuck(e)) {
          continue;
        }
        return 0;
      }
      if (count == 0) {
        return 0;
      }
      for (int done = 0; done < count; ) {
        try {
          done += to.write(buffer, done, count - done);
        } catch (SyscallException e) {
          if (!isStuck(e)) {
            return e.errno().number();
          }
        }
      }
    }
  }

  /** Whether another process that shares the open file has made it non-blocking; waits then. */
  private static boolean isStuck(SyscallException failure) {
    return failure.is(Errno.EAGAIN) && Sleeper.SYSTEM.pause(WHILE_STUCK);
  }
}
