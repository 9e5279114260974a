package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskRecord;
import io.berth.linux.SyscallException;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.OomWatch;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A container that exists: what it consists of, and in whose hands it is. What can be done with it
 * is in {@link TaskCommands} and {@link TaskExecs}.
 *
 * <p>Locks: this object's over what concerns the container as a whole, each process's over its own
 * start and end, taken in this order.
 */
public final class ContainerTask implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ContainerTask.class.getName());

  private final ShimProcessServices services;
  private final Parts parts;
  private final HookRunner hooks;
  private final ReentrantLock lock = new ReentrantLock();
  private final ContainerProcess init;
  private final TaskExecs execs = new TaskExecs(this);
  private final TaskCommands commands = new TaskCommands(this);
  private final TaskEvents events = new TaskEvents(this);
  private final AtomicReference<Control> control;
  private final CompletableFuture<ContainerTask> lost = new CompletableFuture<>();

  /** Written under the lock; read without it. */
  private volatile boolean paused;

  /**
   * What a task is made of.
   *
   * @param oomWatch null where the machine counts no memory
   */
  record Parts(
      TaskFolder folder,
      TaskRecord record,
      RuntimeSpec spec,
      Cgroup cgroup,
      @Nullable OomWatch oomWatch) {}

  /** In whose hands the container is. */
  private sealed interface Control {
    /** This shim process commands the supervisor. */
    record Held(Supervision supervision) implements Control {}

    /** The supervisor has been told to end, or will not be missed if it does. */
    record Ending(Supervision supervision) implements Control {}

    /** The supervisor is dead. */
    record Orphaned() implements Control {}

    /** This shim process has nothing to do with the container any more. */
    record LetGo() implements Control {}
  }

  /** A null supervision says that the supervisor is dead. */
  ContainerTask(
      ShimProcessServices services, Parts parts, @Nullable Supervision supervision, int pid) {
    this.services = services;
    this.parts = parts;
    this.hooks = new HookRunner(parts.spec, parts.record.id(), parts.record.bundle());
    this.init = ContainerProcess.init(parts.record.stdio(), pid);
    this.control =
        new AtomicReference<>(
            supervision == null ? new Control.Orphaned() : new Control.Held(supervision));
  }

  /** Tells whoever watches this shim process when the kernel kills for want of memory. */
  static @Nullable OomWatch watchMemory(ShimProcessServices services, TaskKey key, Cgroup cgroup) {
    try {
      return OomWatch.start(
          cgroup.folders(),
          services.poller(),
          () -> services.happenings().tell(new Happening.OutOfMemory(key)));
    } catch (SyscallException e) {
      LOG.log(Level.WARNING, "task {0}: want of memory will not be told: {1}", key, e.getMessage());
      return null;
    }
  }

  /** From now on what the supervisor tells is dealt with. */
  void attend(Supervision.Relay relay) {
    relay.to(events);
  }

  /**
   * Completes when another shim process has taken the container over. It does not complete for one
   * that is let go.
   */
  public CompletableFuture<ContainerTask> lost() {
    return lost;
  }

  /** The name of the task. */
  public TaskKey key() {
    return parts.record.key();
  }

  /** The folder with the specification, as the client named it. */
  public String bundle() {
    return parts.record.bundle();
  }

  TaskFolder folder() {
    return parts.folder;
  }

  TaskRecord record() {
    return parts.record;
  }

  HookRunner hooks() {
    return hooks;
  }

  ShimProcessServices services() {
    return services;
  }

  ReentrantLock lock() {
    return lock;
  }

  RuntimeSpec spec() {
    return parts.spec;
  }

  /** Its cgroup. */
  public Cgroup cgroup() {
    return parts.cgroup;
  }

  /** Its first process. */
  public ContainerProcess init() {
    return init;
  }

  /** The processes that were added. */
  public TaskExecs execs() {
    return execs;
  }

  /** What clients can have done with it. */
  public TaskCommands commands() {
    return commands;
  }

  TaskEvents events() {
    return events;
  }

  /** Whether its processes stand still. */
  public boolean isPaused() {
    return paused;
  }

  void paused(boolean now) {
    paused = now;
  }

  /** The state of the init in the words of containerd's error messages. */
  String stateWord() {
    return paused && init.isRunning() ? "paused" : init.stateWord();
  }

  /** The supervision, in whatever state the connection is; null if the supervisor is dead. */
  @Nullable Supervision supervision() {
    return switch (control.get()) {
      case Control.Held(Supervision supervision) -> supervision;
      case Control.Ending(Supervision supervision) -> supervision;
      case Control.Orphaned _, Control.LetGo _ -> null;
    };
  }

  /** The supervision; UNAVAILABLE if there is none. */
  Supervision supervisor() {
    Supervision supervisor = supervision();
    if (supervisor == null) {
      throw new BerthException.Unavailable(
          "task `" + parts.record.id() + "`: its supervisor is not connected");
    }
    return supervisor;
  }

  /** The supervision of a container that this shim process means to keep; null otherwise. */
  @Nullable Supervision heldSupervision() {
    return control.get() instanceof Control.Held(Supervision supervision) ? supervision : null;
  }

  /** The supervisor is about to be told to end, so that its end is no surprise. */
  void isEnding() {
    var _ =
        control.updateAndGet(now ->
            now instanceof Control.Held(Supervision supervision)
                ? new Control.Ending(supervision)
                : now);
  }

  /** Another shim process commands the supervisor now. */
  void isLost() {
    LOG.log(Level.INFO, "task {0}: controlled by another now", key());
    lost.complete(this);
  }

  /** The number of the supervisor's process; 0 if it is gone. */
  public int supervisorPid() {
    Supervision supervision = supervision();
    return supervision == null ? 0 : supervision.pid();
  }

  /** The number under which this process controls the supervisor; 0 if that is gone. */
  public long epoch() {
    Supervision supervision = supervision();
    return supervision == null ? 0 : supervision.epoch();
  }

  /**
   * A process by the id of its exec, which is empty for the init.
   *
   * @throws BerthException.NotFound if there is none
   */
  public ContainerProcess process(String execId) {
    ContainerProcess process = processOrNull(execId);
    if (process == null) {
      throw new BerthException.NotFound(
          "exec `" + execId + "` of task `" + parts.record.id() + "`");
    }
    return process;
  }

  @Nullable ContainerProcess processOrNull(String execId) {
    return execId.isEmpty() ? init : execs.find(execId);
  }

  /**
   * Waits for a process's end; interruptible.
   *
   * @throws BerthException.Unavailable if this shim process lets the container go meanwhile
   */
  public ContainerProcess.Ended awaitEnd(String execId) throws InterruptedException {
    try {
      return process(execId).ended().get();
    } catch (ExecutionException e) {
      throw new BerthException.Unavailable(hasBeenLetGo(), e);
    }
  }

  private String hasBeenLetGo() {
    return "task `" + parts.record.id() + "` has been let go";
  }

  /** A process of the container's cgroup; exec id empty unless it is the first one of an exec. */
  public record Member(int pid, String execId) {}

  /** All processes of the container. */
  public List<Member> members() throws IOException {
    List<Member> members = new ArrayList<>();
    for (int pid : parts.cgroup.pids()) {
      members.add(new Member(pid, execs.idOfRunning(pid)));
    }
    return members;
  }

  /** Lets it go: the container is not touched, and whoever waits for it is told. */
  @Override
  public void close() {
    Control before = control.getAndSet(new Control.LetGo());
    if (before instanceof Control.LetGo) {
      return;
    }
    if (parts.oomWatch != null) {
      parts.oomWatch.close();
    }
    switch (before) {
      case Control.Held(Supervision supervision) -> supervision.close();
      case Control.Ending(Supervision supervision) -> supervision.close();
      case Control.Orphaned _, Control.LetGo _ -> {}
    }
    services.happenings().forget(key());
    BerthException gone = new BerthException.Unavailable(hasBeenLetGo());
    init.letGo(gone);
    execs.all().forEach(exec -> exec.letGo(gone));
  }
}
