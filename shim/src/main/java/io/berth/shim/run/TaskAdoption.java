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

/** Takes over a container that another process made, by what is in its folder. */
public final class TaskAdoption {
  private static final Logger LOG = System.getLogger(TaskAdoption.class.getName());
  private static final long END_SECONDS = 10;

  private final HostServices host;
  private final TaskFolder folder;
  private final TaskRecord record;
  private final RuntimeSpec spec;
  private final Cgroup cgroup;
  private final Supervision.Relay relay = new Supervision.Relay();

  private TaskAdoption(HostServices host, TaskFolder folder, TaskRecord record) throws IOException {
    this.host = host;
    this.folder = folder;
    this.record = record;
    Path config = TaskFolder.configOf(Path.of(record.bundle()));
    this.spec = RuntimeSpec.read(Files.readAllBytes(config), config.toString());
    this.cgroup = Cgroup.at(host.cgroups(), new CgroupPath(record.cgroup()));
  }

  /**
   * The task. Whoever controlled it is told and goes.
   *
   * @throws BerthException.NotFound if there is neither a supervisor nor anything that it left; a
   *     creation that was not finished has been undone then
   */
  public static ContainerTask adopt(HostServices host, TaskFolder folder, TaskKey key)
      throws IOException {
    TaskRecord record = folder.recordIfThere();
    if (record == null) {
      throw new BerthException.NotFound("task `" + key.id() + "`: nothing is in its folder");
    }
    if (!record.key().equals(key)) {
      throw new BerthException.FailedPrecondition(
          "task `" + key + "`: its folder belongs to `" + record.key() + "`");
    }
    return new TaskAdoption(host, folder, record).run();
  }

  /** Ends a container that nobody needs any more, however far it came; its folder stays. */
  public static void end(HostServices host, TaskFolder folder) throws IOException {
    TaskRecord record = folder.recordIfThere();
    if (record == null) {
      return;
    }
    RequestIds requests = RequestIds.of(null);
    try (ContainerTask task = adopt(host, folder, record.key())) {
      if (task.init().phase() == TaskProcess.Phase.RUNNING) {
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
    ContainerTask task = task(supervision, supervision.hello().initPid());
    restore(task, state);
    task.attend(relay);
    return task;
  }

  private @Nullable Supervision connect() throws IOException {
    SupervisorConnection connection;
    try {
      connection = host.supervisors().connect(folder.supervisorSocket(), relay);
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

  private ContainerTask task(@Nullable Supervision supervision, int pid) {
    return new ContainerTask(
        host, new ContainerTask.Parts(folder, record, spec, cgroup, supervision), pid);
  }

  private void restore(ContainerTask task, SupervisorConnection.State state) throws IOException {
    for (ExecRecord exec : execs()) {
      task.restore(TaskProcess.exec(exec));
    }
    task.paused(cgroup.isFrozen());
    List<SupervisorConnection.ProcessState> ended = new ArrayList<>();
    for (SupervisorConnection.ProcessState known : state.processes()) {
      TaskProcess process = find(task, known.id());
      if (process == null) {
        continue;
      }
      process.born(known.pid());
      if (known.phase() != Phase.CREATED) {
        process.runs();
      }
      if (known.drained()) {
        process.drained().complete(true);
      }
      if (known.exit() != null) {
        // The init last: its end waits for theirs.
        ended.add(known.id().isEmpty() ? ended.size() : 0, known);
      }
    }
    for (SupervisorConnection.ProcessState known : ended) {
      task.ended(known.id(), known.pid(), how(known));
    }
  }

  private static @Nullable TaskProcess find(ContainerTask task, String id) {
    if (id.isEmpty()) {
      return task.init();
    }
    for (TaskProcess exec : task.execs()) {
      if (exec.id().equals(id)) {
        return exec;
      }
    }
    return null;
  }

  private TaskProcess.Ended how(SupervisorConnection.ProcessState known) throws IOException {
    ExitRecord written = ExitRecord.read(folder.path(), known.id());
    if (written != null) {
      return TaskProcess.Ended.of(written);
    }
    SupervisorConnection.ProcessState.Exit exit = known.exit();
    if (exit == null) {
      throw new IllegalStateException("process `" + known.id() + "` has not ended");
    }
    return TaskProcess.Ended.of(
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

  /** The supervisor is dead; what it wrote down is all that is known. */
  private ContainerTask orphaned() throws IOException {
    boolean lived =
        Files.exists(folder.supervisorSocket())
            || ExitRecord.read(folder.path(), "") != null
            || !cgroup.pids().isEmpty();
    if (!lived) {
      undo(null);
      throw new BerthException.NotFound("task `" + record.id() + "`: it has no supervisor");
    }
    ContainerTask task = task(null, 0);
    for (ExecRecord exec : execs()) {
      TaskProcess process = TaskProcess.exec(exec);
      ExitRecord exit = ExitRecord.read(folder.path(), exec.id());
      if (exit != null) {
        process.born(exit.pid());
        process.runs();
      }
      task.restore(process);
    }
    ExitRecord exit = ExitRecord.read(folder.path(), "");
    if (exit != null) {
      task.init().born(exit.pid());
    }
    task.init().runs();
    new Bereavement(task).mourn("it was gone when the task was looked for");
    return task;
  }

  private void undo(@Nullable Supervision supervision) throws IOException {
    if (supervision != null) {
      try (supervision) {
        TaskDeletion.shutDown(host, supervision);
      }
    }
    cgroup.killAll();
    TaskDeletion.unmountRoot(record);
    TaskDeletion.removeCgroup(host, cgroup);
    folder.deleteWhatShimsMade();
  }
}
