package io.berth.containerd.front;

import io.berth.base.config.Config;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.ClientBounds;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixServer;
import io.berth.containerd.metadata.NamespaceTable;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The service's socket {@code STATE/containerd.sock} (0660): this service's own endpoints, and
 * those of image-svc as if they were its own.
 */
@Singleton
public final class Front implements AutoCloseable {
  /** Calls that read by one key and never wait, so that they need no thread of their own. */
  private static final Set<String> QUICK =
      Set.of(
          "containerd.services.containers.v1.Containers/Get",
          "containerd.services.namespaces.v1.Namespaces/Get",
          "containerd.services.tasks.v1.Tasks/Get",
          "containerd.services.version.v1.Version/Version",
          "grpc.health.v1.Health/Check");

  /** How long calls that are under way may take when the service stops. */
  private static final long GRACE_MILLIS = 1_000;

  private final Config config;
  private final EventLoops loops;
  private final Peers peers;
  private final NamespaceTable namespaces;
  private final ForwardedMessages messages;
  private final Set<BindableService> endpoints;
  private volatile @Nullable UnixServer server;

  @Inject
  Front(
      Config config,
      EventLoops loops,
      Peers peers,
      NamespaceTable namespaces,
      ForwardedMessages messages,
      Set<BindableService> endpoints) {
    this.config = config;
    this.loops = loops;
    this.peers = peers;
    this.namespaces = namespaces;
    this.messages = messages;
    this.endpoints = endpoints;
  }

  /**
   * Answers from when it returns.
   *
   * @param more served beside the endpoints
   * @param clientCalled runs at each call that a client makes in a namespace; must not block
   */
  public void open(Collection<BindableService> more, Runnable clientCalled) throws IOException {
    List<ServerServiceDefinition> services = new ArrayList<>();
    endpoints.forEach(endpoint -> services.add(endpoint.bindService()));
    more.forEach(endpoint -> services.add(endpoint.bindService()));
    server =
        UnixServer.start(
            loops,
            new UnixServer.Options(
                config.socket("containerd"),
                services,
                QUICK,
                new ForwardedServices(
                    peers,
                    namespaces,
                    RememberedAnswers.in(new StateFolders(config.state()), messages),
                    messages.services()),
                ClientBounds.of(config),
                _ -> true,
                "rw-rw----"),
            List.of(new OwnNamespace(clientCalled)));
  }

  /** Takes no more calls, and blocks a second at most for those that are under way. */
  public void stop() {
    UnixServer running = server;
    server = null;
    if (running != null) {
      running.stop(GRACE_MILLIS);
    }
  }

  /** Ends the connections to the other services; nothing can be asked of them from then on. */
  @Override
  public void close() {
    peers.close();
    loops.close();
  }
}
