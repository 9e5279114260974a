package io.berth.base.rpc;

import io.berth.base.config.Config;
import io.berth.base.config.Key;

/**
 * How much of a server its clients may use. Of connections, calls and bytes no process gets more
 * than is left for others: see {@link Places}.
 *
 * @param message bytes of one request
 * @param bytes of all requests until they are answered, and of answers until they are read
 * @param connections of all processes together
 * @param connectionsEach of one process
 * @param calls of all processes together that are under way
 * @param callsEach of one process
 * @param ownWhole whether a process of this service's own user gets the whole of calls and bytes
 */
public record ClientBounds(
    int message,
    long bytes,
    int connections,
    int connectionsEach,
    int calls,
    int callsEach,
    boolean ownWhole) {
  /** Bytes of a request, as containerd takes them. */
  private static final int MESSAGE = 16 << 20;

  /** Heap that a call which waits needs at most: its stream, its thread, what it asks for. */
  private static final long HEAP_OF_CALL = 16 << 10;

  /** The configured bounds, as far as the heap of this process carries them. */
  public static ClientBounds of(Config config) {
    int calls = (int) Math.min(config.number(Key.CLIENTS_CALLS), heap() / HEAP_OF_CALL);
    return new ClientBounds(
        MESSAGE,
        // One process gets half, which is to be enough for a request.
        Math.max(heap() / 2, 2L * MESSAGE),
        (int) config.number(Key.CLIENTS_CONNECTIONS),
        (int) config.number(Key.CLIENTS_CONNECTIONS_PER_PROCESS),
        calls,
        (int) Math.min(config.number(Key.CLIENTS_CALLS_PER_PROCESS), calls),
        /* ownWhole= */ false);
  }

  /** The bounds of a configuration in which nothing is given. */
  public static ClientBounds defaults() {
    return of(Config.defaults());
  }

  /** The same bounds with requests of this many bytes. */
  public ClientBounds withMessage(int most) {
    return new ClientBounds(most, bytes, connections, connectionsEach, calls, callsEach, ownWhole);
  }

  /**
   * The same bounds for a socket on which another service of this instance is the client: the calls
   * of all its clients come from that one process, which bounds each of them already, and a share
   * of the whole would be refused to whoever is next and has done nothing. It is known by its user,
   * which is this service's: such a process could end this one, so it is kept from nothing.
   */
  public ClientBounds forServices() {
    return new ClientBounds(message, bytes, connections, connectionsEach, calls, callsEach, true);
  }

  private static long heap() {
    return Runtime.getRuntime().maxMemory();
  }
}
