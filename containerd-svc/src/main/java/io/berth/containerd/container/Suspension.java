package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/**
 * Whether policies may start containers now: not while all containers are being ended, nor after
 * that until the unit of containers is up again. What is to be started waits meanwhile.
 * Thread-safe.
 */
@Singleton
final class Suspension {
  /** Why a container does not run that its policy would have run. */
  static final String WHY =
      "all containers were ended; it is started when their unit, or this service, is started again";

  @GuardedBy("this")
  private boolean on;

  @Inject
  Suspension() {}

  synchronized void begin() {
    on = true;
  }

  synchronized void end() {
    on = false;
    notifyAll();
  }

  synchronized boolean isOn() {
    return on;
  }

  /** Blocks while it is on. */
  synchronized void awaitEnd() throws InterruptedException {
    while (on) {
      wait();
    }
  }
}
