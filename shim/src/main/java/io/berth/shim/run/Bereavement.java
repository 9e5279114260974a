package io.berth.shim.run;

import io.berth.linux.supervisor.ExitRecord;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;

/**
 * What is done when a container's supervisor has died: what it wrote down counts; the container,
 * which the kernel kills with it, is made sure of; what nobody can know any more is said to be
 * unknown.
 */
final class Bereavement {
  private static final Logger LOG = System.getLogger(Bereavement.class.getName());
  private static final int STATUS_UNKNOWN = 255;

  private final ContainerTask task;

  Bereavement(ContainerTask task) {
    this.task = task;
  }

  void mourn(String cause) {
    task.host().happenings().tell(new Happening.SupervisorLost(task.key(), cause));
    try {
      task.cgroup().killAll();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "task {0}: ending what is left: {1}", task.key(), e.getMessage());
    }
    for (TaskProcess exec : task.execs()) {
      if (exec.phase() == TaskProcess.Phase.RUNNING) {
        end(exec);
      }
    }
    end(task.init());
  }

  private void end(TaskProcess process) {
    ExitRecord known = null;
    try {
      known = ExitRecord.read(task.folder().path(), process.id());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "task {0}: {1}", task.key(), e.getMessage());
    }
    process.drained().complete(true);
    task.ended(
        process.id(),
        known == null ? process.pid() : known.pid(),
        known == null
            ? new TaskProcess.Ended(
                STATUS_UNKNOWN, Instant.now(), /* outOfMemory= */ false, /* unknown= */ true)
            : TaskProcess.Ended.of(known));
  }
}
