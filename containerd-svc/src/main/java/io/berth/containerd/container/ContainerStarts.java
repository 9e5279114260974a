package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.time.Sleeper;
import io.berth.containerd.settings.StreamSettings;
import io.berth.containerd.settings.TerminalSize;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/** Starts containers by a person's wish. Thread-safe; methods block until the start is over. */
@Singleton
public final class ContainerStarts {
  /** How long a created task waits for the client that wanted to attach. */
  private static final Duration RELEASE_PATIENCE = Duration.ofSeconds(60);

  /** The code that docker records where a start failed for a reason of the engine's own. */
  private static final int NOT_STARTED = 128;

  private final NamedContainers containers;
  private final ContainerLaunch launch;
  private final ContainerRestarts restarts;
  private final ContainerRelease release;
  private final AttachTokens tokens;
  private final Tasks tasks;
  private final InstantSource clock;
  private final Map<TaskKey, Object> unreleased = new ConcurrentHashMap<>();

  @Inject
  ContainerStarts(
      NamedContainers containers,
      ContainerLaunch launch,
      ContainerRestarts restarts,
      ContainerRelease release,
      AttachTokens tokens,
      Tasks tasks,
      InstantSource clock) {
    this.containers = containers;
    this.launch = launch;
    this.restarts = restarts;
    this.release = release;
    this.tokens = tokens;
    this.tasks = tasks;
    this.clock = clock;
  }

  /**
   * Starts a container that does not run; one that runs is left as it is.
   *
   * @param attach whether the task is only created, so that a client can attach before the program
   *     runs; {@link #release} lets it run
   * @param size of the terminal to begin with
   */
  public Started start(NamedContainer container, boolean attach, TerminalSize size) {
    return containers.locked(container.key(), () -> startLocked(container, attach, size));
  }

  private Started startLocked(NamedContainer container, boolean attach, TerminalSize size) {
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    if (glance != null && glance.paused()) {
      throw new BerthException.FailedPrecondition(
              "start container `"
                  + container.name()
                  + "`: cannot start a paused container, try unpause instead")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_PAUSED, Obstacle.Kind.CONTAINER, container.name()));
    }
    if (glance != null && glance.running()) {
      return new Started(true, glance.pid(), attach ? allowAttach(container) : null);
    }
    int pid = createByPerson(container);
    if (container.described().config().streams().terminal() && size.isKnown()) {
      tasks.resize(key, "", size.rows(), size.columns());
    }
    if (!attach) {
      begin(container);
      return new Started(false, pid, null);
    }
    Started answer = new Started(false, pid, allowAttach(container));
    awaitRelease(key);
    return answer;
  }

  /** Lets the program of a task run that was created for a client that attaches. */
  public Started release(NamedContainer meant) {
    TaskKey key = meant.key();
    return containers.locked(
        key,
        () -> {
          if (unreleased.remove(key) == null) {
            throw new BerthException.FailedPrecondition(
                "release container `"
                    + key.id()
                    + "`: nobody is attached to its start; start it again");
          }
          NamedContainer container = containers.find(key);
          if (container == null) {
            throw new BerthException.NotFound("no such container: `" + key.id() + "`");
          }
          begin(container);
          Tasks.Glance glance = tasks.glance(key);
          return new Started(false, glance == null ? 0 : glance.pid(), null);
        });
  }

  // A client that dies between the two calls leaves nothing half started.
  private void awaitRelease(TaskKey key) {
    Object mark = new Object();
    unreleased.put(key, mark);
    Thread.ofVirtual()
        .name("release-" + key.id())
        .start(() -> {
          try {
            Sleeper.SYSTEM.sleep(RELEASE_PATIENCE);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          containers.runLocked(
              key,
              () -> {
                if (unreleased.remove(key, mark)) {
                  release.undoCreate(key);
                }
              });
        });
  }

  private int createByPerson(NamedContainer container) {
    TaskKey key = container.key();
    try {
      int pid = launch.create(container);
      restarts.startedByPerson(key);
      containers.progress(key, Progress::byPerson);
      return pid;
    } catch (BerthException e) {
      // A policy that waits for the same absent service goes on waiting for it.
      if (!(e instanceof BerthException.Absent && restarts.isRestarting(key))) {
        var _ = restarts.callOff(key);
        containers.progress(key, Progress::byPerson);
        failed(container, e);
      }
      throw e;
    }
  }

  private void begin(NamedContainer container) {
    try {
      launch.begin(container.key(), UnaryOperator.identity());
    } catch (BerthException e) {
      failed(container, e);
      throw e;
    }
  }

  // The failure is recorded with the exit code by which docker's clients know it.
  private void failed(NamedContainer container, BerthException e) {
    int code = LaunchFailure.exitCode(e, NOT_STARTED);
    // Where a service was absent nothing was tried.
    boolean tried = !(e instanceof BerthException.Absent);
    Instant now = clock.instant();
    containers.progress(
        container.key(),
        old ->
            tried || !old.wasStarted()
                ? old.failed(now, code, e.getMessage())
                : old.notStarted(e.getMessage()));
    release.giveBack(container);
    if (container.isEphemeral()) {
      release.removeItself(container);
    }
  }

  /** Lets a client attach to the streams of a container that runs. */
  public AttachGrant attach(NamedContainer container) {
    if (!launch.isRunning(container.key())) {
      throw ContainerStops.notRunning("attach to", container);
    }
    return allowAttach(container);
  }

  private AttachGrant allowAttach(NamedContainer container) {
    StreamSettings streams = container.described().config().streams();
    return tokens.allow(container.key(), "", streams.terminal(), streams.openInput());
  }
}
