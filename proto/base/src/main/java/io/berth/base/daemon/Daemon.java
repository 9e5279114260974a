package io.berth.base.daemon;

/** A service between start and stop. Building one does no I/O and starts no thread. */
public interface Daemon {
  /** Ready, answering on its socket, when it returns; a failed start leaves nothing running. */
  void start() throws Exception;

  /** Undoes {@link #start} in reverse order; calls in progress get a short grace. Never throws. */
  void stop();
}
