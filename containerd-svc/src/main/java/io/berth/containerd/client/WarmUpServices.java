package io.berth.containerd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.images.v1.ImagesGrpc;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.base.id.Identifier;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The services that the client of the warm-up calls, over this service's own socket, in the
 * namespace that no other client can name. Calls end within 30 seconds.
 */
final class WarmUpServices implements AutoCloseable {
  static final long PATIENCE_SECONDS = 30;

  private final Path socket;
  private final EventLoops loops = new EventLoops(1);

  @GuardedBy("this")
  private ManagedChannel channel;

  WarmUpServices(Path socket) {
    this.socket = socket;
    this.channel = UnixChannel.to(loops, socket);
  }

  synchronized ManagedChannel channel() {
    return channel;
  }

  /** Each client of a container connects anew. */
  synchronized void reconnect() {
    channel.shutdown();
    channel = UnixChannel.to(loops, socket);
  }

  /** Makes a call on something that may be gone, or is on its way out. */
  static void unlessAbsent(Runnable call) {
    try {
      call.run();
    } catch (StatusRuntimeException e) {
      Status.Code code = e.getStatus().getCode();
      if (code != Status.Code.NOT_FOUND && code != Status.Code.FAILED_PRECONDITION) {
        throw e;
      }
    }
  }

  ContainersGrpc.ContainersBlockingStub containers() {
    return in(ContainersGrpc.newBlockingStub(channel()));
  }

  TasksGrpc.TasksBlockingStub tasks() {
    return in(TasksGrpc.newBlockingStub(channel()));
  }

  ImagesGrpc.ImagesBlockingStub images() {
    return in(ImagesGrpc.newBlockingStub(channel()));
  }

  ContentGrpc.ContentBlockingStub content() {
    return in(ContentGrpc.newBlockingStub(channel()));
  }

  SnapshotsGrpc.SnapshotsBlockingStub snapshots() {
    return in(SnapshotsGrpc.newBlockingStub(channel()));
  }

  LeasesGrpc.LeasesBlockingStub leases() {
    return in(LeasesGrpc.newBlockingStub(channel()));
  }

  NamespacesGrpc.NamespacesBlockingStub namespaces() {
    return in(NamespacesGrpc.newBlockingStub(channel()));
  }

  private static <S extends AbstractStub<S>> S in(S stub) {
    return UnixChannel.in(stub, Identifier.WARM_UP_NAMESPACE, null)
        .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public synchronized void close() {
    channel.shutdownNow();
    loops.close();
  }
}
