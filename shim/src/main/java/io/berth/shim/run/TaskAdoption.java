package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskRecord;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorConnection.Phase;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.CgroupPath;
import io.berth.shim.cgroup.OomWatch;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Takes over a container that another shim process made, by what is in its folder. */
public final class TaskAdoption {
  private static final Logger LOG = System.getLogger(TaskAdoption.class.getName());
  private static final long END_SECONDS = 10;

  private final ShimProcessServices services;
  private final TaskFolder folder;
  private final TaskRecord record;
  private final RuntimeSpec spec;
  private final Cgroup cgroup;
  private final Supervision.Relay relay = new Supervision.Relay();

  private TaskAdoption(ShimProcessServices services, TaskFolder folder, TaskRecord record)
      throws IOException {
    this.services = services;
    this.folder = folder;
    this.record = record;
    Path config = TaskFolder.configOf(Path.of(record.bundle()));
    this.spec = RuntimeSpec.read(Files.readAllBytes(config), config.toString());
    this.cgroup = Cgroup.at(services.cgroups(), new CgroupPath(record.cgroup()));
  }

  /**
   * The task. A shim process that controlled it is told and lets it go.
   *
   * @throws BerthException.NotFound if there is neither a supervisor nor anything that it left; a
   *     creation that was not finished has been undone then
   */
  public static ContainerTask adopt(ShimProcessServices services, TaskFolder folder, TaskKey key)
      throws IOException {
    TaskRecord record = folder.recordIfThere();
    if (record == null) {
      throw new BerthException.NotFound("task `" + key.id() + "`: nothing is in its folder");
    }
    if (!record.key().equals(key)) {
      throw new BerthException.FailedPrecondition(
          "task `" + key + "`: its folder belongs to `" + record.key() + "`");
    }
    return new TaskAdoption(services, folder, record).run();
  }

  /** Ends a container that nobody needs any more, however far it came. Its folder stays. */
  public static void end(ShimProcessServices services, TaskFolder folder) throws IOException {
    TaskRecord record = folder.recordIfThere();
    if (record == null) {
      return;
    }
    RequestIds requests = RequestIds.of(null);
    try (ContainerTask task = adopt(services, folder, record.key())) {
      if (task.init().isRunning()) {
        task.cgroup().killAll();
        task.init().ended().copy().orTimeout(END_SECONDS, TimeUnit.SECONDS).join();
      }
      TaskDeletion.delete(task, requests);
    } catch (BerthException.NotFound undone) {
      LOG.log(Level.DEBUG, "{0}: nothing to end", folder.path());
    } catch (CompletionException e) {
      throw new IOException("end task `" + record.key() + "`: its init does not end", e);
    }
  }

  private ContainerTask run() throws IOException {
    Supervision supervision = connect();
    if (supervision == null) {
      return orphaned();
    }
    SupervisorConnection.State state;
    try {
      state = Supervision.await(supervision.connection().state());
    } catch (IOException e) {
      supervision.close();
      throw e;
    }
    if (state.phase() == Phase.EMPTY || state.phase() == Phase.STOPPED_AT_STEP) {
      undo(supervision);
      throw new BerthException.NotFound(
          "task `" + record.id() + "`: its creation was not finished");
    }
    ContainerTask task =
        new ContainerTask(
            services,
            parts(ContainerTask.watchMemory(services, record.key(), cgroup)),
            supervision,
            supervision.hello().initPid());
    try {
      restore(task, state);
    } catch (IOException | RuntimeException e) {
      task.close();
      throw e;
    }
    task.attend(relay);
    return task;
  }

  private @Nullable Supervision connect() throws IOException {
    SupervisorConnection connection;
    try {
      connection = services.supervisors().connect(folder.supervisorSocket(), relay);
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT) || e.is(Errno.ECONNREFUSED)) {
        return null;
      }
      throw e;
    }
    try {
      return new Supervision(connection, Supervision.await(connection.takeOver()));
    } catch (IOException | RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  private ContainerTask.Parts parts(@Nullable OomWatch oomWatch) {
    return new ContainerTask.Parts(folder, record, spec, cgroup, oomWatch);
  }

  private void restore(ContainerTask task, SupervisorConnection.State state) throws IOException {
    for (ExecRecord exec : execs()) {
      task.execs().restore(ContainerProcess.exec(exec));
    }
    task.paused(cgroup.isFrozen());
    List<SupervisorConnection.ProcessState> ended = new ArrayList<>();
    for (SupervisorConnection.ProcessState known : state.processes()) {
      ContainerProcess process = task.processOrNull(known.id());
      if (process == null) {
        continue;
      }
      if (known.phase() == Phase.CREATED) {
        process.waits(known.pid());
      } else {
        process.runs(known.pid());
      }
      if (known.drained()) {
        process.drained().complete(true);
      }
      if (known.exit() != null) {
        // The init comes last, for its end waits for those of the execs.
        ended.add(known.id().isEmpty() ? ended.size() : 0, known);
      }
    }
    for (SupervisorConnection.ProcessState known : ended) {
      task.events().ended(known.id(), known.pid(), how(known));
    }
  }

  private ContainerProcess.Ended how(SupervisorConnection.ProcessState known) throws IOException {
    ExitRecord written = ExitRecord.read(folder.path(), known.id());
    if (written != null) {
      return ContainerProcess.Ended.of(written);
    }
    SupervisorConnection.ProcessState.Exit exit = known.exit();
    if (exit == null) {
      throw new IllegalStateException("process `" + known.id() + "` has not ended");
    }
    return ContainerProcess.Ended.of(
        new ExitRecord(known.id(), known.pid(), exit.how(), exit.code(), false, 0, exit.at()));
  }

  private List<ExecRecord> execs() throws IOException {
    List<ExecRecord> execs = new ArrayList<>();
    if (!Files.isDirectory(folder.execs())) {
      return execs;
    }
    try (var files = Files.newDirectoryStream(folder.execs(), "*.json")) {
      for (Path file : files) {
        if (!String.valueOf(file.getFileName()).startsWith(".")) {
          execs.add(ExecRecord.read(file));
        }
      }
    }
    return execs;
  }

  /** A task whose supervisor is dead; what that wrote down is all that is known of it. */
  private ContainerTask orphaned() throws IOException {
    boolean lived =
        Files.exists(folder.supervisorSocket())
            || ExitRecord.read(folder.path(), "") != null
            || !cgroup.pids().isEmpty();
    if (!lived) {
      undo(null);
      throw new BerthException.NotFound("task `" + record.id() + "`: it has no supervisor");
    }
    ExitRecord exit = ExitRecord.read(folder.path(), "");
    int pid = exit == null ? 0 : exit.pid();
    ContainerTask task = new ContainerTask(services, parts(null), null, pid);
    for (ExecRecord exec : execs()) {
      ContainerProcess process = ContainerProcess.exec(exec);
      ExitRecord ended = ExitRecord.read(folder.path(), exec.id());
      if (ended != null) {
        process.runs(ended.pid());
      }
      task.execs().restore(process);
    }
    task.init().runs(pid);
    new Bereavement(task).mourn("it was gone when the task was looked for");
    return task;
  }

  private void undo(@Nullable Supervision supervision) throws IOException {
    if (supervision != null) {
      try (supervision) {
        TaskDeletion.shutDown(services, supervision);
      }
    }
    cgroup.killAll();
    TaskDeletion.unmountRoot(record);
    TaskDeletion.removeCgroup(services, cgroup);
    folder.deleteWhatShimsMade();
  }
}
