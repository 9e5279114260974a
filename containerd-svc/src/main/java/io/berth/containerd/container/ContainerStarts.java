package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.Obstacle;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.StreamSettings;
import io.berth.containerd.settings.TerminalSize;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Starts containers by a person's wish. Thread-safe; methods block until the start is over. */
@Singleton
public final class ContainerStarts {
  /** The code that docker records where a start failed for a reason of the engine's own. */
  private static final int NOT_STARTED = 128;

  private final NamedContainers containers;
  private final ContainerLaunch launch;
  private final ContainerRestarts restarts;
  private final ContainerRelease release;
  private final AttachTokens tokens;
  private final Tasks tasks;
  private final InstantSource clock;

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
   * @param size of the terminal to begin with
   */
  public Started start(NamedContainer container, TerminalSize size) {
    return containers.locked(
        container.key(),
        () -> {
          Tasks.Glance running = running(container);
          if (running != null) {
            return new Started(true, running.pid(), null);
          }
          int pid = create(container, size, /* pending= */ null, /* attach= */ null);
          begin(container);
          return new Started(false, pid, null);
        });
  }

  /** The task of a container that runs; null for one that can be started. */
  Tasks.@Nullable Glance running(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    if (glance != null && glance.paused()) {
      throw new BerthException.FailedPrecondition(
              "start container `"
                  + container.name()
                  + "`: cannot start a paused container, try unpause instead")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_PAUSED, Obstacle.Kind.CONTAINER, container.name()));
    }
    return glance != null && glance.running() ? glance : null;
  }

  /**
   * Makes the task of a container that does not run, and answers the pid. The program waits for
   * {@link #begin}. The caller holds the container's lock.
   *
   * @param pending how that is undone if its client, or this service, dies before; null for a start
   *     that goes on at once
   * @param attach lets a client attach from then on
   */
  int create(
      NamedContainer container,
      TerminalSize size,
      Progress.@Nullable Pending pending,
      @Nullable AttachToken attach) {
    int pid = createByPerson(container, pending, attach);
    if (container.described().config().streams().terminal() && size.isKnown()) {
      tasks.resize(container.key(), "", size.rows(), size.columns());
    }
    return pid;
  }

  private int createByPerson(
      NamedContainer container, Progress.@Nullable Pending pending, @Nullable AttachToken attach) {
    TaskKey key = container.key();
    try {
      int pid = launch.create(container, attach);
      restarts.startedByPerson(key);
      containers.progress(key, old -> old.byPerson().pending(pending));
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

  /** Lets the program of a created task run. The caller holds the container's lock. */
  void begin(NamedContainer container) {
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

  /** Lets a client attach to the streams of a task that is there. */
  AttachGrant allowAttach(NamedContainer container) {
    AttachToken token = tokens.make();
    tasks.allowAttach(container.key(), "", token);
    return attached(container, token);
  }

  /** To be given to {@link #create} for a client that is to attach. */
  AttachToken newToken() {
    return tokens.make();
  }

  /** What a client needs that the container's task lets attach with this token. */
  AttachGrant attached(NamedContainer container, AttachToken token) {
    StreamSettings streams = container.described().config().streams();
    launch.attached(container);
    return tokens.grant(container.key(), "", token, streams.terminal(), streams.openInput());
  }
}
