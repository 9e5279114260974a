package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.supervisor.LaunchPlan;
import io.berth.linux.supervisor.PeerGone;
import io.berth.linux.supervisor.Step;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.shim.cgroup.CgroupFolders;
import io.berth.shim.plan.ExecPlan;
import io.berth.shim.stdio.StreamFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/** Starts the process of an exec that was added. */
final class ExecLaunch {
  /** As many results as a supervisor remembers. */
  private static final int OPERATIONS = 64;

  private ExecLaunch() {}

  /**
   * Starts the process and answers its pid. After a failure it can be tried again. The caller holds
   * the process's lock.
   */
  static int launch(ContainerTask task, ContainerProcess process, RequestIds requests)
      throws IOException {
    ExecPlan plan = plan(task, process, task.cgroup().folders());
    try {
      return launch(task, process, plan, n -> requests.operation(1 + 2 * n));
    } catch (SupervisorException e) {
      CgroupFolders inner = innerCgroup(task, plan, e);
      if (inner == null) {
        throw failure(task, plan, e);
      }
      ExecPlan second = plan(task, process, inner);
      try {
        return launch(task, process, second, n -> requests.operation(2 + 2 * n));
      } catch (SupervisorException again) {
        throw failure(task, second, again);
      }
    }
  }

  /**
   * Whether one of the operations of this very call has made the process before: the supervisor
   * remembers what it did for which number, and a plan without steps makes nothing where it does
   * not.
   */
  static boolean wasMade(ContainerTask task, SupervisorConnection supervisor, RequestIds requests)
      throws IOException {
    LaunchPlan nothing;
    try (Handles none = new Handles(List.of(), null, task.services().mappings())) {
      nothing =
          LaunchPlan.exec(
              List.of(),
              none,
              (_, sink) -> {
                throw new IllegalStateException("a stream of a plan without steps: " + sink);
              });
    }
    for (int n = 1; n < OPERATIONS; n++) {
      try {
        Fd pidfd = Supervision.awaitLong(supervisor.exec(requests.operation(n), nothing)).pidfd();
        if (pidfd != null) {
          pidfd.close();
        }
        return true;
      } catch (SupervisorException e) {
        if (!e.is(Errno.EUSERS) && !e.is(Errno.EBUSY)) {
          return false;
        }
      }
    }
    return false;
  }

  private static int launch(
      ContainerTask task, ContainerProcess process, ExecPlan plan, IntToLongFunction request)
      throws IOException {
    Supervision supervisor = task.supervisor();
    boolean stdinClosed =
        process.state() instanceof ContainerProcess.State.Added(boolean closed) && closed;
    try (Handles handles = new Handles(List.of(), supervisor.init(), task.services().mappings());
        StreamFiles streams =
            new StreamFiles(
                task.key(),
                task.services().logPrograms(),
                Supervision.logPrograms(
                    CompletableFuture.completedFuture(supervisor.connection())))) {
      LaunchPlan launch = LaunchPlan.exec(plan.steps(), handles, streams);
      SupervisorConnection.Launched launched =
          Supervision.awaitPlace(n -> supervisor.connection().exec(request.applyAsLong(n), launch));
      process.launched(launched.pid(), launched.pidfd());
      if (stdinClosed) {
        Supervision.await(supervisor.connection().closeStdin(process.id()));
      }
      return launched.pid();
    } catch (SupervisorException e) {
      throw e;
    } catch (PeerGone e) {
      // The container ends with its supervisor.
      throw notRunning(task, e);
    } catch (IOException e) {
      throw FailedLaunch.of(null, e);
    }
  }

  private static BerthException failure(ContainerTask task, ExecPlan plan, SupervisorException e) {
    if (e.errno() == Errno.ESRCH && e.step() < 0) {
      return notRunning(task, e);
    }
    return FailedLaunch.of(plan.at(e.step()), e);
  }

  private static BerthException notRunning(ContainerTask task, IOException cause) {
    return new BerthException.FailedPrecondition(
        "container " + task.record().id() + " init process is not running", cause);
  }

  /**
   * The cgroup that the init has moved to inside the container's; null if that is not what has gone
   * wrong. A container that makes cgroups of its own, as a service manager does, passes controllers
   * on to them, and version 2 then takes no process into the folder above (cgroups(7), "no internal
   * processes" rule): the exec goes where the init is.
   */
  private static @Nullable CgroupFolders innerCgroup(
      ContainerTask task, ExecPlan plan, SupervisorException e) throws IOException {
    CgroupFolders outer = task.cgroup().folders();
    String version2 = outer.version2();
    if (e.errno() != Errno.EBUSY || !(plan.at(e.step()) instanceof Step.Cgroup2 _)) {
      return null;
    }
    Path file = Path.of("/proc", Integer.toString(task.init().pid()), "cgroup");
    for (String line : Files.readAllLines(file)) {
      String inside = task.cgroup().path().text() + "/";
      if (version2 != null && line.startsWith("0::" + inside)) {
        return outer.withVersion2(
            version2 + "/" + line.substring("0::".length() + inside.length()));
      }
    }
    return null;
  }

  private static ExecPlan plan(
      ContainerTask task, ContainerProcess process, CgroupFolders cgroups) {
    ExecRecord exec = process.exec();
    if (exec == null) {
      throw new IllegalStateException("exec `" + process.id() + "` without a record");
    }
    ProcessSpec wanted = exec.spec();
    return ExecPlan.of(
        new ExecPlan.Request(
            task.record().id(),
            process.id(),
            task.record().bundle(),
            task.spec(),
            wanted,
            process.stdio(),
            cgroups,
            task.services().filters().of(task.spec().linux().seccomp()),
            HomeFolder.ofRunning(wanted, task.init().pid()),
            task.record().noKeyring()),
        task.services().machine());
  }
}
