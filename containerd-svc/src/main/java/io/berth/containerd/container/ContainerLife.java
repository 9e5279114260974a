package io.berth.containerd.container;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.restart.RestartRule;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Stdio;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.time.Timestamps;
import io.berth.linux.Signal;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Starting and ending containers, by a person's wish, by their policy, and after a restart of this
 * service. What is done to one container is done under its lock.
 */
@Singleton
final class ContainerLife {
  private static final Logger LOG = System.getLogger(ContainerLife.class.getName());

  /** How long a created task waits for the client that wanted to attach. */
  private static final Duration RELEASE_PATIENCE = Duration.ofSeconds(60);

  private static final int TOKEN_BYTES = 32;
  private static final int TOKEN_TTL_MILLIS = 60_000;
  private static final int DEFAULT_STOP_SECONDS = 10;

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final StartPreparation preparation;
  private final ContainerRemoval removal;
  private final ContainerHealth health;
  private final Tasks tasks;
  private final Waits waits;
  private final KeyLocks locks;
  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final Map<TaskKey, Thread> restarts = new ConcurrentHashMap<>();
  private final Map<TaskKey, Object> unreleased = new ConcurrentHashMap<>();
  private volatile boolean stopping;

  @Inject
  ContainerLife(
      NamedContainers containers,
      Surroundings surroundings,
      StartPreparation preparation,
      ContainerRemoval removal,
      ContainerHealth health,
      Tasks tasks,
      Waits waits,
      KeyLocks locks,
      InstantSource clock) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.preparation = preparation;
    this.removal = removal;
    this.health = health;
    this.tasks = tasks;
    this.waits = waits;
    this.locks = locks;
    this.clock = clock;
  }

  /** Whether its policy is about to start it again. */
  boolean isRestarting(TaskKey key) {
    return restarts.containsKey(key);
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
                    + "`: cannot start a paused container, try unpause instead");
          }
          if (glance != null && glance.running()) {
            StartResponse.Builder answer =
                StartResponse.newBuilder().setAlready(true).setPid(glance.pid());
            return request.getAttach()
                ? answer.setAttach(allowAttach(container, "")).build()
                : answer.build();
          }
          cancelRestart(key);
          containers.progress(key, Progress::byPerson);
          int pid = create(container);
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
                  undoCreate(key);
                }
                return null;
              });
        });
  }

  private void undoCreate(TaskKey key) {
    try {
      var _ = tasks.delete(key);
      NamedContainer container = containers.find(key);
      if (container != null) {
        preparation.giveBack(container);
      }
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "undo the start of {0}: {1}", key, e.getMessage());
    }
  }

  // The task up to its gate; a failure is recorded as docker's clients know it (CD-12).
  private int create(NamedContainer container) {
    TaskKey key = container.key();
    try {
      if (tasks.isPresent(key)) {
        // CD-11: left from a start that nobody finished.
        var _ = tasks.delete(key);
      }
      String snapshot = container.described().getSnapshotKey();
      List<Mount> mounts =
          snapshot.isEmpty()
              ? List.of()
              : surroundings
                  .images()
                  .mounts(key.namespace(), container.described().getSnapshotter(), snapshot);
      Config config = container.described().getConfig();
      Stdio stdio =
          new Stdio(config.getOpenStdin() ? "berth-attach:///" : "", "", "", config.getTty());
      return tasks.create(new Tasks.Creation(key, mounts, stdio, Any.getDefaultInstance(), ""));
    } catch (BerthException e) {
      failed(container, e);
      throw e;
    }
  }

  private void begin(NamedContainer container) {
    TaskKey key = container.key();
    health.begins(containers.progress(key, old -> old.started(clock.instant())));
    try {
      var _ = tasks.start(key, "");
    } catch (BerthException e) {
      health.ends(key);
      try {
        tasks.kill(key, "", Signal.SIGKILL.number(), true);
        var _ = tasks.delete(key);
      } catch (BerthException undo) {
        e.addSuppressed(undo);
      }
      failed(container, e);
      throw e;
    }
  }

  private void failed(NamedContainer container, BerthException e) {
    String text = e.getMessage().toLowerCase(Locale.ROOT);
    int code =
        text.contains("executable file not found") || text.contains("no such file or directory")
            ? 127
            : text.contains("permission denied") || text.contains("exec format error") ? 126 : 128;
    containers.progress(container.key(), old -> old.failed(clock.instant(), code, e.getMessage()));
    try {
      preparation.giveBack(container);
      if (container.isEphemeral()) {
        removal.remove(container, /* volumes= */ true);
      }
    } catch (BerthException undo) {
      e.addSuppressed(undo);
    }
  }

  /** A token with which a client may attach to a process that is there. */
  AttachResponse allowAttach(NamedContainer container, String execId) {
    byte[] token = new byte[TOKEN_BYTES];
    random.nextBytes(token);
    TaskKey key = container.key();
    tasks.allowAttach(
        key,
        AllowAttachRequest.newBuilder()
            .setNamespace(key.namespace())
            .setId(key.id())
            .setExecId(execId)
            .setToken(ByteString.copyFrom(token))
            .setTtlMs(TOKEN_TTL_MILLIS)
            .build());
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
      settled(container.key());
    }
    return ended;
  }

  /** Whether there was something to stop. Blocks until the end is recorded. */
  boolean end(NamedContainer container, @Nullable Integer timeoutSeconds, String signal) {
    TaskKey key = container.key();
    cancelRestart(key);
    containers.progress(key, old -> old.asked(/* stop= */ true));
    if (!isRunning(key)) {
      return false;
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
    if (!isRunning(key)) {
      throw new BerthException.FailedPrecondition(
          "kill container `" + container.name() + "`: it is not running");
    }
    boolean kill = number == Signal.SIGKILL.number();
    boolean end = kill || number == stopSignal(container, "");
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
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.running();
  }

  private boolean isPaused(TaskKey key) {
    Tasks.Glance glance = tasks.glance(key);
    return glance != null && glance.paused();
  }

  // --- after the end

  /** The init has ended, and that is on disk. */
  void ended(TaskKey key, Exit exit) {
    health.ends(key);
    NamedContainer container =
        containers.lastingProgress(
            key, old -> old.ended(exit.at(), exit.status(), exit.oomKilled()));
    if (container == null) {
      return;
    }
    waits.exited(key, response(container.progress()));
    settled(key);
  }

  private void settled(TaskKey key) {
    locks.with(
        key,
        () -> {
          settle(key);
          return null;
        });
  }

  private void settle(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container == null || isRunning(key)) {
      return;
    }
    try {
      if (tasks.isPresent(key)) {
        var _ = tasks.delete(key);
      }
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "task {0} was deleted by somebody else", key);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "delete task {0}: {1}", key, e.getMessage());
    }
    Progress progress = container.progress();
    if (container.isEphemeral()) {
      removeItself(container);
    } else if (rule(container).after(run(progress)) instanceof RestartRule.Again again) {
      scheduleRestart(container, again);
    } else {
      giveBack(container);
    }
  }

  private static RestartRule rule(NamedContainer container) {
    var policy = container.described().getHost().getRestart();
    return RestartRule.of(policy.getName(), policy.getMaximumRetries(), container.isEphemeral());
  }

  private static RestartRule.Ended run(Progress progress) {
    return new RestartRule.Ended(
        progress.exitCode(),
        progress.restarts(),
        progress.stopped(),
        Duration.ofNanos(Math.max(0, progress.finishedAt() - progress.startedAt())),
        Duration.ofMillis(progress.lastDelayMillis()));
  }

  private void giveBack(NamedContainer container) {
    try {
      preparation.giveBack(container);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "give back the endpoint of {0}: {1}", container, e.getMessage());
    }
  }

  private void removeItself(NamedContainer container) {
    try {
      removal.remove(container, /* volumes= */ true);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "{0} removes itself: {1}", container, e.getMessage());
    }
  }

  private void scheduleRestart(NamedContainer container, RestartRule.Again again) {
    TaskKey key = container.key();
    containers.progress(key, old -> old.restarting(again.restarts(), again.delay().toMillis()));
    Thread thread =
        Thread.ofVirtual()
            .name("restart-" + key.id())
            .unstarted(() -> restartAfter(key, again.delay()));
    restarts.put(key, thread);
    thread.start();
  }

  private void restartAfter(TaskKey key, Duration delay) {
    try {
      Thread.sleep(delay);
    } catch (InterruptedException e) {
      return;
    }
    locks.with(
        key,
        () -> {
          NamedContainer container = containers.find(key);
          if (restarts.remove(key, Thread.currentThread())
              && container != null
              && !stopping
              && !isRunning(key)) {
            restart(container);
          }
          return null;
        });
  }

  private void restart(NamedContainer container) {
    try {
      var _ = create(container);
      begin(container);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "restart {0}: {1}", container, e.getMessage());
      NamedContainer now = containers.find(container.key());
      if (now != null && rule(now).after(run(now.progress())) instanceof RestartRule.Again again) {
        scheduleRestart(now, again);
      }
    }
  }

  /** A restart that its policy wants does not happen. Answers whether one was waiting. */
  boolean cancelRestart(TaskKey key) {
    Thread waiting = restarts.remove(key);
    if (waiting != null) {
      waiting.interrupt();
      return true;
    }
    return false;
  }

  // --- the service itself

  /** After tasks are known: claims are checked, and policies are kept. Row DN-21. */
  void resume() {
    for (NamedContainer container : containers.list(null)) {
      Thread.ofVirtual()
          .name("resume-" + container.key().id())
          .start(() -> {
            try {
              resume(container);
            } catch (RuntimeException e) {
              LOG.log(Level.ERROR, "resume " + container, e);
            }
          });
    }
  }

  private void resume(NamedContainer container) {
    TaskKey key = container.key();
    if (tasks.isPresent(key)) {
      Exit exit = tasks.exitOf(key);
      if (exit != null) {
        ended(key, exit);
      } else {
        health.goesOn(container);
      }
      return;
    }
    locks.with(
        key,
        () -> {
          NamedContainer now = containers.find(key);
          if (now == null || tasks.isPresent(key)) {
            return null;
          }
          Progress progress = now.progress();
          if (progress.running()) {
            // The machine went down, or somebody else deleted the task: how it ended is not known.
            Instant at = clock.instant();
            now = containers.progress(key, old -> old.ended(at, Exit.UNKNOWN, false));
          }
          if (now == null) {
            return null;
          }
          progress = now.progress();
          if (now.isEphemeral() && progress.wasStarted()) {
            removeItself(now);
          } else if (rule(now)
              .atServiceStart(
                  progress.wasStarted(),
                  progress.exitCode(),
                  progress.restarts(),
                  progress.stopped())) {
            restart(now);
          } else if (progress.wasStarted()) {
            giveBack(now);
          }
          return null;
        });
  }

  /** No policy starts anything any more. */
  void stop() {
    stopping = true;
    restarts.keySet().forEach(this::cancelRestart);
    health.stop();
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
