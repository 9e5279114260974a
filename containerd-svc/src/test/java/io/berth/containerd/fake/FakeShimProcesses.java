package io.berth.containerd.fake;

import io.berth.api.berth.host.v1.Exit;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.Oom;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.Timestamps;
import io.berth.base.rpc.UnixServer;
import io.berth.containerd.shimprocess.ShimProcessLauncher;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The machine on which fake shim processes run; it survives restarts of the service under test. */
public final class FakeShimProcesses implements ShimProcessLauncher, AutoCloseable {
  private final Config config;
  private final EventLoops loops = new EventLoops(1);
  final Map<TaskKey, FakeSupervisor> supervisors = new ConcurrentHashMap<>();
  private final Map<Integer, FakeShimProcess> processes = new ConcurrentHashMap<>();
  private final Map<Integer, CompletableFuture<Void>> ends = new ConcurrentHashMap<>();
  private volatile String build = "b1";

  /** Whether the service manager has stopped the unit in which containers live. */
  public volatile boolean unitDown;

  /** Whether a process is stopped, as by SIGSTOP, before it has told its pid. */
  public volatile boolean stoppedAtLaunch;

  /** Called whenever it is asked whether a container could live here. */
  public volatile Runnable beforeCheck = () -> {};

  /** Called before a start is answered: a test kills a shim process there. */
  public volatile Runnable beforeStartAnswer = () -> {};

  /** The same for a question after a state. */
  public volatile Runnable beforeStateAnswer = () -> {};

  /** The same for a deletion. */
  public volatile Runnable beforeDeleteAnswer = () -> {};

  /** Signals that cannot be delivered, the fault being the shim's. */
  public volatile IntPredicate undeliverable = _ -> false;

  /** Called with its number before a process that was asked to warm itself up answers. */
  public volatile IntConsumer beforeWarmAnswer = _ -> {};

  /** The numbers of those that were asked to, in their order. */
  public final List<Integer> warmUps = new CopyOnWriteArrayList<>();

  /** The same for a placement. */
  public volatile Runnable beforePlaceAnswer = () -> {};

  /** Programs that cannot be launched, and why not. */
  public final Map<String, LaunchFailure> refusals = new ConcurrentHashMap<>();

  public FakeShimProcesses(Config config) {
    this.config = config;
  }

  @Override
  public void check() {
    beforeCheck.run();
    if (unitDown) {
      throw new BerthException.Absent("the unit is down", null);
    }
  }

  @Override
  public Launched launch(int number) throws IOException {
    FakeShimProcess process = new FakeShimProcess(this, number, build);
    if (stoppedAtLaunch) {
      process.stop();
    }
    processes.put(number, process);
    ends.put(number, process.ended);
    process.server =
        UnixServer.start(
            loops,
            UnixServer.Options.of(
                folder(number).socket(), List.of(process.bindService(), process.tasks())),
            List.of());
    return new Launched(number, process.ended);
  }

  private ShimProcessFolder folder(int number) {
    return new StateFolders(config.state()).shimProcess(number);
  }

  @Override
  public @Nullable CompletableFuture<Void> watch(int pid) {
    return ends.get(pid);
  }

  /** One that hangs does nothing; the others may be slow on a machine with much to do. */
  @Override
  public boolean isBusy(int pid) {
    FakeShimProcess process = processes.get(pid);
    return process != null && !process.isStopped();
  }

  /** Stops a process as SIGSTOP does: it answers nothing. */
  public void hang(int number) {
    Objects.requireNonNull(processes.get(number)).stop();
  }

  @Override
  public void kill(int pid) {
    FakeShimProcess process = processes.remove(pid);
    if (process != null) {
      process.die();
    }
  }

  @Override
  public String build() {
    return build;
  }

  /** Programs were replaced. */
  public void install(String newBuild) {
    build = newBuild;
  }

  EventLoops loops() {
    return loops;
  }

  void gone(int number) {
    processes.remove(number);
  }

  /** Numbers of those that live. */
  public List<Integer> living() {
    return processes.keySet().stream().sorted().toList();
  }

  /** Builds of those that live. */
  public Set<String> builds() {
    return processes.values().stream().map(process -> process.build).collect(Collectors.toSet());
  }

  /** Which process has a task; 0 if none. */
  public int holderOf(TaskKey key) {
    return processes.values().stream()
        .filter(process -> process.holds(key))
        .map(process -> process.number)
        .findFirst()
        .orElse(0);
  }

  /** Kills the process that has a task, as kill -9 does. */
  public void killHolderOf(TaskKey key) {
    int number = holderOf(key);
    if (number != 0) {
      kill(number);
    }
  }

  /** What the task's supervisor holds; it must be there. */
  public FakeSupervisor supervisor(TaskKey key) {
    return Objects.requireNonNull(supervisors.get(key), "no supervisor of " + key);
  }

  /** Where the output of the task's init goes. */
  public String stdoutOf(TaskKey key) {
    return supervisor(key).create.getStdout();
  }

  /** Whether anything of the task is left. */
  public boolean hasSupervisor(TaskKey key) {
    return supervisors.containsKey(key);
  }

  /** The supervisor dies and takes what it knows along. */
  public void loseSupervisor(TaskKey key) {
    supervisors.remove(key);
  }

  /** The machine went down. */
  public void forgetSupervisors() {
    supervisors.clear();
  }

  /** A process ends. */
  public void exit(TaskKey key, String execId, int status) {
    FakeSupervisor supervisor = supervisor(key);
    if (supervisor.end(execId, status)) {
      tell(exitOf(supervisor, execId));
    }
  }

  /** The kernel killed something for want of memory. */
  public void oom(TaskKey key) {
    tell(
        Occurrence.newBuilder()
            .setNamespace(key.namespace())
            .setId(key.id())
            .setOom(Oom.getDefaultInstance())
            .build());
  }

  void tell(Occurrence occurrence) {
    TaskKey key = new TaskKey(occurrence.getNamespace(), occurrence.getId());
    for (FakeShimProcess process : processes.values()) {
      if (process.holds(key)) {
        process.tell(occurrence);
      }
    }
  }

  static Occurrence exitOf(FakeSupervisor supervisor, String execId) {
    FakeSupervisor.Proc process = supervisor.process(execId);
    return Occurrence.newBuilder()
        .setNamespace(supervisor.key.namespace())
        .setId(supervisor.key.id())
        .setExecId(execId)
        .setExit(
            Exit.newBuilder()
                .setPid(process.pid)
                .setStatus(process.exitStatus)
                .setAt(Timestamps.of(Objects.requireNonNull(process.exitedAt))))
        .build();
  }

  FakeSupervisor require(TaskKey key) {
    FakeSupervisor found = supervisors.get(key);
    if (found == null) {
      throw new BerthException.NotFound("task " + key.id());
    }
    return found;
  }

  @Override
  public void close() {
    List.copyOf(processes.values()).forEach(FakeShimProcess::die);
    loops.close();
  }
}
