package io.berth.image.api;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.base.config.Config;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.image.gc.ContainerRoots;
import io.grpc.ManagedChannel;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Asks containerd-svc over its socket for its containers. The channel is made at the first
 * question. Thread-safe.
 */
@Singleton
public final class ContainersOfNamespaces implements ContainerRoots, AutoCloseable {
  private static final long DEADLINE_SECONDS = 10;

  private final Path socket;

  @GuardedBy("this")
  private @Nullable EventLoops loops;

  @GuardedBy("this")
  private @Nullable ManagedChannel channel;

  @Inject
  public ContainersOfNamespaces(Config config) {
    this.socket = config.socket("containerd");
  }

  @Override
  public List<ContainerRoots.Root> containers(Set<String> namespaces) {
    List<ContainerRoots.Root> result = new ArrayList<>();
    ManagedChannel open = channel();
    for (String namespace : namespaces) {
      var stub = UnixChannel.in(ContainersGrpc.newBlockingStub(open), namespace, null);
      var answer =
          Calls.call(
              socket,
              "berth-containerd",
              () ->
                  stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                      .list(ListContainersRequest.getDefaultInstance()));
      answer.getContainersList().forEach(container -> result.add(root(namespace, container)));
    }
    return result;
  }

  private static ContainerRoots.Root root(String namespace, Container container) {
    return new ContainerRoots.Root(
        namespace,
        container.getId(),
        container.getSnapshotter(),
        container.getSnapshotKey(),
        container.getLabelsMap());
  }

  Path socket() {
    return socket;
  }

  synchronized ManagedChannel channel() {
    if (channel == null) {
      loops = new EventLoops(1);
      channel = UnixChannel.to(loops, socket);
    }
    return channel;
  }

  @Override
  public synchronized void close() {
    if (channel != null) {
      channel.shutdownNow();
    }
    if (loops != null) {
      loops.close();
    }
  }
}
