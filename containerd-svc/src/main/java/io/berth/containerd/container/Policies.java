package io.berth.containerd.container;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** What acts on containers by itself: restarts, probes of health, work that waits. Thread-safe. */
@Singleton
final class Policies {
  private final ContainerHealth health;
  private final BackgroundWork background;
  private final RestartMonitor monitor;

  @Inject
  Policies(ContainerHealth health, BackgroundWork background, RestartMonitor monitor) {
    this.health = health;
    this.background = background;
    this.monitor = monitor;
  }

  /** From now on labels are kept; the other policies are taken up container by container. */
  void start() {
    monitor.start();
  }

  /** No container is started or ended by a policy any more, until the service starts anew. */
  void suspend() {
    monitor.stop();
    background.stop();
  }

  /** The same, and nothing is probed. */
  void stop() {
    suspend();
    health.stop();
  }
}
