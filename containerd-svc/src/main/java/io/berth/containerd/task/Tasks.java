package io.berth.containerd.task;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.containerd.events.TaskCreate;
import io.berth.api.containerd.events.TaskDelete;
import io.berth.api.containerd.events.TaskExecAdded;
import io.berth.api.containerd.events.TaskIO;
import io.berth.api.containerd.events.TaskPaused;
import io.berth.api.containerd.events.TaskResumed;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.DeleteResponse;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.ResizePtyRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.UpdateTaskRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Topics;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.metadata.NamespaceTable;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.RuntimeSpec;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of this instance and what can be done with them. Thread-safe; calls block for as long
 * as the shim takes.
 */
@Singleton
public final class Tasks {
  /** A container's wish for a host process of its own: {@code pool} or {@code container}. */
  public static final String ISOLATION_LABEL = "io.berth.shim.isolation";

  /** Bytes: as much as a plan may have, and more than the kernel takes. */
  private static final int MAX_EXEC_SPEC = 6 << 20;

  /** Bytes; longer ones go by file, for a host process takes messages of at most 256 KiB. */
  private static final int INLINE_EXEC_SPEC = 128 << 10;

  private static final Duration STATE_PATIENCE = Duration.ofSeconds(2);

  private final Config config;
  private final ContainerRecords records;
  private final NamespaceTable namespaces;
  private final EventBroker events;
  private final ExitTable exits;
  private final ExitLedger ledger;
  private final Shims shims;
  private final InstantSource clock;
  private final Map<TaskKey, Task> tasks = new ConcurrentHashMap<>();
  private volatile TaskPreparer preparer = (_, _) -> null;

  @Inject
  Tasks(
      Config config,
      ContainerRecords records,
      NamespaceTable namespaces,
      EventBroker events,
      ExitTable exits,
      ExitLedger ledger,
      Shims shims,
      InstantSource clock) {
    this.config = config;
    this.records = records;
    this.namespaces = namespaces;
    this.events = events;
    this.exits = exits;
    this.ledger = ledger;
    this.shims = shims;
    this.clock = clock;
  }

  /**
   * What a task is made from.
   *
   * @param options empty: those of the container
   * @param runtimePath empty: the container's runtime
   */
  public record Creation(
      TaskKey key, List<Mount> rootfs, Stdio stdio, Any options, String runtimePath) {}

  /** Whose containers need more than their record says. Set once, before the first call. */
  public void prepareWith(TaskPreparer wanted) {
    preparer = wanted;
  }

  /** Called with the exit of each init after it was told. */
  public void onInitExit(BiConsumer<TaskKey, Exit> listener) {
    ledger.onInitExit((task, exit) -> listener.accept(task.key(), exit));
  }

  /** Whether the container has a task. */
  public boolean isPresent(TaskKey key) {
    return tasks.containsKey(key);
  }

  Map<TaskKey, Task> all() {
    return tasks;
  }

  /** NOT_FOUND for a container without a task, and for no container. */
  Task task(TaskKey key) {
    Task task = tasks.get(key);
    if (task == null || task.isCreating()) {
      records.get(key);
      throw new BerthException.NotFound("task " + key.id());
    }
    return task;
  }

  /** Answers the init's pid. After a failure there is no task, and the id can be used again. */
  public int create(Creation wanted) {
    return Detached.run(() -> {
      TaskKey key = wanted.key();
      ContainerRecord container = records.get(key);
      Runtimes.check(
          wanted.runtimePath().isEmpty() ? container.runtime().name() : wanted.runtimePath());
      Any options =
          wanted.options().equals(Any.getDefaultInstance())
              ? container.runtime().options()
              : wanted.options();
      Runtimes.checkOptions(options, container.runtime().name());
      byte[] spec = container.spec().getValue().toByteArray();
      RuntimeSpec parsed =
          RuntimeSpec.read(spec, "specification of container \"" + key.id() + "\"");
      if (tasks.containsKey(key)) {
        throw new BerthException.AlreadyExists("task " + key.id());
      }
      TaskPreparer.Prepared prepared = preparer.prepare(key, container);
      Task task =
          new Task(
              key,
              taskFolder(key),
              isExclusive(container, key.namespace()),
              prepared != null && prepared.ephemeral(),
              /* recovered= */ false);
      if (tasks.putIfAbsent(key, task) != null) {
        throw new BerthException.AlreadyExists("task " + key.id());
      }
      try {
        return make(task, wanted, options, prepared, spec, parsed.linux().cgroupsPath());
      } catch (RuntimeException e) {
        shims.abandon(task);
        task.folder().delete();
        tasks.remove(key, task);
        throw e;
      }
    });
  }

  private int make(
      Task task,
      Creation wanted,
      Any options,
      TaskPreparer.@Nullable Prepared prepared,
      byte[] spec,
      String cgroupsPath) {
    TaskKey key = task.key();
    Stdio asked = wanted.stdio();
    String log = prepared == null ? "" : prepared.logUri();
    Stdio stdio =
        asked.stdout().isEmpty() && asked.stderr().isEmpty() && !log.isEmpty()
            ? new Stdio(asked.stdin(), log, log, asked.terminal())
            : asked;
    Map<String, Path> links = prepared == null ? Map.of() : prepared.links();
    task.folder()
        .make(TaskMessages.intent(task, wanted.rootfs(), stdio, options, cgroupsPath), spec, links);
    if (!exits.of(key).isEmpty()) {
      exits.removeAll(key);
    }
    task.locked(() -> task.init().stdio = stdio);
    CreateTaskRequest.Builder create =
        CreateTaskRequest.newBuilder()
            .setId(key.id())
            .setBundle(task.folder().bundle().toString())
            .addAllRootfs(wanted.rootfs())
            .setStdin(stdio.stdin())
            .setStdout(stdio.stdout())
            .setStderr(stdio.stderr())
            .setTerminal(stdio.terminal());
    if (!options.equals(Any.getDefaultInstance())) {
      create.setOptions(options);
    }
    int pid =
        shims.place(
            task,
            PlaceRequest.newBuilder()
                .setNamespace(key.namespace())
                .setId(key.id())
                .setFolder(task.folder().path().toString())
                .setCreate(create)
                .setEphemeral(task.isEphemeral())
                .build());
    task.folder().confirm(pid);
    events.publish(
        key.namespace(),
        Topics.TASK_CREATE,
        TaskCreate.newBuilder()
            .setContainerId(key.id())
            .setBundle(task.folder().bundle().toString())
            .addAllRootfs(wanted.rootfs())
            .setIo(
                TaskIO.newBuilder()
                    .setStdin(stdio.stdin())
                    .setStdout(stdio.stdout())
                    .setStderr(stdio.stderr())
                    .setTerminal(stdio.terminal()))
            .setPid(pid)
            .build());
    task.created(pid);
    return pid;
  }

  private boolean isExclusive(ContainerRecord container, String namespace) {
    String wish = container.labels().get(ISOLATION_LABEL);
    if (wish == null) {
      wish = namespaces.labels(namespace).get(NamespaceTable.ISOLATION_LABEL);
    }
    if (wish == null) {
      wish = config.text(Key.SHIM_ISOLATION);
    }
    return wish.equals("container");
  }

  /** Whether its labels, its namespace's or the configuration ask for a host of its own. */
  boolean wantsOwnHost(TaskKey key) {
    return isExclusive(records.get(key), key.namespace());
  }

  /** Of the init, or of an exec; answers the pid. */
  public int start(TaskKey key, String execId) {
    return Detached.run(() -> {
      Task task = task(key);
      TaskProcess process = task.process(execId);
      task.locked(() -> process.starting = true);
      try {
        StartRequest request = StartRequest.newBuilder().setId(key.id()).setExecId(execId).build();
        int pid = shims.call(task, stub -> stub.start(request)).getPid();
        ledger.started(task, process, pid);
        return pid;
      } catch (RuntimeException e) {
        ledger.notStarted(task, process);
        throw e;
      }
    });
  }

  /** Of a task that has stopped or was never started; answers how its init ended. */
  public Exit delete(TaskKey key) {
    return Detached.run(() -> {
      Task task = task(key);
      task.beginDeletion();
      boolean done = false;
      try {
        Exit exit = deleteInShim(task, task.init());
        shims.unlink(task);
        exits.removeAll(key);
        task.folder().delete();
        tasks.remove(key, task);
        events.publish(
            key.namespace(),
            Topics.TASK_DELETE,
            TaskDelete.newBuilder()
                .setContainerId(key.id())
                .setPid(exit.pid())
                .setExitStatus(exit.status())
                .setExitedAt(Timestamps.of(exit.at()))
                .build());
        done = true;
        return exit;
      } finally {
        if (!done) {
          task.resumeLife();
        }
      }
    });
  }

  /** Of an exec that has stopped or was never started; the empty exec is the init. */
  public Exit deleteProcess(TaskKey key, String execId) {
    if (execId.isEmpty()) {
      return delete(key);
    }
    return Detached.run(() -> {
      Task task = task(key);
      Exit exit = deleteInShim(task, task.process(execId));
      task.removeExec(execId);
      exits.remove(key, execId);
      return exit;
    });
  }

  private Exit deleteInShim(Task task, TaskProcess process) {
    DeleteRequest request =
        DeleteRequest.newBuilder().setId(task.key().id()).setExecId(process.execId()).build();
    Exit known = recorded(task, process);
    try {
      DeleteResponse answer = shims.call(task, stub -> stub.delete(request));
      Exit told =
          new Exit(
              answer.getPid(),
              answer.getExitStatus(),
              answer.hasExitedAt() ? Timestamps.instant(answer.getExitedAt()) : clock.instant(),
              false,
              false);
      if (known == null && wasStarted(task, process)) {
        // The shim was asked before its host had told us: the exit's event still comes first.
        ledger.record(task, process, told);
        known = recorded(task, process);
      }
      return known == null ? told : known;
    } catch (BerthException.NotFound e) {
      // The supervisor is gone, or an earlier deletion got this far.
      known = recorded(task, process);
      if (known == null) {
        throw e;
      }
      return known;
    }
  }

  private static @Nullable Exit recorded(Task task, TaskProcess process) {
    task.lock.lock();
    try {
      return process.exit;
    } finally {
      task.lock.unlock();
    }
  }

  private static boolean wasStarted(Task task, TaskProcess process) {
    task.lock.lock();
    try {
      return process.started;
    } finally {
      task.lock.unlock();
    }
  }

  private static Any forShim(Task task, String execId, Any spec) {
    if (spec.getValue().size() <= INLINE_EXEC_SPEC) {
      return spec;
    }
    task.folder().writeProcess(execId, spec.getValue().toByteArray());
    return Anys.of(Anys.PROCESS_FILE, ByteString.EMPTY);
  }

  /** Adds a process; it runs after {@link #start}. */
  public void exec(TaskKey key, String execId, Stdio stdio, Any spec) {
    Identifier.check(execId);
    if (spec.equals(Any.getDefaultInstance())) {
      throw new BerthException.InvalidArgument("exec `" + execId + "`: spec must be set");
    }
    if (spec.getValue().size() > MAX_EXEC_SPEC) {
      throw new BerthException.InvalidArgument(
          "exec `" + execId + "`: its specification has more than " + MAX_EXEC_SPEC + " bytes");
    }
    ProcessSpec.read(
        spec.getValue().toByteArray(), "process specification of exec `" + execId + "`");
    Detached.run(() -> {
      Task task = task(key);
      TaskProcess process = task.addExec(execId);
      task.locked(() -> process.stdio = stdio);
      try {
        ExecProcessRequest request =
            ExecProcessRequest.newBuilder()
                .setId(key.id())
                .setExecId(execId)
                .setStdin(stdio.stdin())
                .setStdout(stdio.stdout())
                .setStderr(stdio.stderr())
                .setTerminal(stdio.terminal())
                .setSpec(forShim(task, execId, spec))
                .build();
        var _ = shims.call(task, stub -> stub.exec(request));
      } catch (RuntimeException e) {
        task.removeExec(execId);
        task.folder().deleteProcess(execId);
        throw e;
      }
      events.publish(
          key.namespace(),
          Topics.TASK_EXEC_ADDED,
          TaskExecAdded.newBuilder().setContainerId(key.id()).setExecId(execId).build());
      return null;
    });
  }

  /** Of one whose exit is recorded; null: its shim must be asked. Never waits. */
  @Nullable StateResponse stateIfEnded(TaskKey key, String execId) {
    Task task = task(key);
    return TaskMessages.ended(task, task.process(execId));
  }

  /** As its shim says; of one whose exit is recorded, that exit, also when the shim is gone. */
  public StateResponse state(TaskKey key, String execId) {
    Task task = task(key);
    TaskProcess process = task.process(execId);
    StateResponse ended = TaskMessages.ended(task, process);
    if (ended != null) {
      return ended;
    }
    StateRequest request = StateRequest.newBuilder().setId(key.id()).setExecId(execId).build();
    StateResponse state;
    try {
      state = shims.call(task, STATE_PATIENCE, stub -> stub.state(request));
    } catch (BerthException.NotFound e) {
      if (recorded(task, process) == null) {
        throw e;
      }
      state = StateResponse.getDefaultInstance();
    }
    Exit exit = recorded(task, process);
    if (exit == null) {
      return state;
    }
    return state.toBuilder()
        .setPid(exit.pid())
        .setStatus(Status.STOPPED)
        .setExitStatus(exit.status())
        .setExitedAt(Timestamps.of(exit.at()))
        .build();
  }

  /** The process's end, also when its task is gone by then. */
  public CompletableFuture<Exit> ending(TaskKey key, String execId) {
    return task(key).process(execId).told().copy();
  }

  /** Blocks until the process has ended and that is on disk and was told. */
  public Exit await(TaskKey key, String execId) throws InterruptedException {
    try {
      return task(key).process(execId).told().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  /** The same, for at most so long: null if it has not ended by then. */
  public @Nullable Exit await(TaskKey key, String execId, Duration patience)
      throws InterruptedException {
    CompletableFuture<Exit> told = task(key).process(execId).told();
    try {
      return told.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return null;
    } catch (ExecutionException e) {
      throw new IllegalStateException("an exit cannot fail", e);
    }
  }

  /** The init's exit if it is recorded, else null. */
  public @Nullable Exit exitOf(TaskKey key) {
    Task task = tasks.get(key);
    return task == null ? null : recorded(task, task.init());
  }

  /** Execs that were added and not deleted. */
  public List<String> execs(TaskKey key) {
    return task(key).processes().stream()
        .map(TaskProcess::execId)
        .filter(execId -> !execId.isEmpty())
        .toList();
  }

  /** Freezes all of its processes. */
  public void pause(TaskKey key) {
    Detached.run(() -> {
      Task task = task(key);
      var _ =
          shims.call(task, stub -> stub.pause(PauseRequest.newBuilder().setId(key.id()).build()));
      task.paused(true);
      events.publish(
          key.namespace(),
          Topics.TASK_PAUSED,
          TaskPaused.newBuilder().setContainerId(key.id()).build());
      return null;
    });
  }

  /** Lets them go on. */
  public void resume(TaskKey key) {
    Detached.run(() -> {
      Task task = task(key);
      var _ =
          shims.call(task, stub -> stub.resume(ResumeRequest.newBuilder().setId(key.id()).build()));
      task.paused(false);
      events.publish(
          key.namespace(),
          Topics.TASK_RESUMED,
          TaskResumed.newBuilder().setContainerId(key.id()).build());
      return null;
    });
  }

  /** Those of a namespace, by id. */
  public List<TaskKey> keys(String namespace) {
    return tasks.keySet().stream()
        .filter(key -> key.namespace().equals(namespace))
        .sorted()
        .toList();
  }

  /** A signal for one process, or with `all` for every process of the container. */
  public void kill(TaskKey key, String execId, int signal, boolean all) {
    checkProcess(key, execId);
    KillRequest request =
        KillRequest.newBuilder()
            .setId(key.id())
            .setExecId(execId)
            .setSignal(signal)
            .setAll(all)
            .build();
    var _ = relay(key, stub -> stub.kill(request));
  }

  /** The window of a process's terminal; nothing without one. */
  public void resize(TaskKey key, String execId, int rows, int columns) {
    checkProcess(key, execId);
    ResizePtyRequest request =
        ResizePtyRequest.newBuilder()
            .setId(key.id())
            .setExecId(execId)
            .setWidth(columns)
            .setHeight(rows)
            .build();
    var _ = relay(key, stub -> stub.resizePty(request));
  }

  /** New limits, as a document of the runtime specification. */
  public void update(TaskKey key, byte[] resources) {
    UpdateTaskRequest request =
        UpdateTaskRequest.newBuilder()
            .setId(key.id())
            .setResources(Anys.of(Anys.LINUX_RESOURCES, ByteString.copyFrom(resources)))
            .build();
    var _ = relay(key, stub -> stub.update(request));
  }

  /** All processes of the container, by the host's numbers. */
  public List<ProcessInfo> pids(TaskKey key) {
    return relay(key, stub -> stub.pids(PidsRequest.newBuilder().setId(key.id()).build()))
        .getProcessesList();
  }

  /**
   * What is known of a task without asking anybody; null without one. Just after a start of this
   * service it waits until the shim has told.
   */
  public @Nullable Glance glance(TaskKey key) {
    Task task = tasks.get(key);
    return task == null ? null : task.glance();
  }

  /**
   * A task at a glance.
   *
   * @param started or the exit is known already
   * @param exit null while it is not recorded
   */
  public record Glance(
      int pid, boolean started, boolean running, boolean paused, @Nullable Exit exit) {}

  /** Any other call on the task's shim. */
  <T> T relay(TaskKey key, Shims.Call<T> call) {
    return shims.call(task(key), call);
  }

  /** Whether the exec is there; NOT_FOUND otherwise. */
  void checkProcess(TaskKey key, String execId) {
    task(key).process(execId);
  }

  /** The next client that shows this token to the supervisor is let in. */
  public void allowAttach(TaskKey key, AllowAttachRequest request) {
    shims.allowAttach(task(key), request);
  }

  private TaskFolder taskFolder(TaskKey key) {
    return new StateFolders(config.state()).task(key);
  }

  /** Where a client attaches. */
  public Path supervisorSocket(TaskKey key) {
    return taskFolder(key).supervisorSocket();
  }

  /** The task's folder. */
  public Path folderOf(TaskKey key) {
    return taskFolder(key).path();
  }
}
