package io.berth.shim.run;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskRecord;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.linux.supervisor.SupervisorListener;
import io.berth.oci.runtime.Resources;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.OomWatch;
import io.berth.shim.stdio.Streams;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A container that exists. Methods refuse what its state forbids, with the words that containerd's
 * clients know; they block, and may be called by several threads.
 *
 * <p>Locks: this object's over what concerns the container as a whole, each process's over its own
 * start and end, taken in this order.
 */
public final class ContainerTask implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ContainerTask.class.getName());
  private static final long EXECS_END_SECONDS = 2;

  /** As long as a client may come for its output, and some more. */
  private static final Duration PROMISE = Duration.ofSeconds(75);

  private static final int MAX_PROCESS_BYTES = 8 << 20;

  private final HostServices host;
  private final TaskFolder folder;
  private final TaskRecord record;
  private final RuntimeSpec spec;
  private final Cgroup cgroup;
  private final @Nullable Supervision supervision;
  private final HookRunner hooks;
  private final ReentrantLock lock = new ReentrantLock();
  private final TaskProcess init;
  private final Map<String, TaskProcess> execs = new ConcurrentHashMap<>();
  private volatile boolean paused;
  private volatile boolean closed;
  private volatile boolean ending;
  private volatile Runnable whenLost = () -> {};
  private @Nullable OomWatch oomWatch;

  /** What a task is made of; null supervision: it died. */
  record Parts(
      TaskFolder folder,
      TaskRecord record,
      RuntimeSpec spec,
      Cgroup cgroup,
      @Nullable Supervision supervision) {}

  ContainerTask(HostServices host, Parts parts, int pid) {
    this.host = host;
    this.folder = parts.folder;
    this.record = parts.record;
    this.spec = parts.spec;
    this.cgroup = parts.cgroup;
    this.supervision = parts.supervision;
    this.hooks = new HookRunner(spec, record.id(), record.bundle());
    this.init = TaskProcess.init(record.stdio());
    init.born(pid);
  }

  /** From now on what happens to it is noticed. */
  void attend(Supervision.Relay relay) {
    try {
      oomWatch =
          OomWatch.start(
              cgroup.folders(),
              host.poller(),
              () -> host.happenings().tell(new Happening.OutOfMemory(key())));
    } catch (SyscallException e) {
      LOG.log(
          Level.WARNING, "task {0}: want of memory will not be told: {1}", key(), e.getMessage());
    }
    relay.to(new Ear());
  }

  /** Called when another has taken this container over, or its supervisor has died. */
  public void whenLost(Runnable callback) {
    whenLost = callback;
  }

  // --- looking

  /** Whose it is. */
  public TaskKey key() {
    return record.key();
  }

  /** As the client sees it. */
  public String bundle() {
    return record.bundle();
  }

  TaskFolder folder() {
    return folder;
  }

  TaskRecord record() {
    return record;
  }

  HookRunner hooks() {
    return hooks;
  }

  HostServices host() {
    return host;
  }

  ReentrantLock lock() {
    return lock;
  }

  @Nullable Supervision supervision() {
    return supervision;
  }

  RuntimeSpec spec() {
    return spec;
  }

  /** Its cgroup. */
  public Cgroup cgroup() {
    return cgroup;
  }

  /** The init. */
  public TaskProcess init() {
    return init;
  }

  /** All processes that were added. */
  public List<TaskProcess> execs() {
    return List.copyOf(execs.values());
  }

  /** Whether it stands still. */
  public boolean isPaused() {
    return paused;
  }

  void paused(boolean now) {
    paused = now;
  }

  /** Its supervisor is about to be told to end, or will not be missed if it does. */
  void isEnding() {
    ending = true;
  }

  /** Of the supervisor; 0 if it is gone. */
  public int supervisorPid() {
    return supervision == null ? 0 : supervision.pid();
  }

  /** Under which this process controls it; 0 if the supervisor is gone. */
  public long epoch() {
    return supervision == null ? 0 : supervision.epoch();
  }

  /** A process by exec id, empty for the init; NOT_FOUND. */
  public TaskProcess process(String execId) {
    if (execId.isEmpty()) {
      return init;
    }
    TaskProcess process = execs.get(execId);
    if (process == null) {
      throw new BerthException.NotFound("exec `" + execId + "` of task `" + record.id() + "`");
    }
    return process;
  }

  /** Waits for a process's end; interruptible. */
  public TaskProcess.Ended awaitEnd(String execId) throws InterruptedException {
    TaskProcess process = process(execId);
    try {
      return process.ended().get();
    } catch (ExecutionException e) {
      throw new BerthException.Unavailable("task `" + record.id() + "` has been let go", e);
    }
  }

  /** A process of the container's cgroup; exec id empty unless it is the first one of an exec. */
  public record Member(int pid, String execId) {}

  /** All processes of the container. */
  public List<Member> members() throws IOException {
    List<Member> members = new ArrayList<>();
    for (int pid : cgroup.pids()) {
      String execId = "";
      for (TaskProcess exec : execs.values()) {
        if (exec.pid() == pid && exec.endedOrNull() == null) {
          execId = exec.id();
        }
      }
      members.add(new Member(pid, execId));
    }
    return members;
  }

  // --- starting

  /** Starts the init, or an exec that was added; answers its pid. */
  public int start(String execId, RequestIds requests) throws IOException {
    TaskProcess process = process(execId);
    process.lock.lock();
    try {
      return execId.isEmpty() ? startInit(requests) : startExec(process, requests);
    } finally {
      process.lock.unlock();
    }
  }

  private int startInit(RequestIds requests) throws IOException {
    if (init.phase() != TaskProcess.Phase.CREATED) {
      throw new BerthException.Unknown("cannot start a " + initState() + " process");
    }
    Supervision supervisor = supervisor();
    try {
      Supervision.awaitLong(supervisor.connection().start(requests.operation(1)));
    } catch (IOException e) {
      throw LaunchFailure.of("start task `" + record.id() + "`", null, e);
    }
    init.runs();
    try {
      hooks.run(HookRunner.Point.POSTSTART, supervisor.connection(), requests);
    } catch (BerthException e) {
      // The specification: a warning, and life goes on.
      LOG.log(Level.WARNING, "task {0}: {1}", key(), e.getMessage());
    }
    return init.pid();
  }

  private String initState() {
    return switch (init.phase()) {
      case CREATED -> "created";
      case RUNNING -> paused ? "paused" : "running";
      case STOPPED -> "stopped";
      case DELETED -> "deleted";
    };
  }

  private int startExec(TaskProcess process, RequestIds requests) throws IOException {
    if (init.phase() == TaskProcess.Phase.STOPPED || init.phase() == TaskProcess.Phase.DELETED) {
      throw new BerthException.FailedPrecondition(
          "container " + record.id() + " init process is not running");
    }
    if (process.phase() != TaskProcess.Phase.CREATED) {
      throw new BerthException.Unknown(
          "cannot start a "
              + (process.phase() == TaskProcess.Phase.RUNNING ? "running" : "stopped")
              + " process");
    }
    if (paused) {
      throw new BerthException.Unknown("cannot start an exec in a paused container");
    }
    return ExecLaunch.launch(this, process, requests);
  }

  /** Adds a process; it is started later. */
  public void addExec(String execId, Stdio stdio, JsonNode process) throws IOException {
    Identifier.check(execId);
    lock.lock();
    try {
      if (paused || init.phase() == TaskProcess.Phase.STOPPED || isDeleted()) {
        throw new BerthException.Unknown(
            "cannot exec in a " + initState() + " state: task `" + record.id() + "`");
      }
      if (execs.containsKey(execId)) {
        throw new BerthException.AlreadyExists("exec `" + execId + "`");
      }
      ExecRecord exec = new ExecRecord(execId, stdio, process);
      // Refused now rather than at its start.
      exec.spec();
      var _ = Streams.of(stdio);
      exec.write(folder);
      execs.put(execId, TaskProcess.exec(exec));
    } finally {
      lock.unlock();
    }
  }

  /**
   * The specification of a process that came by file; the file is removed.
   *
   * @throws BerthException.InvalidArgument if there is none, or it is longer than a plan may be
   */
  public byte[] takeProcess(String execId) throws IOException {
    Identifier.check(execId);
    Path file = folder.process(execId);
    try (Fd fd = Fd.open(file, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW)) {
      byte[] process = fd.readAll(MAX_PROCESS_BYTES);
      Files.deleteIfExists(file);
      return process;
    } catch (SyscallException e) {
      throw new BerthException.InvalidArgument(
          "exec `" + execId + "`: read `" + file + "`: " + e.errno().text(), e);
    }
  }

  /** A process that another shim added, found again. */
  void restore(TaskProcess exec) {
    execs.put(exec.id(), exec);
  }

  // --- commanding

  /** Sends a signal; with `all`, and only for the init, to every process of the container. */
  public void kill(String execId, int signal, boolean all, RequestIds requests) throws IOException {
    TaskProcess process = process(execId);
    if (execId.isEmpty() && all) {
      killAll(signal);
      return;
    }
    if (process.endedOrNull() != null || process.phase() == TaskProcess.Phase.STOPPED) {
      throw new BerthException.NotFound("process already finished");
    }
    if (process.pid() == 0) {
      throw new BerthException.FailedPrecondition("process not created");
    }
    try {
      Supervision.await(supervisor().connection().signal(requests.operation(1), execId, signal));
    } catch (SupervisorException e) {
      switch (e.errno()) {
        case ESRCH, ENOENT -> throw new BerthException.NotFound("process already finished", e);
        default ->
            throw new BerthException.Unknown(
                "signal " + signal + " to process " + process.pid() + ": " + e.errno().text(), e);
      }
    }
  }

  private void killAll(int signal) throws IOException {
    if (signal < 0 || signal > 64) {
      throw new BerthException.Unknown("signal " + signal + ": invalid argument");
    }
    if (signal == Signal.SIGKILL.number() && !paused) {
      cgroup.killAll();
    } else {
      cgroup.signalAll(signal);
    }
  }

  /** The window of a process's terminal; without one, and for 0 by 0, nothing happens. */
  public void resize(String execId, int rows, int columns) throws IOException {
    TaskProcess process = process(execId);
    if (process.phase() == TaskProcess.Phase.STOPPED && !execId.isEmpty()) {
      throw new BerthException.Unknown("cannot resize a stopped process");
    }
    if (!process.stdio().terminal() || process.pid() == 0 || process.endedOrNull() != null) {
      return;
    }
    try {
      Supervision.await(supervisor().connection().resize(execId, new Terminal.Size(rows, columns)));
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ENOENT) {
        throw new BerthException.Unknown("resize terminal: " + e.getMessage(), e);
      }
    }
  }

  /** The process reads the end of its input once what was written before has been read. */
  public void closeStdin(String execId) throws IOException {
    TaskProcess process = process(execId);
    process.lock.lock();
    try {
      process.closeStdin();
      if (process.pid() == 0 || process.endedOrNull() != null || supervision == null) {
        return;
      }
      Supervision.await(supervisor().connection().closeStdin(execId));
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ENOENT) {
        throw new BerthException.Unknown("close stdin: " + e.getMessage(), e);
      }
    } finally {
      process.lock.unlock();
    }
  }

  /** Stops every process; they are stopped when it returns. */
  public void pause() throws IOException {
    lock.lock();
    try {
      if (init.phase() != TaskProcess.Phase.RUNNING || paused) {
        throw new BerthException.Unknown("cannot pause a " + initState() + " container");
      }
      cgroup.freeze();
      paused = true;
    } finally {
      lock.unlock();
    }
  }

  /** Lets them go on. */
  public void resume() throws IOException {
    lock.lock();
    try {
      if (!paused) {
        throw new BerthException.Unknown("cannot resume a " + initState() + " container");
      }
      cgroup.thaw();
      paused = false;
    } finally {
      lock.unlock();
    }
  }

  /** Changes limits; absent and zero leave them. */
  public void update(Resources resources) throws IOException {
    lock.lock();
    try {
      if (init.phase() == TaskProcess.Phase.STOPPED || isDeleted()) {
        throw new BerthException.Unknown("cannot update a stopped container");
      }
      cgroup.update(resources);
    } finally {
      lock.unlock();
    }
  }

  /**
   * One client may attach to a process's streams with this token.
   *
   * @throws BerthException.NotFound if it has ended, and nothing of it is kept
   * @throws BerthException.ResourceExhausted if too many clients are awaited, for too long
   */
  public void allowAttach(String execId, byte[] token, Duration validity) throws IOException {
    process(execId);
    SupervisorConnection connection = supervisor().connection();
    try {
      Supervision.awaitPlace(_ -> connection.allowAttach(execId, token, validity));
    } catch (SupervisorException e) {
      switch (e.errno()) {
        case ENOENT -> throw new BerthException.NotFound("process already finished", e);
        // What supervisors of the first protocol said of a full table.
        case EUSERS, EMFILE ->
            throw new BerthException.ResourceExhausted(
                "attach to task `"
                    + record.id()
                    + "`: too many clients are about to attach to it; try again",
                e);
        default ->
            throw new BerthException.Unknown(
                "attach to task `" + record.id() + "`: " + e.getMessage(), e);
      }
    }
  }

  /** Removes an exec that is not running; answers how it ended. */
  public TaskProcess.Ended deleteExec(String execId) throws IOException {
    TaskProcess process = process(execId);
    if (process.endedOrNull() != null) {
      TaskDeletion.awaitClients(this, List.of(process), PROMISE);
    }
    process.lock.lock();
    try {
      if (process.phase() == TaskProcess.Phase.RUNNING) {
        throw new BerthException.Unknown("cannot delete a running process");
      }
      TaskProcess.Ended ended = process.endedOrNull();
      if (ended != null && supervision != null && supervision.connection().isOpen()) {
        TaskDeletion.drain(this, process);
        acknowledge(execId);
      }
      Files.deleteIfExists(folder.exec(execId));
      execs.remove(execId);
      process.isDeleted();
      host.happenings().acknowledge(key(), execId);
      return ended == null ? new TaskProcess.Ended(0, Instant.EPOCH, false, false) : ended;
    } finally {
      process.lock.unlock();
    }
  }

  void acknowledge(String execId) throws IOException {
    try {
      Supervision.await(supervisor().connection().acknowledge(execId));
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  Supervision supervisor() {
    Supervision supervisor = supervision;
    if (supervisor == null || closed) {
      throw new BerthException.Unavailable(
          "task `" + record.id() + "`: its supervisor is not connected");
    }
    return supervisor;
  }

  private boolean isDeleted() {
    return init.phase() == TaskProcess.Phase.DELETED;
  }

  // --- being told

  private final class Ear implements SupervisorListener {
    @Override
    public void exited(ExitRecord exit) {
      Thread.ofVirtual()
          .name("exit")
          .start(() -> ended(exit.id(), exit.pid(), TaskProcess.Ended.of(exit)));
    }

    @Override
    public void drained(String id) {
      TaskProcess process = id.isEmpty() ? init : execs.get(id);
      if (process != null) {
        Thread.ofVirtual().name("drained").start(() -> process.drained().complete(true));
      }
    }

    @Override
    public void deposed(long epoch) {
      LOG.log(Level.INFO, "task {0}: taken over in epoch {1}", key(), epoch);
    }

    @Override
    public void closed(@Nullable Throwable cause) {
      if (!closed && !ending) {
        Thread.ofVirtual().name("lost").start(ContainerTask.this::disconnected);
      }
    }
  }

  /** Tells everyone that a process has ended; the init's end waits for those of its execs. */
  void ended(String execId, int pid, TaskProcess.Ended how) {
    TaskProcess process = execId.isEmpty() ? init : execs.get(execId);
    if (process == null || process.endedOrNull() != null) {
      return;
    }
    // A short life can be told of before the answer that told of its birth has been read.
    process.born(pid);
    if (execId.isEmpty()) {
      endTheRest();
    }
    if (process.ends(how)) {
      process.hold(null);
      host.happenings().tell(new Happening.Exit(key(), execId, process.pid(), how));
    }
  }

  private void endTheRest() {
    try {
      if (sharesPids()) {
        cgroup.killAll();
      }
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(EXECS_END_SECONDS);
      for (TaskProcess exec : execs.values()) {
        if (exec.phase() == TaskProcess.Phase.RUNNING) {
          exec.ended()
              .copy()
              .orTimeout(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS)
              .join();
        }
      }
    } catch (CompletionException late) {
      LOG.log(Level.DEBUG, "task {0}: an exec outlives the init", key());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "task {0}: ending what is left: {1}", key(), e.getMessage());
    }
  }

  private boolean sharesPids() {
    var pids = spec.linux().namespace("pid");
    return pids == null || !pids.path().isEmpty();
  }

  private void disconnected() {
    Supervision supervisor = supervision;
    if (supervisor == null || closed) {
      return;
    }
    if (supervisor.awaitEnd(host, 1000)) {
      new Bereavement(this).mourn("its process has ended");
    } else {
      LOG.log(Level.INFO, "task {0}: controlled by another now", key());
      whenLost.run();
    }
  }

  /** Lets it go: the container is not touched, whoever waits is told that nobody knows here. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    OomWatch watch = oomWatch;
    if (watch != null) {
      watch.close();
      oomWatch = null;
    }
    if (supervision != null) {
      supervision.close();
    }
    host.happenings().forget(key());
    BerthException gone =
        new BerthException.Unavailable("task `" + record.id() + "` has been let go");
    init.ended().completeExceptionally(gone);
    for (TaskProcess exec : execs.values()) {
      exec.ended().completeExceptionally(gone);
      exec.hold(null);
    }
  }
}
