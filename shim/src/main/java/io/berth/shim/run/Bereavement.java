package io.berth.shim.run;

import io.berth.base.time.Sleeper;
import io.berth.linux.Fd;
import io.berth.linux.Processes;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.ExitRecord;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is done when a container's supervisor has died: what it wrote down counts; the container,
 * which the kernel kills with it, is made sure of; how a process ended the kernel tells whoever
 * held it (6.15 and later); what nobody can know any more is said to be unknown.
 */
final class Bereavement {
  private static final Logger LOG = System.getLogger(Bereavement.class.getName());
  private static final int STATUS_UNKNOWN = 255;

  /**
   * The init of a pid namespace has ended only when all that lived there have been collected, by
   * whoever inherits the dead supervisor's children.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final ContainerTask task;

  Bereavement(ContainerTask task) {
    this.task = task;
  }

  void mourn(String cause) {
    task.services().happenings().tell(new Happening.SupervisorLost(task.key(), cause));
    try {
      task.cgroup().killAll();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "task {0}: ending what is left: {1}", task.key(), e.getMessage());
    }
    for (ContainerProcess exec : task.execs().all()) {
      if (exec.state() instanceof ContainerProcess.State.Running(int _, Fd pidfd)) {
        end(exec, pidfd);
      }
    }
    Supervision supervision = task.supervision();
    end(task.init(), supervision == null ? null : supervision.init());
  }

  private void end(ContainerProcess process, @Nullable Fd pidfd) {
    ExitRecord known = null;
    try {
      known = ExitRecord.read(task.folder().path(), process.id());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "task {0}: {1}", task.key(), e.getMessage());
    }
    process.drained().complete(true);
    task.events()
        .ended(
            process.id(),
            known == null ? process.pid() : known.pid(),
            known == null ? kept(pidfd, process.pid()) : ContainerProcess.Ended.of(known));
  }

  private ContainerProcess.Ended kept(@Nullable Fd pidfd, int pid) {
    try {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (pidfd != null && System.nanoTime() < end) {
        Processes.ExitStatus exit = Processes.exitOfAnother(pidfd, pid);
        if (exit != null) {
          return new ContainerProcess.Ended(
              exit.shellCode(), Instant.now(), /* outOfMemory= */ false, /* unknown= */ false);
        }
        var _ = Sleeper.SYSTEM.pause(Duration.ofMillis(1));
      }
    } catch (SyscallException | IllegalStateException e) {
      LOG.log(Level.DEBUG, "task {0}: how it ended: {1}", task.key(), e.getMessage());
    }
    return new ContainerProcess.Ended(
        STATUS_UNKNOWN, Instant.now(), /* outOfMemory= */ false, /* unknown= */ true);
  }
}
