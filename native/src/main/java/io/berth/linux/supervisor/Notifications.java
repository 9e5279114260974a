package io.berth.linux.supervisor;

import io.berth.linux.Errno;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Reads what a supervisor tells unasked, and passes it on. */
record Notifications(SupervisorListener listener) implements PacketChannel.Sink {
  @Override
  public void notified(PacketChannel.Packet packet) throws IOException {
    WireReader in = new WireReader(packet.payload());
    switch (packet.op()) {
      case Protocol.OP_EXIT -> listener.exited(ExitRecord.ofNotice(in));
      case Protocol.OP_DEPOSED -> listener.deposed(in.u64());
      case Protocol.OP_DRAINED -> listener.drained(in.text());
      case Protocol.OP_DETACHED -> listener.detached(in.text());
      case Protocol.OP_BROKEN -> {
        Stream stream = in.u32() == 2 ? Stream.STDERR : Stream.STDOUT;
        listener.broken(stream, Errno.of(in.u32()));
      }
      default -> {
        // A newer supervisor may tell more than this side knows of.
      }
    }
  }

  @Override
  public void closed(@Nullable Throwable cause) {
    listener.closed(cause);
  }
}
