package io.berth.base.daemon;

/** A service between start and stop. Its constructor reads nothing and starts no thread. */
public interface Daemon {
  /** Returns when the service answers on its socket; a failed start leaves nothing running. */
  void start() throws Exception;

  /** Undoes {@link #start} in reverse order; calls in progress get a short grace. Never throws. */
  void stop();
}
