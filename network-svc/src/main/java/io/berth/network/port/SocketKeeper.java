package io.berth.network.port;

import io.berth.linux.Fd;
import java.io.IOException;
import java.util.List;

/**
 * Keeps sockets open under names, beyond the life of this service where it can. Safe for use by
 * several threads; calls may wait for the keeper's answer, which takes some 10 µs.
 */
public interface SocketKeeper extends AutoCloseable {
  /**
   * Takes the sockets over: they are closed here when the keeper has them. What was under the name
   * goes.
   */
  void put(String name, List<Fd> sockets) throws IOException;

  /** The names under which sockets are kept. */
  List<String> names() throws IOException;

  /** Closes what is kept under a name; nothing happens if there is nothing. */
  void drop(String name) throws IOException;

  /** Sets what runs, on a thread of its own, when everything that was kept has been lost. */
  void whenLost(Runnable action);

  /** Closes everything and ends the keeper. */
  void end() throws IOException;

  @Override
  void close();
}
