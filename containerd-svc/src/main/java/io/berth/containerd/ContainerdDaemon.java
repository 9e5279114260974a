package io.berth.containerd;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.io.OwnFolder;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.ServiceHealth;
import io.berth.base.rpc.UnixServer;
import io.berth.containerd.client.OutboxFollower;
import io.berth.containerd.container.Supervising;
import io.berth.containerd.front.ForwardedServices;
import io.berth.containerd.front.OwnNamespace;
import io.berth.containerd.front.Peers;
import io.berth.containerd.front.RememberedAnswers;
import io.berth.containerd.host.HostPool;
import io.berth.containerd.metadata.NamespaceTable;
import io.berth.containerd.metadata.Store;
import io.berth.containerd.task.Recovery;
import io.berth.containerd.warm.WarmUp;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The service between start and stop: database, tasks of an earlier life, hosts, socket. */
@Singleton
public final class ContainerdDaemon implements Daemon {
  private static final int MAX_INBOUND = 16 << 20;

  /** Reads by key. */
  private static final Set<String> QUICK =
      Set.of(
          "containerd.services.containers.v1.Containers/Get",
          "containerd.services.namespaces.v1.Namespaces/Get",
          "containerd.services.tasks.v1.Tasks/Get",
          "containerd.services.version.v1.Version/Version",
          "grpc.health.v1.Health/Check");

  private static final long GRACE_MILLIS = 1_000;

  private final Config config;
  private final EventLoops loops;
  private final Store store;
  private final HostPool pool;
  private final Recovery recovery;
  private final OutboxFollower outbox;
  private final Set<BindableService> endpoints;
  private final Supervising containers;
  private final Peers peers;
  private final NamespaceTable namespaces;
  private final WarmUp warmUp;
  private final ServiceHealth health = new ServiceHealth();
  private @Nullable UnixServer server;

  @Inject
  ContainerdDaemon(
      Config config,
      EventLoops loops,
      Store store,
      HostPool pool,
      Recovery recovery,
      OutboxFollower outbox,
      Set<BindableService> endpoints,
      Supervising containers,
      Peers peers,
      NamespaceTable namespaces,
      WarmUp warmUp) {
    this.config = config;
    this.loops = loops;
    this.store = store;
    this.pool = pool;
    this.recovery = recovery;
    this.outbox = outbox;
    this.endpoints = endpoints;
    this.containers = containers;
    this.peers = peers;
    this.namespaces = namespaces;
    this.warmUp = warmUp;
  }

  @Override
  public void start() throws IOException {
    boolean started = false;
    try {
      OwnFolder.prepare(config.root().resolve("containers"), "rwx------");
      store.open();
      containers.attend();
      recovery.run();
      List<ServerServiceDefinition> services = new ArrayList<>();
      endpoints.forEach(endpoint -> services.add(endpoint.bindService()));
      services.add(health.service().bindService());
      services.add(ServiceHealth.reflection().bindService());
      server =
          UnixServer.start(
              loops,
              new UnixServer.Options(
                  config.socket("containerd"),
                  services,
                  QUICK,
                  new ForwardedServices(peers, namespaces, RememberedAnswers.in(config.state())),
                  MAX_INBOUND,
                  _ -> true,
                  "rw-rw----"),
              List.of(new OwnNamespace(warmUp::clientCalled)));
      outbox.start();
      containers.resume();
      warmUp.start(this::awaitWarmHosts);
      started = true;
    } finally {
      if (!started) {
        stop();
      }
    }
  }

  private void awaitWarmHosts() {
    try {
      while (!pool.isWarm()) {
        Thread.sleep(50);
      }
      health.warmed();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void stop() {
    health.stopping();
    warmUp.stop();
    UnixServer running = server;
    server = null;
    if (running != null) {
      running.stop(GRACE_MILLIS);
    }
    containers.stop();
    outbox.close();
    pool.stop();
    peers.close();
    store.close();
    loops.close();
  }
}
