package io.berth.containerd.task;

import com.google.protobuf.Message;
import io.berth.api.berth.host.v1.AcknowledgeRequest;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.containerd.events.TaskExecStarted;
import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.events.TaskOOM;
import io.berth.api.containerd.events.TaskStart;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Topics;
import io.berth.containerd.host.HostProcess;
import io.grpc.StatusRuntimeException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Records exits and tells of them in the order that clients rely on: an exit is on disk, then its
 * event follows that of its start, then Wait is answered; the init's comes after those of all execs
 * that ran; then the supervisor may forget.
 */
@Singleton
final class ExitLedger {
  private static final Logger LOG = System.getLogger(ExitLedger.class.getName());

  /** How long the init's exit waits for those of execs, which the kernel kills with it. */
  private static final Duration EXECS_PATIENCE = Duration.ofSeconds(5);

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

  /** Called after each init's exit was told, on a thread that may be used for long. */
  void onInitExit(BiConsumer<Task, Exit> listener) {
    initExits.add(listener);
  }

  /** Something happened to a task, as its host told; on the task's own queue. */
  void happened(Task task, HostProcess host, Occurrence occurrence) {
    switch (occurrence.getWhatCase()) {
      case EXIT -> task.whenCreated(() -> exited(task, host, occurrence));
      case OOM ->
          task.whenCreated(() -> {
            task.oomHappened();
            publish(
                task,
                Topics.TASK_OOM,
                TaskOOM.newBuilder().setContainerId(task.key().id()).build());
          });
      case SUPERVISOR_LOST ->
          LOG.log(
              Level.WARNING,
              "supervisor of {0} is gone: {1}",
              task.key(),
              occurrence.getSupervisorLost().getCause());
      case CAUGHT_UP, WHAT_NOT_SET -> {}
    }
  }

  private void exited(Task task, HostProcess host, Occurrence occurrence) {
    var told = occurrence.getExit();
    TaskProcess process = task.processIfPresent(occurrence.getExecId());
    if (process != null && isOf(task, process, told.getPid())) {
      tellAgain(task, process);
      record(
          task,
          process,
          new Exit(
              told.getPid(),
              told.getStatus(),
              Timestamps.instant(told.getAt()),
              told.getOomKilled() || (process.isInit() && task.isOomKilled()),
              told.getUnknown()));
    }
    Thread.ofVirtual()
        .name("acknowledge")
        .start(() -> acknowledgeUnlessDeleted(task, host, occurrence));
  }

  // A deletion forgets its exits as well, and follows most of them at once.
  private void acknowledgeUnlessDeleted(Task task, HostProcess host, Occurrence occurrence) {
    try {
      Thread.sleep(DELETION_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!task.isBeingDeleted()) {
      acknowledge(host, occurrence);
    }
  }

  // An exit of an earlier task of the same name may be on its way still.
  private static boolean isOf(Task task, TaskProcess process, int pid) {
    task.lock.lock();
    try {
      return process.pid == 0 || pid == 0 || process.pid == pid;
    } finally {
      task.lock.unlock();
    }
  }

  /** The host may forget an exit: it was recorded, or belongs to nothing any more. */
  void acknowledge(HostProcess host, Occurrence occurrence) {
    AcknowledgeRequest request =
        AcknowledgeRequest.newBuilder()
            .setNamespace(occurrence.getNamespace())
            .setId(occurrence.getId())
            .setExecId(occurrence.getExecId())
            .build();
    Thread.ofVirtual()
        .name("acknowledge")
        .start(() -> {
          try {
            HostGrpc.HostBlockingStub stub = host.stub(ACKNOWLEDGE_PATIENCE);
            var _ = stub.acknowledge(request);
          } catch (StatusRuntimeException e) {
            // It is told again when the next host adopts the task.
            LOG.log(Level.DEBUG, "acknowledge to {0}: {1}", host, e.getMessage());
          }
        });
  }

  /** Records an exit, then tells it when its turn has come. The second of two is ignored. */
  void record(Task task, TaskProcess process, Exit exit) {
    task.lock.lock();
    try {
      if (process.exit != null) {
        return;
      }
    } finally {
      task.lock.unlock();
    }
    table.put(task.key(), process.execId(), exit, boot.text());
    task.locked(() -> {
      if (process.exit == null) {
        process.exit = exit;
      }
    });
    settle(task, /* forced= */ false);
  }

  /** Tells what a Start did; an exit that came before follows. */
  void started(Task task, TaskProcess process, int pid) {
    task.locked(() -> {
      process.starting = false;
      if (!process.started) {
        process.started = true;
        process.pid = pid;
        if (process.isInit()) {
          publish(
              task,
              Topics.TASK_START,
              TaskStart.newBuilder().setContainerId(task.key().id()).setPid(pid).build());
        } else {
          publish(
              task,
              Topics.TASK_EXEC_STARTED,
              TaskExecStarted.newBuilder()
                  .setContainerId(task.key().id())
                  .setExecId(process.execId())
                  .setPid(pid)
                  .build());
        }
      }
    });
    settle(task, /* forced= */ false);
  }

  /** A Start failed. */
  void notStarted(Task task, TaskProcess process) {
    task.locked(() -> process.starting = false);
    settle(task, /* forced= */ false);
  }

  private void settle(Task task, boolean forced) {
    boolean waits = false;
    @Nullable Exit initExit = null;
    task.lock.lock();
    try {
      boolean execRuns = false;
      for (TaskProcess process : task.processes()) {
        if (!process.isInit()) {
          tell(task, process);
          execRuns |= process.started && !process.told().isDone();
        }
      }
      TaskProcess init = task.init();
      if (init.exit != null && !init.told().isDone()) {
        waits = execRuns && !forced;
        initExit = !waits && tell(task, init) ? init.exit : null;
      }
    } finally {
      task.lock.unlock();
    }
    if (waits) {
      Thread.ofVirtual().name("exit-patience").start(() -> settleLater(task));
    }
    if (initExit != null) {
      Exit exit = initExit;
      Thread.ofVirtual()
          .name("after-exit")
          .start(() -> initExits.forEach(each -> each.accept(task, exit)));
    }
  }

  private void settleLater(Task task) {
    try {
      Thread.sleep(EXECS_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    settle(task, /* forced= */ true);
  }

  // Under the lock, which is what keeps the events in order.
  private boolean tell(Task task, TaskProcess process) {
    Exit exit = process.exit;
    if (exit == null || process.starting || process.told().isDone()) {
      return false;
    }
    publishExit(task, process, exit);
    return process.told().complete(exit);
  }

  private void publishExit(Task task, TaskProcess process, Exit exit) {
    TaskExit payload =
        TaskExit.newBuilder()
            .setContainerId(task.key().id())
            .setId(process.isInit() ? task.key().id() : process.execId())
            .setPid(exit.pid())
            .setExitStatus(exit.status())
            .setExitedAt(Timestamps.of(exit.at()))
            .build();
    if (task.isRecovered()) {
      events.publishMissed(task.key().namespace(), Topics.TASK_EXIT, payload);
    } else {
      publish(task, Topics.TASK_EXIT, payload);
    }
  }

  /**
   * An exit of an earlier life of this service: known for good, and told, unless the host repeats
   * it.
   */
  void restore(Task task, TaskProcess process, Exit exit) {
    task.locked(() -> {
      process.exit = exit;
      process.pid = exit.pid();
      process.started = true;
      process.restored = true;
      process.told().complete(exit);
    });
  }

  // Not acknowledged, so perhaps not told before the restart.
  private void tellAgain(Task task, TaskProcess process) {
    task.locked(() -> {
      if (process.restored && process.exit != null) {
        process.restored = false;
        publishExit(task, process, process.exit);
      }
    });
  }

  /** Nobody will ever know how these processes ended. */
  void lost(Task task, Instant now) {
    for (TaskProcess process : task.processes()) {
      record(task, process, new Exit(process.pid, Exit.UNKNOWN, now, task.isOomKilled(), true));
    }
  }

  private void publish(Task task, String topic, Message payload) {
    events.publish(task.key().namespace(), topic, payload);
  }
}
