package io.berth.containerd.task;

import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.host.HostProcess;
import java.time.Duration;

/** A task's shim as long as one host process holds it: calls go over the process's own socket. */
final class ShimLink {
  private final HostProcess host;
  private final TaskKey key;

  ShimLink(HostProcess host, TaskKey key) {
    this.host = host;
    this.key = key;
  }

  HostProcess host() {
    return host;
  }

  /** Calls carry the request's number. */
  TaskGrpc.TaskBlockingStub stub(String requestId, Duration patience) {
    return UnixChannel.numbered(host.tasks(key), requestId).withDeadlineAfter(patience);
  }
}
