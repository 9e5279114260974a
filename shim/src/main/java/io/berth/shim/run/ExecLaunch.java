package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.supervisor.LaunchPlan;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.shim.plan.ExecPlan;
import io.berth.shim.stdio.StreamFiles;
import java.io.IOException;
import java.util.List;

/** Makes the process of an exec that was added. */
final class ExecLaunch {
  private ExecLaunch() {}

  /** Its pid; after a failure it can be tried again. The caller holds the process's lock. */
  static int launch(ContainerTask task, TaskProcess process, RequestIds requests)
      throws IOException {
    Supervision supervisor = task.supervisor();
    ExecPlan plan = plan(task, process);
    String what = "start exec `" + process.id() + "` in task `" + task.record().id() + "`";
    HostServices host = task.host();
    try (Handles handles = new Handles(List.of(), supervisor.init());
        StreamFiles streams = new StreamFiles(task.key(), host.logPrograms())) {
      LaunchPlan launch = PlanWriter.write(plan, handles, streams);
      SupervisorConnection.Launched launched =
          Supervision.awaitLong(supervisor.connection().exec(requests.operation(1), launch));
      Fd pidfd = launched.pidfd();
      if (pidfd != null) {
        pidfd.close();
      }
      process.born(launched.pid());
      process.runs();
      if (process.stdinClosed()) {
        Supervision.await(supervisor.connection().closeStdin(process.id()));
      }
      return launched.pid();
    } catch (SupervisorException e) {
      if (e.errno() == Errno.ESRCH && e.step() < 0) {
        throw new BerthException.FailedPrecondition(
            "container " + task.record().id() + " init process is not running", e);
      }
      throw LaunchFailure.of(what, plan.at(e.step()), e);
    } catch (IOException e) {
      throw LaunchFailure.of(what, null, e);
    }
  }

  private static ExecPlan plan(ContainerTask task, TaskProcess process) {
    ExecRecord exec = process.exec();
    if (exec == null) {
      throw new IllegalStateException("exec `" + process.id() + "` without a record");
    }
    ProcessSpec wanted = exec.spec();
    return ExecPlan.of(
        new ExecPlan.Request(
            task.record().id(),
            process.id(),
            task.spec(),
            wanted,
            process.stdio(),
            task.cgroup().folders(),
            task.host().filters().of(task.spec().linux().seccomp()),
            HomeFolder.ofRunning(wanted, task.init().pid()),
            task.record().noKeyring()),
        task.host().hostFacts());
  }
}
