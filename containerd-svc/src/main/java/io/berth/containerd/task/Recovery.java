package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.shimprocess.ShimProcess;
import io.berth.containerd.shimprocess.ShimProcessEvent;
import io.berth.containerd.shimprocess.ShimProcessListener;
import io.berth.containerd.shimprocess.ShimProcesses;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Brings the tasks back after a restart of this service, and keeps them reachable afterwards: it
 * listens to the shim processes.
 *
 * <p>Shim processes that live say which tasks they have; the other tasks are taken over by one of
 * them; what was half made is removed.
 */
@Singleton
public final class Recovery implements ShimProcessListener {
  private static final Logger LOG = System.getLogger(Recovery.class.getName());

  private final RememberedTasks remembered;
  private final TaskTable table;
  private final Shims shims;
  private final ExitLedger ledger;
  private final ShimProcesses processes;

  @Inject
  Recovery(
      RememberedTasks remembered,
      TaskTable table,
      Shims shims,
      ExitLedger ledger,
      ShimProcesses processes) {
    this.remembered = remembered;
    this.table = table;
    this.shims = shims;
    this.ledger = ledger;
    this.processes = processes;
  }

  /** A task in a process that is to end. */
  private record Leaving(Task task, ShimProcess from) {}

  /**
   * Reads what is there and follows the shim processes. When it returns every task is known; those
   * without a process are being taken over, and calls on them wait for that.
   */
  public void run() throws IOException {
    Set<Task> orphans = new LinkedHashSet<>(remembered.read());
    orphans.forEach(table::add);
    Set<Leaving> leaving = new LinkedHashSet<>();
    for (ShimProcesses.Found found : processes.find()) {
      if (found.namespace().isEmpty()) {
        continue;
      }
      for (String id : found.ids()) {
        Task task = table.find(new TaskKey(found.namespace(), id));
        if (task == null) {
          continue;
        }
        processes.claim(found.process(), task.key());
        shims.linkTo(task, found.process());
        orphans.remove(task);
        if (found.draining()) {
          leaving.add(new Leaving(task, found.process()));
        } else {
          inBackground(task, () -> learn(task));
        }
      }
    }
    processes.start(this);
    for (Leaving each : leaving) {
      Task task = each.task();
      inBackground(
          task,
          () -> {
            learn(task);
            shims.moveAway(task, each.from());
          });
    }
    orphans.forEach(task -> inBackground(task, () -> adopt(task)));
  }

  private void adopt(Task task) {
    if (shims.adoptOrphan(task)) {
      learn(task);
    } else if (task.isCreating()) {
      LOG.log(Level.INFO, "task {0} was half made: removed", task.key());
      task.folder().delete();
      table.remove(task);
    }
  }

  /** Asks the shim what the processes of a task are doing now. */
  private void learn(Task task) {
    for (TaskProcess process : task.processes()) {
      try {
        learn(task, process, shims.call(task, shim -> shim.state(process.execId())));
      } catch (BerthException e) {
        LOG.log(
            Level.WARNING, "state of {0} `{1}`: {2}", task.key(), process.execId(), e.getMessage());
      }
    }
  }

  private static void learn(Task task, TaskProcess process, ProcessReport report) {
    boolean started =
        switch (report.phase()) {
          case UNKNOWN, CREATED -> false;
          case RUNNING, STOPPED, PAUSED, PAUSING -> true;
        };
    var _ =
        process.change(state -> {
          ProcessState numbered = state.numbered(report.pid());
          return started ? numbered.started(report.pid()) : numbered;
        });
    if (process.isInit()) {
      if (task.isCreating()) {
        // The service died between the shim's answer and its own.
        task.folder().confirm(report.pid());
        task.created(report.pid());
      }
      task.paused(report.phase() == ProcessReport.Phase.PAUSED);
    }
  }

  private static void inBackground(Task task, Runnable work) {
    Thread.ofVirtual()
        .name("recover-" + task.key().id())
        .start(() -> {
          try {
            work.run();
          } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "recover task " + task.key(), e);
          } finally {
            task.learned();
          }
        });
  }

  @Override
  public void occurred(ShimProcess process, ShimProcessEvent.OfTask event) {
    Task task = table.find(event.key());
    if (task != null) {
      task.happenings().add(() -> ledger.happened(task, process, event));
    } else if (event instanceof ShimProcessEvent.Exited exited) {
      ledger.acknowledge(process, exited.key(), exited.execId());
    }
  }

  @Override
  public void lost(ShimProcess process, Set<TaskKey> orphans) {
    for (TaskKey key : orphans) {
      Task task = table.find(key);
      if (task != null) {
        Thread.ofVirtual().name("adopt-" + key.id()).start(() -> shims.processLost(task, process));
      }
    }
  }
}
