package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import org.jspecify.annotations.Nullable;

/** Hears what a supervisor says unasked. Called on the poller's thread, in order; must not wait. */
public interface SupervisorListener {
  /** A process has ended. Repeated to every new controller until it is acknowledged. */
  void exited(ExitRecord exit);

  /** All output of a process has been read and passed on, or dropped; its sinks are closed. */
  default void drained(String id) {}

  /** This client's detach keys were typed; the connection ends next, the process runs on. */
  default void detached(String id) {}

  /**
   * What this client brought for an output takes nothing any more, EPIPE when its reader has gone;
   * the connection ends next, and nothing else is told.
   */
  default void broken(SupervisorConnection.Stream stream, Errno error) {}

  /** A newer controller has taken over; the connection ends next. */
  default void deposed(long epoch) {}

  /**
   * The connection has ended; nothing follows. Requests without an answer have failed.
   *
   * @param cause why, or null if this side closed it
   */
  default void closed(@Nullable Throwable cause) {}
}
