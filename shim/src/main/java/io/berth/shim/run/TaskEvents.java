package io.berth.shim.run;

import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorListener;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What happens to a container unasked. The supervisor tells it on the poller's thread, which must
 * not wait; so each event is dealt with on a virtual thread of its own.
 */
final class TaskEvents implements SupervisorListener {
  private static final Logger LOG = System.getLogger(TaskEvents.class.getName());
  private static final long EXECS_END_SECONDS = 2;
  private static final long SUPERVISOR_END_MILLIS = 1000;

  private final ContainerTask task;

  TaskEvents(ContainerTask task) {
    this.task = task;
  }

  @Override
  public void exited(ExitRecord exit) {
    Thread.ofVirtual()
        .name("exit")
        .start(() -> ended(exit.id(), exit.pid(), ContainerProcess.Ended.of(exit)));
  }

  @Override
  public void drained(String id) {
    ContainerProcess process = task.processOrNull(id);
    if (process != null) {
      Thread.ofVirtual().name("drained").start(() -> process.drained().complete(true));
    }
  }

  @Override
  public void deposed(long epoch) {
    LOG.log(Level.INFO, "task {0}: taken over in epoch {1}", task.key(), epoch);
  }

  @Override
  public void closed(@Nullable Throwable cause) {
    Supervision supervision = task.heldSupervision();
    if (supervision != null) {
      Thread.ofVirtual().name("lost").start(() -> disconnected(supervision));
    }
  }

  private void disconnected(Supervision supervision) {
    if (task.heldSupervision() == null) {
      return;
    }
    if (supervision.awaitEnd(task.services().poller(), SUPERVISOR_END_MILLIS)) {
      new Bereavement(task).mourn("its process has ended");
    } else {
      task.isLost();
    }
  }

  /** Tells everyone that a process has ended; the init's end waits for those of its execs. */
  void ended(String execId, int pid, ContainerProcess.Ended how) {
    ContainerProcess process = task.processOrNull(execId);
    if (process == null || process.endedOrNull() != null) {
      return;
    }
    if (execId.isEmpty()) {
      endTheRest();
    }
    if (!process.ends(pid, how)) {
      return;
    }
    // Whoever has been answered that it ended finds the exit among what is repeated.
    Happenings happenings = task.services().happenings();
    happenings.tell(new Happening.Exit(task.key(), execId, pid, how));
    if (!process.tellEnd(how)) {
      happenings.forget(task.key());
    }
  }

  private void endTheRest() {
    try {
      if (sharesPids()) {
        task.cgroup().killAll();
      }
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(EXECS_END_SECONDS);
      for (ContainerProcess exec : task.execs().all()) {
        if (exec.isRunning()) {
          exec.ended()
              .copy()
              .orTimeout(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS)
              .join();
        }
      }
    } catch (CompletionException late) {
      LOG.log(Level.DEBUG, "task {0}: an exec outlives the init", task.key());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "task {0}: ending what is left: {1}", task.key(), e.getMessage());
    }
  }

  /** Otherwise the kernel kills all processes of the pid namespace with its init. */
  private boolean sharesPids() {
    var pids = task.spec().linux().namespace("pid");
    return pids == null || !pids.path().isEmpty();
  }
}
