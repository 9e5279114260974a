package io.berth.containerd.task;

import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.host.HostProcess;
import io.grpc.ManagedChannel;
import java.time.Duration;

/** A task's shim as long as one host process holds it. */
final class ShimLink {
  private final HostProcess host;
  private final ManagedChannel channel;

  ShimLink(HostProcess host, ManagedChannel channel) {
    this.host = host;
    this.channel = channel;
    // The connection is made now, beside the answer to the client, not in its next call.
    channel.getState(/* requestConnection= */ true);
  }

  HostProcess host() {
    return host;
  }

  /** Calls carry the request's number. */
  TaskGrpc.TaskBlockingStub stub(String requestId, Duration patience) {
    return UnixChannel.numbered(TaskGrpc.newBlockingStub(channel), requestId)
        .withDeadlineAfter(patience);
  }

  void close() {
    channel.shutdown();
  }
}
