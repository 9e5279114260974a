package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Starting and ending containers by a person's wish. What is done to one container is done under
 * its lock.
 */
@Singleton
final class ContainerLife {
  private static final Logger LOG = System.getLogger(ContainerLife.class.getName());

  /** How long a created task waits for the client that wanted to attach. */
  private static final Duration RELEASE_PATIENCE = Duration.ofSeconds(60);

  private static final int TOKEN_BYTES = 32;
  private static final Duration TOKEN_VALIDITY = Duration.ofMinutes(1);
  private static final int DEFAULT_STOP_SECONDS = 10;

  /** What docker records of a container that could not be started for a reason of the engine's. */
  private static final int NOT_STARTED = 128;

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final ContainerLaunch launch;
  private final ContainerUpkeep upkeep;
  private final Tasks tasks;
  private final Waits waits;
  private final KeyLocks locks;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final Map<TaskKey, Object> unreleased = new ConcurrentHashMap<>();

  @Inject
  ContainerLife(
      NamedContainers containers,
      Surroundings surroundings,
      ContainerLaunch launch,
      ContainerUpkeep upkeep,
      Tasks tasks,
      Waits waits,
      KeyLocks locks,
      InstantSource clock) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.launch = launch;
    this.upkeep = upkeep;
    this.tasks = tasks;
    this.waits = waits;
    this.locks = locks;
    this.clock = clock;
  }

  // --- start

  StartResponse start(NamedContainer container, StartRequest request) {
    TaskKey key = container.key();
    return locks.with(
        key,
        () -> {
          if (request.getRelease()) {
            return release(key);
          }
          boolean tty = container.described().getConfig().getTty();
          Tasks.Glance glance = tasks.glance(key);
          if (glance != null && glance.paused()) {
            throw new BerthException.FailedPrecondition(
                    "start container `"
                        + container.name()
                        + "`: cannot start a paused container, try unpause instead")
                .with(
                    Obstacle.of(
                        Obstacle.Reason.CONTAINER_PAUSED,
                        Obstacle.Kind.CONTAINER,
                        container.name()));
          }
          if (glance != null && glance.running()) {
            StartResponse.Builder answer =
                StartResponse.newBuilder().setAlready(true).setPid(glance.pid());
            return request.getAttach()
                ? answer.setAttach(allowAttach(container, "")).build()
                : answer.build();
          }
          int pid = createByPerson(container);
          if (tty && request.getRows() > 0 && request.getColumns() > 0) {
            tasks.resize(key, "", request.getRows(), request.getColumns());
          }
          StartResponse.Builder answer = StartResponse.newBuilder().setPid(pid);
          if (!request.getAttach()) {
            begin(container);
            return answer.build();
          }
          answer.setAttach(allowAttach(container, ""));
          awaitRelease(key);
          return answer.build();
        });
  }

  private StartResponse release(TaskKey key) {
    if (unreleased.remove(key) == null) {
      throw new BerthException.FailedPrecondition(
          "release container `" + key.id() + "`: nobody is attached to its start; start it again");
    }
    NamedContainer container = containers.find(key);
    if (container == null) {
      throw new BerthException.NotFound("no such container: `" + key.id() + "`");
    }
    begin(container);
    Tasks.Glance glance = tasks.glance(key);
    return StartResponse.newBuilder().setPid(glance == null ? 0 : glance.pid()).build();
  }

  // A client that dies between the two calls leaves nothing half started.
  private void awaitRelease(TaskKey key) {
    Object mark = new Object();
    unreleased.put(key, mark);
    Thread.ofVirtual()
        .name("release-" + key.id())
        .start(() -> {
          try {
            Thread.sleep(RELEASE_PATIENCE);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          locks.with(
              key,
              () -> {
                if (unreleased.remove(key, mark)) {
                  upkeep.undoCreate(key);
                }
                return null;
              });
        });
  }

  // A failure is recorded as docker's clients know it.
  private int createByPerson(NamedContainer container) {
    TaskKey key = container.key();
    try {
      int pid = launch.create(container);
      upkeep.startedByPerson(key);
      containers.progress(key, Progress::byPerson);
      return pid;
    } catch (BerthException e) {
      // While its policy waits for that service as well, it goes on waiting.
      if (!(e instanceof BerthException.Absent && upkeep.isRestarting(key))) {
        var _ = upkeep.callOffStart(key);
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

  private void failed(NamedContainer container, BerthException e) {
    int code = LaunchFailure.exitCode(e, NOT_STARTED);
    // For want of a service nothing was tried.
    boolean tried = !(e instanceof BerthException.Absent);
    Instant now = clock.instant();
    containers.progress(
        container.key(),
        old ->
            tried || !old.wasStarted()
                ? old.failed(now, code, e.getMessage())
                : old.notStarted(e.getMessage()));
    upkeep.giveBack(container);
    if (container.isEphemeral()) {
      upkeep.removeItself(container);
    }
  }

  /** A token with which a client may attach to a process that is there. */
  AttachResponse allowAttach(NamedContainer container, String execId) {
    byte[] token = new byte[TOKEN_BYTES];
    random.nextBytes(token);
    TaskKey key = container.key();
    tasks.allowAttach(key, execId, token, TOKEN_VALIDITY);
    Config config = container.described().getConfig();
    return AttachResponse.newBuilder()
        .setSocket(tasks.supervisorSocket(key).toString())
        .setToken(ByteString.copyFrom(token))
        .setTty(config.getTty())
        .setStdin(config.getOpenStdin())
        .setExecId(execId)
        .build();
  }

  // --- stop

  /** As {@link #end}, and blocks until address and ports are free for others (row D01-78). */
  boolean stop(NamedContainer container, @Nullable Integer timeoutSeconds, String signal) {
    boolean ended = end(container, timeoutSeconds, signal);
    if (ended) {
      upkeep.settled(container.key());
    }
    return ended;
  }

  /** Whether there was something to stop. Blocks until the end is recorded. */
  boolean end(NamedContainer container, @Nullable Integer timeoutSeconds, String signal) {
    TaskKey key = container.key();
    boolean calledOff = upkeep.callOffStart(key);
    containers.progress(key, old -> old.asked(/* stop= */ true));
    if (!isRunning(key)) {
      return calledOff;
    }
    Waits.Waiter waiter = waits.forExit(key);
    CompletableFuture<WaitResponse> ended = waiter.answer();
    try {
      int number = stopSignal(container, signal);
      if (asked(key, number)
          && (!isRunning(key) || awaitEnd(ended, stopTimeout(container, timeoutSeconds)))) {
        awaitEnd(ended, 1);
        return true;
      }
      kill(key, Signal.SIGKILL.number());
      awaitEnd(ended, DEFAULT_STOP_SECONDS);
      return true;
    } finally {
      waits.forget(key, waiter);
    }
  }

  private int stopTimeout(NamedContainer container, @Nullable Integer given) {
    if (given != null) {
      return given;
    }
    Config own = container.described().getConfig();
    return own.hasStopTimeout()
        ? own.getStopTimeout()
        : (int) surroundings.config().number(Key.CONTAINERD_STOP_TIMEOUT);
  }

  private static int stopSignal(NamedContainer container, String given) {
    String name = given.isEmpty() ? container.described().getConfig().getStopSignal() : given;
    return number(name.isEmpty() ? "SIGTERM" : name);
  }

  /** INVALID_ARGUMENT for what is no signal. */
  static int number(String signal) {
    return Signal.parse(signal)
        .orElseThrow(
            () -> new BerthException.InvalidArgument("signal `" + signal + "`: no such signal"));
  }

  // Whether the signal is on its way; if not, nothing is gained by waiting for what it would do.
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

  // A frozen process takes no signal.
  private void thaw(TaskKey key) {
    if (isPaused(key)) {
      try {
        tasks.resume(key);
      } catch (BerthException e) {
        LOG.log(Level.DEBUG, "thaw {0}: {1}", key, e.getMessage());
      }
    }
  }

  // A process that ended meanwhile is what was wanted.
  private void kill(TaskKey key, int signal) {
    try {
      tasks.kill(key, "", signal, /* all= */ false);
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "kill {0}: {1}", key, e.getMessage());
    }
  }

  /** Negative: for ever. */
  private static boolean awaitEnd(CompletableFuture<WaitResponse> ended, int seconds) {
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
   * A signal by a person's wish; one that ends it is a wish to end, and reaches a paused one, too.
   * Of SIGKILL the end is waited for.
   */
  void kill(NamedContainer container, String signal) {
    TaskKey key = container.key();
    int number = number(signal.isEmpty() ? "SIGKILL" : signal);
    boolean kill = number == Signal.SIGKILL.number();
    boolean end = kill || number == stopSignal(container, "");
    if (end && upkeep.callOffStart(key)) {
      containers.progress(key, old -> old.asked(/* stop= */ true));
      upkeep.settled(key);
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
      containers.progress(key, old -> old.asked(/* stop= */ true));
    }
    Waits.Waiter waiter = waits.forExit(key);
    try {
      tasks.kill(key, "", number, /* all= */ false);
      if (end) {
        thaw(key);
      }
      if (kill && isRunning(key)) {
        awaitEnd(waiter.answer(), DEFAULT_STOP_SECONDS);
      }
    } finally {
      waits.forget(key, waiter);
    }
  }

  boolean isRunning(TaskKey key) {
    return launch.isRunning(key);
  }

  private boolean isPaused(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.paused();
  }

  static WaitResponse response(Progress progress) {
    return WaitResponse.newBuilder()
        .setStatus(progress.exitCode())
        .setAt(Timestamps.of(Progress.instant(progress.finishedAt())))
        .setError(progress.error())
        .setOomKilled(progress.oomKilled())
        .build();
  }
}
