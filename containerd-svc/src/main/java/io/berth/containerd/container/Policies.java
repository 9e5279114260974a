package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;

/** What acts on containers by itself: restarts, probes of health, work that waits. Thread-safe. */
@Singleton
final class Policies {
  private static final Logger LOG = System.getLogger(Policies.class.getName());

  /** How often the unit of containers is looked at, of which nobody tells. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final ContainerHealth health;
  private final BackgroundWork background;
  private final RestartMonitor monitor;
  private final Suspension suspension;
  private final Tasks tasks;
  private final Sleeper sleeper;

  /** How many are ending all containers just now. */
  @GuardedBy("this")
  private int enders;

  /** Whether the unit of containers was seen down since all containers were ended. */
  @GuardedBy("this")
  private boolean unitWasDown;

  @GuardedBy("this")
  private boolean watched;

  private volatile boolean stopped;

  @Inject
  Policies(
      ContainerHealth health,
      BackgroundWork background,
      RestartMonitor monitor,
      Suspension suspension,
      Tasks tasks,
      Sleeper sleeper) {
    this.health = health;
    this.background = background;
    this.monitor = monitor;
    this.suspension = suspension;
    this.tasks = tasks;
    this.sleeper = sleeper;
  }

  /** From now on labels are kept; the other policies are taken up container by container. */
  void start() {
    monitor.start();
  }

  /**
   * No policy starts or ends a container any more, until the unit of containers, having been down,
   * is up again: a service manager that starts it wants its containers back. Where the unit stays
   * up, until this service starts anew. Each call is followed by one of {@link #allEnded}.
   */
  void suspend() {
    synchronized (this) {
      enders++;
      // What was seen before belongs to an earlier end of all containers.
      unitWasDown = false;
    }
    suspension.begin();
    look();
  }

  /**
   * Whether a start that was begun before policies were suspended may still bring a container. Work
   * of {@link BackgroundWork} brings none, for it makes its task first and then asks whether it may
   * go on.
   */
  boolean isStarting() {
    return monitor.isAtWork();
  }

  /** Whoever called {@link #suspend} ends nothing any more. */
  synchronized void allEnded() {
    enders--;
    if (!watched) {
      watched = true;
      Thread.ofVirtual().name("unit-watch").start(this::watch);
    }
  }

  private void watch() {
    while (sleeper.pause(LOOK) && !stopped && !look()) {
      // The next look comes after the next pause.
    }
  }

  /** Ends the suspension if it is time; whether it did. A look that fails is followed by others. */
  private synchronized boolean look() {
    try {
      if (!isUnitUp()) {
        unitWasDown = true;
        return false;
      }
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "look whether the unit of containers is up", e);
      return false;
    }
    if (!unitWasDown || enders > 0) {
      return false;
    }
    unitWasDown = false;
    watched = false;
    suspension.end();
    LOG.log(Level.INFO, "the unit of containers is up again: policies start them");
    return true;
  }

  private boolean isUnitUp() {
    try {
      tasks.checkPlace();
      return true;
    } catch (BerthException.Absent e) {
      LOG.log(Level.DEBUG, "{0}", e.getMessage());
      return false;
    }
  }

  /** Nothing is started or ended by a policy any more, and nothing is probed. */
  void stop() {
    stopped = true;
    monitor.stop();
    background.stop();
    health.stop();
  }
}
