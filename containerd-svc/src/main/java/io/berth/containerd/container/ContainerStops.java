package io.berth.containerd.container;

import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.StopSettings;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Ends, signals and freezes containers by a person's wish, and waits for their ends. Thread-safe;
 * methods block until what was wanted holds.
 */
@Singleton
public final class ContainerStops {
  private static final Logger LOG = System.getLogger(ContainerStops.class.getName());

  /** How many seconds the end of a container is waited for that was sent SIGKILL. */
  private static final int KILL_SECONDS = 10;

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final ContainerRestarts restarts;
  private final ContainerEndings endings;
  private final Tasks tasks;
  private final Waits waits;
  private final HostShutdown shutdown;

  @Inject
  ContainerStops(
      NamedContainers containers,
      Surroundings surroundings,
      ContainerRestarts restarts,
      ContainerEndings endings,
      Tasks tasks,
      Waits waits,
      HostShutdown shutdown) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.restarts = restarts;
    this.endings = endings;
    this.tasks = tasks;
    this.waits = waits;
    this.shutdown = shutdown;
  }

  /**
   * Ends all containers of all namespaces, as before the host goes down.
   *
   * @param seconds for all together; null for the configured time
   */
  public HostShutdown.Outcome all(@Nullable Integer seconds) {
    return shutdown.run(seconds);
  }

  /**
   * Ends a container: by its stop signal, and by SIGKILL when the time is over. Blocks until its
   * end is recorded and its address and ports are free for others.
   *
   * @param timeoutSeconds null for the container's own; a negative number waits for ever
   * @param signal empty for the container's own
   * @return whether there was something to stop
   */
  public boolean stop(NamedContainer container, @Nullable Integer timeoutSeconds, String signal) {
    boolean ended = end(container, timeoutSeconds, signal);
    if (ended) {
      endings.settle(container.key());
      surroundings.chronicle().tell(container, "stop");
    }
    return ended;
  }

  /**
   * Ends a container that is to be started again at once. One that its policy is about to start is
   * left alone.
   */
  public void endForRestart(
      NamedContainer container, @Nullable Integer timeoutSeconds, String signal) {
    int number = stopSignal(container, signal);
    if (!restarts.isRestarting(container.key())
        && end(container, timeoutSeconds, String.valueOf(number))) {
      surroundings.chronicle().tell(container, "stop");
    }
  }

  private boolean end(NamedContainer container, @Nullable Integer timeoutSeconds, String signal) {
    TaskKey key = container.key();
    boolean calledOff = restarts.callOff(key);
    containers.note(key, old -> old.asked(/* stop= */ true));
    if (!isRunning(key)) {
      return calledOff;
    }
    Waits.Waiter waiter = waits.forExit(key);
    CompletableFuture<Ending> ended = waiter.answer();
    try {
      int number = stopSignal(container, signal);
      surroundings.chronicle().signalled(container, number);
      if (asked(key, number)
          && (!isRunning(key) || awaitEnd(ended, stopTimeout(container, timeoutSeconds)))) {
        awaitEnd(ended, 1);
        return true;
      }
      surroundings.chronicle().signalled(container, Signal.SIGKILL.number());
      kill(key, Signal.SIGKILL.number());
      awaitEnd(ended, KILL_SECONDS);
      return true;
    } finally {
      waits.forget(key, waiter);
    }
  }

  private int stopTimeout(NamedContainer container, @Nullable Integer given) {
    if (given != null) {
      return given;
    }
    Integer own = container.described().config().stop().timeoutSeconds();
    return own == null ? (int) surroundings.config().number(Key.CONTAINERD_STOP_TIMEOUT) : own;
  }

  private static int stopSignal(NamedContainer container, String given) {
    StopSettings own = container.described().config().stop();
    String name = given.isEmpty() ? own.signal() : given;
    return number(name.isEmpty() ? "SIGTERM" : name);
  }

  /** The number of a signal. INVALID_ARGUMENT for a text that is no signal. */
  static int number(String signal) {
    return Signal.parse(signal)
        .orElseThrow(
            () -> new BerthException.InvalidArgument("signal `" + signal + "`: no such signal"));
  }

  // Whether the signal is on its way. If it is not, nothing is gained by waiting for its effect.
  private boolean asked(TaskKey key, int signal) {
    try {
      kill(key, signal);
      thaw(key);
      return true;
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "signal {0} to {1}, killing it: {2}", signal, key, e.getMessage());
      return false;
    }
  }

  // A process that is frozen (cgroups(7), freezer) does not act on a signal.
  private void thaw(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    if (glance != null && glance.paused()) {
      try {
        tasks.resume(key);
      } catch (BerthException e) {
        LOG.log(Level.DEBUG, "thaw {0}: {1}", key, e.getMessage());
      }
    }
  }

  // A process that has ended meanwhile is what was wanted.
  private void kill(TaskKey key, int signal) {
    try {
      tasks.kill(key, "", signal, /* all= */ false);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "kill {0}: {1}", key, e.getMessage());
    }
  }

  /** Whether the end came within so many seconds; a negative number waits for ever. */
  private static boolean awaitEnd(CompletableFuture<Ending> ended, int seconds) {
    try {
      var _ = seconds < 0 ? ended.get() : ended.get(Math.max(seconds, 0), TimeUnit.SECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("wait for the container's end: interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("an end cannot fail", e);
    }
  }

  /**
   * Sends a signal by a person's wish. A signal that ends the container is a wish to end it, and
   * reaches a paused container too. The end by SIGKILL is waited for.
   *
   * @param signal a name or a number; empty for SIGKILL
   */
  public void kill(NamedContainer container, String signal) {
    TaskKey key = container.key();
    int number = number(signal.isEmpty() ? "SIGKILL" : signal);
    boolean kill = number == Signal.SIGKILL.number();
    boolean end = kill || number == stopSignal(container, "");
    if (end && restarts.callOff(key)) {
      containers.note(key, old -> old.asked(/* stop= */ true));
      endings.settle(key);
      return;
    }
    if (!isRunning(key)) {
      throw new BerthException.FailedPrecondition(
              "kill container `" + container.name() + "`: it is not running")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_NOT_RUNNING,
                  Obstacle.Kind.CONTAINER,
                  container.name()));
    }
    if (end) {
      containers.note(key, old -> old.asked(/* stop= */ true));
    }
    Waits.Waiter waiter = waits.forExit(key);
    try {
      surroundings.chronicle().signalled(container, number);
      tasks.kill(key, "", number, /* all= */ false);
      if (end) {
        thaw(key);
      }
      if (kill && isRunning(key)) {
        awaitEnd(waiter.answer(), KILL_SECONDS);
      }
    } finally {
      waits.forget(key, waiter);
    }
  }

  /** Freezes the processes of a container that runs. */
  public void pause(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance == null || !glance.running()) {
      throw notRunning("pause", container);
    }
    if (glance.paused()) {
      throw new BerthException.FailedPrecondition(
              "pause container `" + container.name() + "`: it is paused already")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_PAUSED, Obstacle.Kind.CONTAINER, container.name()));
    }
    tasks.pause(container.key());
    surroundings.chronicle().tell(container, "pause");
  }

  /** Lets the processes of a paused container go on. */
  public void unpause(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance == null || !glance.paused()) {
      throw new BerthException.FailedPrecondition(
              "unpause container `" + container.name() + "`: it is not paused")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_NOT_PAUSED, Obstacle.Kind.CONTAINER, container.name()));
    }
    tasks.resume(container.key());
    surroundings.chronicle().tell(container, "unpause");
  }

  /** A container was ended and started again by a person's wish. */
  public void restarted(NamedContainer container) {
    surroundings.chronicle().tell(container, "restart");
  }

  /**
   * Blocks until the condition holds, and answers the end.
   *
   * @param condition empty or {@code not-running}, {@code next-exit}, {@code removed}
   */
  public Ending await(NamedContainer container, String condition) throws InterruptedException {
    TaskKey key = container.key();
    Waits.Waiter waiter =
        switch (condition) {
          case "", "not-running", "next-exit" -> waits.forExit(key);
          case "removed" -> waits.forRemoval(key);
          default ->
              throw new BerthException.InvalidArgument(
                  "wait: there is no condition `"
                      + condition
                      + "`; write not-running, next-exit or removed");
        };
    try {
      boolean removed = condition.equals("removed");
      NamedContainer now = containers.find(key);
      if (now == null) {
        if (removed) {
          return Ending.of(container.progress());
        }
        throw new BerthException.NotFound("No such container: " + container.name());
      }
      boolean wantsEnd = condition.isEmpty() || condition.equals("not-running");
      if (wantsEnd && !now.progress().running() && !restarts.runsAgain(now, /* exit= */ null)) {
        return Ending.of(now.progress());
      }
      return waiter.answer().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("an end cannot fail", e);
    } finally {
      waits.forget(key, waiter);
    }
  }

  private boolean isRunning(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.running();
  }

  static BerthException notRunning(String what, NamedContainer container) {
    return new BerthException.FailedPrecondition(
            what + " container `" + container.name() + "`: it is not running; start it first")
        .with(
            Obstacle.of(
                Obstacle.Reason.CONTAINER_NOT_RUNNING, Obstacle.Kind.CONTAINER, container.name()));
  }
}
