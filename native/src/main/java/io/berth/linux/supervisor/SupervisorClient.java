package io.berth.linux.supervisor;

import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.nio.file.Path;

/**
 * Connects to supervisors. All connections share the poller's thread and one buffer for what comes
 * in.
 */
public final class SupervisorClient {
  private final Poller poller;
  private final byte[] buffer = new byte[Protocol.MSG_HEADER_SIZE + Protocol.MSG_MAX_PAYLOAD];

  /** The poller stays the caller's; closing it ends all connections without a word. */
  public SupervisorClient(Poller poller) {
    this.poller = poller;
  }

  /**
   * Connects to the socket in a task's folder. A hello comes next.
   *
   * @throws SyscallException ENOENT or ECONNREFUSED if no supervisor lives there
   */
  public SupervisorConnection connect(Path socket, SupervisorListener listener)
      throws SyscallException {
    return adopt(Sockets.connect(Sockets.Kind.SEQPACKET, socket, true), listener);
  }

  /** Takes over a connected socket. A hello comes next. */
  public SupervisorConnection adopt(Fd socket, SupervisorListener listener)
      throws SyscallException {
    SupervisorConnection connection = new SupervisorConnection(poller, buffer, socket, listener);
    connection.open();
    return connection;
  }

  Poller poller() {
    return poller;
  }
}
