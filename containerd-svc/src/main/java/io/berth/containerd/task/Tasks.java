package io.berth.containerd.task;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence;
import io.berth.containerd.shimprocess.CgroupProcess;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.oci.runtime.ProcessSpec;
import io.grpc.Context;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of this instance and what can be done with them. An exec id that is empty means the
 * init. Calls on a task that is not there fail with {@link BerthException.NotFound}. Thread-safe;
 * calls block for as long as the shim takes, unless they say that they do not.
 */
@Singleton
public final class Tasks {
  /** A container's wish for a shim process of its own: {@code pool} or {@code container}. */
  public static final String ISOLATION_LABEL = "io.berth.shim.isolation";

  /** Bytes: as much as a plan may have, and more than the kernel takes. */
  private static final int MAX_EXEC_SPEC = 6 << 20;

  /** Bytes; longer ones go by file, for a shim process takes messages of at most 256 KiB. */
  private static final int INLINE_EXEC_SPEC = 128 << 10;

  /** Longer than it takes to find a shim process that hangs and to have another one answer. */
  private static final Duration STATE_PATIENCE = Duration.ofSeconds(10);

  private final TaskTable table;
  private final Creations creations;
  private final Deletions deletions;
  private final Shims shims;
  private final ExitLedger ledger;
  private final EventBroker events;

  @Inject
  Tasks(
      TaskTable table,
      Creations creations,
      Deletions deletions,
      Shims shims,
      ExitLedger ledger,
      EventBroker events) {
    this.table = table;
    this.creations = creations;
    this.deletions = deletions;
    this.shims = shims;
    this.ledger = ledger;
    this.events = events;
  }

  /**
   * What a task is made from.
   *
   * @param rootfs what is mounted to be its root, in this order; empty if its root is a folder
   * @param options of the runtime; empty: those of the container
   * @param runtimePath empty: the container's runtime
   * @param attach lets a client attach before the program runs
   */
  public record Creation(
      TaskKey key,
      List<RootfsMount> rootfs,
      Stdio stdio,
      Any options,
      String runtimePath,
      @Nullable AttachToken attach) {
    public Creation {
      rootfs = List.copyOf(rootfs);
    }
  }

  /** Who knows what containers need beyond their record. Set once, before the first call. */
  public void prepareWith(TaskPreparer wanted) {
    creations.prepareWith(wanted);
  }

  /** Has the exit of each init told to {@code listener}, after it was told to clients. */
  public void onInitExit(BiConsumer<TaskKey, Exit> listener) {
    ledger.onInitExit((task, exit) -> listener.accept(task.key(), exit));
  }

  /** Whether the container has a task. Does not block. */
  public boolean isPresent(TaskKey key) {
    return table.find(key) != null;
  }

  /** ABSENT, which says why, while no container could live on this host. Does not block. */
  public void checkPlace() {
    shims.check();
  }

  /**
   * Answers the init's pid. After a failure there is no task, and the id can be used again; if the
   * client goes away meanwhile, or its time is over, that is a failure.
   */
  public int create(Creation wanted) {
    Context client = Detached.client();
    return Detached.run(() -> creations.create(wanted, client));
  }

  /** Lets a created process run; answers its pid. */
  public int start(TaskKey key, String execId) {
    return Detached.run(() -> {
      Task task = table.get(key);
      TaskProcess process = task.process(execId);
      var _ = process.change(ProcessState::startBegins);
      try {
        int pid = shims.call(task, shim -> shim.start(execId));
        ledger.started(task, process, pid);
        return pid;
      } catch (RuntimeException e) {
        ledger.notStarted(task, process);
        throw e;
      }
    });
  }

  /** Removes a task that has stopped or was never started; answers how its init ended. */
  public Exit delete(TaskKey key) {
    return Detached.run(() -> deletions.delete(key));
  }

  /** Removes an exec that has stopped or was never started, or with the init the task. */
  public Exit deleteProcess(TaskKey key, String execId) {
    return execId.isEmpty() ? delete(key) : Detached.run(() -> deletions.deleteExec(key, execId));
  }

  /**
   * Adds a process, which runs after {@link #start}.
   *
   * @param spec a document of the runtime specification ({@code Process})
   * @throws BerthException.InvalidArgument if the id or the specification breaks a rule
   * @throws BerthException.AlreadyExists if the id is taken
   */
  public void exec(TaskKey key, String execId, Stdio stdio, Any spec) {
    checkExec(execId, spec);
    Detached.run(() -> {
      Task task = table.get(key);
      task.addExec(execId, stdio);
      try {
        Any sent = forShim(task, execId, spec);
        shims.run(task, shim -> shim.exec(execId, stdio, sent));
      } catch (RuntimeException e) {
        task.removeExec(execId);
        task.folder().deleteProcess(execId);
        throw e;
      }
      events.publish(key.namespace(), new Occurrence.ExecAdded(key.id(), execId));
      return null;
    });
  }

  private static void checkExec(String execId, Any spec) {
    Identifier.check(execId);
    if (spec.equals(Any.getDefaultInstance())) {
      throw new BerthException.InvalidArgument("exec `" + execId + "`: spec must be set");
    }
    if (spec.getValue().size() > MAX_EXEC_SPEC) {
      throw new BerthException.InvalidArgument(
          "exec `" + execId + "`: its specification has more than " + MAX_EXEC_SPEC + " bytes");
    }
    var _ =
        ProcessSpec.read(
            spec.getValue().toByteArray(), "process specification of exec `" + execId + "`");
  }

  private static Any forShim(Task task, String execId, Any spec) {
    if (spec.getValue().size() <= INLINE_EXEC_SPEC) {
      return spec;
    }
    task.folder().writeProcess(execId, spec.getValue().toByteArray());
    return Anys.of(Anys.PROCESS_FILE, ByteString.EMPTY);
  }

  /** What a process is doing if that is known without asking its shim, else null. Never waits. */
  public @Nullable ProcessReport stateIfEnded(TaskKey key, String execId) {
    return table.get(key).process(execId).endedReport();
  }

  /** What its shim says; of a process whose exit is on record, that, even if the shim is gone. */
  public ProcessReport state(TaskKey key, String execId) {
    Task task = table.get(key);
    TaskProcess process = task.process(execId);
    ProcessReport ended = process.endedReport();
    if (ended != null) {
      return ended;
    }
    ProcessReport state;
    try {
      state = shims.call(task, STATE_PATIENCE, shim -> shim.state(execId));
    } catch (BerthException.NotFound e) {
      if (process.state().exit() == null) {
        throw e;
      }
      state = new ProcessReport(0, ProcessReport.Phase.UNKNOWN, Stdio.NONE, 0, null);
    }
    Exit exit = process.state().exit();
    return exit == null ? state : state.ended(exit.pid(), exit.status(), exit.at());
  }

  /** The process's end, also when its task is gone by then. */
  public CompletableFuture<Exit> ending(TaskKey key, String execId) {
    return table.get(key).process(execId).told().copy();
  }

  /** Blocks until the process has ended and that is on disk and was told. */
  public Exit await(TaskKey key, String execId) throws InterruptedException {
    try {
      return table.get(key).process(execId).told().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  /** The same, for at most so long: null if it has not ended by then. */
  public @Nullable Exit await(TaskKey key, String execId, Duration patience)
      throws InterruptedException {
    CompletableFuture<Exit> told = table.get(key).process(execId).told();
    try {
      return told.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return null;
    } catch (ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  /** The init's exit if it is on record, else null. Does not block. */
  public @Nullable Exit exitOf(TaskKey key) {
    Task task = table.find(key);
    return task == null ? null : task.init().state().exit();
  }

  /** Execs that were added and not deleted. Does not block. */
  public List<String> execs(TaskKey key) {
    return table.get(key).processes().stream()
        .map(TaskProcess::execId)
        .filter(execId -> !execId.isEmpty())
        .toList();
  }

  /** Freezes all of its processes. */
  public void pause(TaskKey key) {
    Detached.run(() -> {
      Task task = table.get(key);
      shims.run(task, shim -> shim.pause());
      task.paused(true);
      events.publish(key.namespace(), new Occurrence.TaskPaused(key.id()));
      return null;
    });
  }

  /** Lets them go on. */
  public void resume(TaskKey key) {
    Detached.run(() -> {
      Task task = table.get(key);
      shims.run(task, shim -> shim.resume());
      task.paused(false);
      events.publish(key.namespace(), new Occurrence.TaskResumed(key.id()));
      return null;
    });
  }

  /** Those of a namespace, by id. Does not block. */
  public List<TaskKey> keys(String namespace) {
    return table.keys(namespace);
  }

  /** A signal for one process, or with {@code all} for every process of the container. */
  public void kill(TaskKey key, String execId, int signal, boolean all) {
    Task task = withProcess(key, execId);
    shims.run(task, shim -> shim.kill(execId, signal, all));
  }

  /** The size of a process's terminal, in characters; nothing without one. */
  public void resize(TaskKey key, String execId, int rows, int columns) {
    Task task = withProcess(key, execId);
    shims.run(task, shim -> shim.resize(execId, columns, rows));
  }

  /** Closes the process's stdin if {@code stdin} is set. */
  public void closeIo(TaskKey key, String execId, boolean stdin) {
    Task task = withProcess(key, execId);
    shims.run(task, shim -> shim.closeIo(execId, stdin));
  }

  /** New limits, as a document of the runtime specification ({@code LinuxResources}). */
  public void update(TaskKey key, byte[] resources) {
    update(key, Anys.of(Anys.LINUX_RESOURCES, ByteString.copyFrom(resources)), Map.of());
  }

  /** The same as a client packed it, with annotations. */
  public void update(TaskKey key, Any resources, Map<String, String> annotations) {
    shims.run(table.get(key), shim -> shim.update(resources, annotations));
  }

  /** All processes of the container, by the machine's numbers. */
  public List<CgroupProcess> pids(TaskKey key) {
    return shims.call(table.get(key), shim -> shim.pids());
  }

  /** What the container uses; a message of containerd's metrics. */
  public Any stats(TaskKey key) {
    return shims.call(table.get(key), shim -> shim.stats());
  }

  /**
   * What is known of a task without asking anybody; null without one. Just after a start of this
   * service it waits until the shim has told.
   */
  public @Nullable Glance glance(TaskKey key) {
    Task task = table.find(key);
    return task == null ? null : task.glance();
  }

  /**
   * A task at a glance.
   *
   * @param pid of the init
   * @param started whether the init's program runs or ran
   * @param running whether it runs; also while it is paused
   * @param exit null while it is not on record
   */
  public record Glance(
      int pid, boolean started, boolean running, boolean paused, @Nullable Exit exit) {}

  /** NOT_FOUND if the task or its exec is not there. Does not block. */
  public void checkProcess(TaskKey key, String execId) {
    var _ = withProcess(key, execId);
  }

  private Task withProcess(TaskKey key, String execId) {
    Task task = table.get(key);
    var _ = task.process(execId);
    return task;
  }

  /** The next client that shows this token to the supervisor is let in. */
  public void allowAttach(TaskKey key, String execId, AttachToken token) {
    shims.allowAttach(table.get(key), execId, token);
  }

  /** Where a client attaches. Does not block. */
  public Path supervisorSocket(TaskKey key) {
    return table.folder(key).supervisorSocket();
  }

  /** The task's folder. Does not block. */
  public Path folderOf(TaskKey key) {
    return table.folder(key).path();
  }
}
