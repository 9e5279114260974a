package io.berth.cli.session;

import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * Carries bytes between a caller's own streams and pipes, in a process of the caller's: one that is
 * of the terminal's jobs, and that nobody else waits for when a terminal or a file makes it wait.
 */
public interface StreamCarrier {
  /**
   * Begins with a stream, and answers at once.
   *
   * @param streams one stream, or both outputs if they are the same file
   * @param pipe the end that the caller's side has; stays the caller's to close
   * @param ended is given 0 when the stream has come to its end and everything was passed on, or
   *     the caller has gone; the number of an error if the output takes nothing any more, or if
   *     nothing can be carried; on any thread, once, perhaps before this returns
   * @throws SyscallException if it could not begin; then {@code ended} is not called
   */
  void carry(Set<Stream> streams, Fd pipe, IntConsumer ended) throws SyscallException;
}
