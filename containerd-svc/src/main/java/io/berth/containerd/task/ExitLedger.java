package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.shimprocess.ShimProcess;
import io.berth.containerd.shimprocess.ShimProcessEvent;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Records exits and tells of them in the order that clients rely on: an exit is on disk, then its
 * event follows that of its start, then Wait is answered; the init's comes after those of all execs
 * that ran; then the supervisor may forget. Thread-safe.
 */
@Singleton
final class ExitLedger {
  private static final Logger LOG = System.getLogger(ExitLedger.class.getName());

  /** How long the init's exit waits for those of execs, which the kernel kills with it. */
  private static final Duration EXECS_PATIENCE = Duration.ofSeconds(5);

  /** A deletion forgets its exits as well, and follows most of them at once. */
  private static final Duration DELETION_PATIENCE = Duration.ofMillis(300);

  private static final Duration ACKNOWLEDGE_PATIENCE = Duration.ofSeconds(5);

  private final ExitTable table;
  private final EventBroker events;
  private final BootId boot;
  private final List<BiConsumer<Task, Exit>> initExits = new CopyOnWriteArrayList<>();

  @Inject
  ExitLedger(ExitTable table, EventBroker events, BootId boot) {
    this.table = table;
    this.events = events;
    this.boot = boot;
  }

  /** Has each init's exit told to {@code listener}, on a thread that may be used for long. */
  void onInitExit(BiConsumer<Task, Exit> listener) {
    initExits.add(listener);
  }

  /** Something happened to a task, as its shim process told; on the task's own queue. */
  void happened(Task task, ShimProcess process, ShimProcessEvent.OfTask event) {
    switch (event) {
      case ShimProcessEvent.Exited exited -> task.whenCreated(() -> exited(task, process, exited));
      case ShimProcessEvent.OutOfMemory _ ->
          task.whenCreated(() -> {
            task.oomHappened();
            publish(task, new Occurrence.TaskOutOfMemory(task.key().id()));
          });
      case ShimProcessEvent.SupervisorLost lost ->
          LOG.log(Level.WARNING, "supervisor of {0} is gone: {1}", task.key(), lost.cause());
    }
  }

  private void exited(Task task, ShimProcess shimProcess, ShimProcessEvent.Exited told) {
    TaskProcess process = task.processIfPresent(told.execId());
    if (process != null && isOf(process, told.pid())) {
      tellAgain(task, process);
      record(
          task,
          process,
          new Exit(
              told.pid(),
              told.status(),
              told.at(),
              told.oomKilled() || (process.isInit() && task.isOomKilled()),
              told.unknown()));
    }
    var _ =
        table
            .written(told.key(), told.execId())
            .thenRun(() ->
                later(
                    DELETION_PATIENCE,
                    () -> {
                      if (!task.isBeingDeleted()) {
                        acknowledge(shimProcess, told.key(), told.execId());
                      }
                    }));
  }

  /** An exit of an earlier task of the same name may still be on its way. */
  private static boolean isOf(TaskProcess process, int pid) {
    int known = process.state().pid();
    return known == 0 || pid == 0 || known == pid;
  }

  /**
   * Tells a shim process that it may forget an exit, for it is on record, or belongs to nothing any
   * more. Does not block.
   */
  void acknowledge(ShimProcess process, TaskKey key, String execId) {
    Thread.ofVirtual()
        .name("acknowledge")
        .start(() -> {
          try {
            process.connection().acknowledge(key, execId, ACKNOWLEDGE_PATIENCE);
          } catch (BerthException e) {
            // It is told again when the next process takes the task over.
            LOG.log(Level.DEBUG, "acknowledge to {0}: {1}", process, e.getMessage());
          }
        });
  }

  /** Runs work on a thread of its own after a time, without a thread that waits for it. */
  private static void later(Duration time, Runnable work) {
    Executor threads = Thread.ofVirtual().name("after-exit")::start;
    var _ =
        CompletableFuture.runAsync(
            work,
            CompletableFuture.delayedExecutor(time.toMillis(), TimeUnit.MILLISECONDS, threads));
  }

  /**
   * Records an exit, then tells it when its turn has come. The second of two is ignored. While the
   * disk takes no row, the exit is on record in the task's folder: the supervisor keeps it there
   * until that is acknowledged.
   */
  void record(Task task, TaskProcess process, Exit exit) {
    if (process.state().exit() != null) {
      return;
    }
    var _ = table.put(task.key(), process.execId(), exit, boot.text());
    var _ = process.change(state -> state.ends(exit));
    settle(task, /* forced= */ false);
  }

  /** Tells what a start did; an exit that came before follows. */
  void started(Task task, TaskProcess process, int pid) {
    task.locked(() -> {
      if (process.started(pid)) {
        String id = task.key().id();
        publish(
            task,
            process.isInit()
                ? new Occurrence.TaskStarted(id, pid)
                : new Occurrence.ExecStarted(id, process.execId(), pid));
      }
      return null;
    });
    settle(task, /* forced= */ false);
  }

  /** A call that starts a process failed; an exit that came before is told. */
  void notStarted(Task task, TaskProcess process) {
    var _ = process.change(ProcessState::startFails);
    settle(task, /* forced= */ false);
  }

  /** Whose turn has come is told. */
  private void settle(Task task, boolean forced) {
    Turn turn = task.locked(() -> tellAllInTurn(task, forced));
    if (turn.initWaits()) {
      later(EXECS_PATIENCE, () -> settle(task, /* forced= */ true));
    }
    Exit initExit = turn.initExit();
    if (initExit != null) {
      Thread.ofVirtual()
          .name("after-exit")
          .start(() -> initExits.forEach(each -> each.accept(task, initExit)));
    }
  }

  /**
   * What became of the init's exit.
   *
   * @param initExit it was told just now; null if not
   * @param initWaits it is on record and held back until execs have ended
   */
  private record Turn(@Nullable Exit initExit, boolean initWaits) {}

  private Turn tellAllInTurn(Task task, boolean forced) {
    boolean execRuns = false;
    for (TaskProcess process : task.processes()) {
      if (!process.isInit()) {
        var _ = tell(task, process);
        execRuns |= process.state() instanceof ProcessState.Running;
      }
    }
    TaskProcess init = task.init();
    boolean pending = init.state().exit() != null && !init.told().isDone();
    boolean waits = pending && execRuns && !forced;
    return new Turn(pending && !waits ? tell(task, init) : null, waits);
  }

  /** Under the lock, which keeps the events in order. Answers the exit if it was told just now. */
  private @Nullable Exit tell(Task task, TaskProcess process) {
    Exit exit = process.untold();
    if (exit == null) {
      return null;
    }
    publishExit(task, process, exit);
    return process.told().complete(exit) ? exit : null;
  }

  private void publishExit(Task task, TaskProcess process, Exit exit) {
    String id = task.key().id();
    Occurrence told =
        new Occurrence.TaskExited(
            id, process.isInit() ? id : process.execId(), exit.pid(), exit.status(), exit.at());
    if (task.traits().recovered()) {
      events.publishMissed(task.key().namespace(), told);
    } else {
      publish(task, told);
    }
  }

  /** An exit that was on record when this service started, and is repeated: it was not told. */
  private void tellAgain(Task task, TaskProcess process) {
    task.locked(() -> {
      Exit exit = process.repeated();
      if (exit != null) {
        publishExit(task, process, exit);
      }
      return null;
    });
  }

  /** Nobody will ever know how these processes ended. */
  void lost(Task task, Instant now) {
    for (TaskProcess process : task.processes()) {
      record(
          task,
          process,
          new Exit(process.state().pid(), Exit.UNKNOWN, now, task.isOomKilled(), true));
    }
  }

  private void publish(Task task, Occurrence occurrence) {
    events.publish(task.key().namespace(), occurrence);
  }
}
