package io.berth.network;

import io.berth.base.config.Config;
import io.berth.base.daemon.Daemon;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.ClientBounds;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.ServiceHealth;
import io.berth.base.rpc.UnixServer;
import io.berth.base.time.Sleeper;
import io.berth.base.time.Ticker;
import io.berth.network.api.ContainerFollower;
import io.berth.network.api.NetworkServices;
import io.berth.network.endpoint.NetworkEngine;
import io.grpc.ServerServiceDefinition;
import jakarta.inject.Inject;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The service between start and stop; it repairs what is left of its last run, and then serves. */
final class NetworkDaemon implements Daemon {
  private static final int EVENT_LOOPS = 2;
  private static final int GRACE_MILLIS = 2000;
  private static final Duration READY_PAUSE = Duration.ofSeconds(2);
  private static final Logger LOG = System.getLogger(NetworkDaemon.class.getName());

  private final Config config;
  private final NetworkEngine engine;
  private final NetworkServices services;
  private final Deque<Runnable> ends = new ArrayDeque<>();

  @Inject
  NetworkDaemon(Config config, NetworkEngine engine, NetworkServices services) {
    this.config = config;
    this.engine = engine;
    this.services = services;
  }

  @Override
  public void start() throws Exception {
    boolean started = false;
    try {
      engine.start();
      ends.push(engine::stop);
      EventLoops loops = new EventLoops(EVENT_LOOPS);
      ends.push(loops::close);
      ServiceHealth health = new ServiceHealth();
      watchReadiness(health);
      List<ServerServiceDefinition> all = new ArrayList<>();
      services.list().forEach(service -> all.add(service.bindService()));
      health.services().forEach(service -> all.add(service.bindService()));
      UnixServer server =
          UnixServer.start(
              loops,
              UnixServer.Options.of(config.socket("network"), all)
                  .withBounds(ClientBounds.of(config).forServices()),
              List.of());
      ends.push(() -> server.stop(GRACE_MILLIS));
      ends.push(health::stopping);
      ContainerFollower follower =
          ContainerFollower.start(engine, Ticker.SYSTEM, loops, config.socket("containerd"));
      ends.push(follower::close);
      health.warmed();
      started = true;
    } finally {
      if (!started) {
        stop();
      }
    }
  }

  /** Tells at once that the service is not ready, and again when what was missing is there. */
  private void watchReadiness(ServiceHealth health) {
    if (isReady()) {
      return;
    }
    health.able(false);
    Thread watch =
        Thread.ofVirtual()
            .name("readiness")
            .start(() -> {
              do {
                if (!Sleeper.SYSTEM.pause(READY_PAUSE)) {
                  return;
                }
              } while (!isReady());
              engine.catchUp();
              health.able(true);
              LOG.log(Level.INFO, "the network is ready");
            });
    ends.push(watch::interrupt);
  }

  private boolean isReady() {
    try {
      engine.checkReady();
      return true;
    } catch (BerthException.FailedPrecondition e) {
      LOG.log(Level.ERROR, "the network is not ready: {0}", e.getMessage());
      return false;
    }
  }

  @Override
  public void stop() {
    while (!ends.isEmpty()) {
      ends.pop().run();
    }
  }
}
