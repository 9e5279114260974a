package io.berth.containerd;

import io.berth.base.daemon.Daemon;
import io.berth.base.rpc.ServiceHealth;
import io.berth.base.time.Sleeper;
import io.berth.containerd.client.Outboxes;
import io.berth.containerd.container.Supervising;
import io.berth.containerd.front.Front;
import io.berth.containerd.metadata.Store;
import io.berth.containerd.shimprocess.ShimProcesses;
import io.berth.containerd.task.Recovery;
import io.berth.containerd.warmup.WarmUp;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.time.Duration;

/**
 * The order in which the parts of the service start and stop: nothing is served before the tasks of
 * an earlier life are found again, and what others use is closed after them.
 */
@Singleton
public final class ContainerdDaemon implements Daemon {
  private static final Duration WARM_POLL = Duration.ofMillis(50);

  private final Store store;
  private final Recovery recovery;
  private final Supervising containers;
  private final Front front;
  private final Outboxes outboxes;
  private final ShimProcesses shimProcesses;
  private final WarmUp warmUp;
  private final ServiceHealth health = new ServiceHealth();

  @Inject
  ContainerdDaemon(
      Store store,
      Recovery recovery,
      Supervising containers,
      Front front,
      Outboxes outboxes,
      ShimProcesses shimProcesses,
      WarmUp warmUp) {
    this.store = store;
    this.recovery = recovery;
    this.containers = containers;
    this.front = front;
    this.outboxes = outboxes;
    this.shimProcesses = shimProcesses;
    this.warmUp = warmUp;
  }

  @Override
  public void start() throws IOException {
    boolean started = false;
    try {
      store.open();
      containers.attend();
      recovery.run();
      front.open(health.services(), warmUp::clientCalled);
      outboxes.start();
      containers.resume();
      warmUp.start(this::awaitWarmProcess);
      started = true;
    } finally {
      if (!started) {
        stop();
      }
    }
  }

  private void awaitWarmProcess() {
    while (!shimProcesses.isWarmedUp()) {
      if (!Sleeper.SYSTEM.pause(WARM_POLL)) {
        return;
      }
    }
    health.warmed();
  }

  @Override
  public void stop() {
    health.stopping();
    warmUp.stop();
    front.stop();
    containers.stop();
    outboxes.close();
    shimProcesses.stop();
    front.close();
    store.close();
  }
}
