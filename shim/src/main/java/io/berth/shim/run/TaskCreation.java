package io.berth.shim.run;

import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.base.io.KernelThreads;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskRecord;
import io.berth.linux.Fd;
import io.berth.linux.Mounts;
import io.berth.linux.OpenFlags;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.LaunchPlan;
import io.berth.linux.supervisor.Step;
import io.berth.linux.supervisor.Supervisor;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.Resources;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.CgroupPath;
import io.berth.shim.plan.InitPlan;
import io.berth.shim.plan.PlannedContainer;
import io.berth.shim.stdio.StreamFiles;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Makes a container: it waits to be started when it returns, or nothing of it is left. Used once,
 * by one thread.
 */
public final class TaskCreation {
  private static final Logger LOG = System.getLogger(TaskCreation.class.getName());

  private final ShimProcessServices services;
  private final TaskFolder folder;
  private final TaskKey key;
  private final Request request;
  private final RuntimeSpec spec;
  private final CompletableFuture<Void> givenUp;
  private final Supervision.Relay relay = new Supervision.Relay();

  /** The first process's, which is closed with its supervisor's connection. */
  private @Nullable Fd init;

  private final boolean slim;
  private TaskRecord record;
  private @Nullable Cgroup cgroup;
  private @Nullable CompletableFuture<Supervisor.Born> birth;

  /**
   * What the client wants.
   *
   * @param bundle empty: the task's own
   * @param mounts of the root; empty: the specification names a folder
   * @param attach lets a client attach before the program runs
   */
  public record Request(
      String bundle,
      List<RootfsMount> mounts,
      Stdio stdio,
      Options options,
      boolean ephemeral,
      @Nullable AttachToken attach,
      RequestIds requests) {
    public Request {
      mounts = List.copyOf(mounts);
    }
  }

  /**
   * Those of runc's options ({@code containerd.runc.v1.Options}) that mean something here.
   *
   * @param shimCgroup where the supervisor is to live, which stands for a shim of containerd's;
   *     empty for the instance's own
   */
  public record Options(
      boolean noPivot, boolean noKeyring, boolean systemdCgroup, String shimCgroup) {
    /** No option is set. */
    public static final Options NONE = new Options(false, false, false, "");

    public Options {
      if (!shimCgroup.isEmpty()) {
        var _ = new CgroupPath(shimCgroup);
      }
    }
  }

  private TaskCreation(
      ShimProcessServices services,
      TaskFolder folder,
      TaskKey key,
      Request request,
      CompletableFuture<Void> givenUp)
      throws IOException {
    this.givenUp = givenUp;
    this.services = services;
    this.folder = folder;
    this.key = key;
    this.request = request;
    Path bundle = request.bundle.isEmpty() ? folder.bundle() : Path.of(request.bundle);
    Path config = TaskFolder.configOf(bundle);
    if (!Files.exists(config)) {
      throw new BerthException.NotFound("read `" + config + "`: no such file or directory");
    }
    this.spec = RuntimeSpec.read(Files.readAllBytes(config), config.toString());
    spec.checkVersion();
    this.slim = services.spawner().hasSlimNamespace() && !InitPlan.looksAtMachine(spec);
    this.record = record(bundle);
  }

  /**
   * The task, created; a failure is UNKNOWN or says what is wrong with the request.
   *
   * @param givenUp once this is complete nobody wants the task any more: its supervisor ends, and
   *     with that whatever is waited for, unless not even SIGKILL ends it
   */
  public static ContainerTask create(
      ShimProcessServices services,
      TaskFolder folder,
      TaskKey key,
      Request request,
      CompletableFuture<Void> givenUp)
      throws IOException {
    return new TaskCreation(services, folder, key, request, givenUp).run();
  }

  private TaskRecord record(Path bundle) {
    boolean given = !request.mounts.isEmpty();
    RuntimeSpec.Root root = spec.root();
    if (!given && (root == null || root.path().isEmpty())) {
      throw new BerthException.InvalidArgument(
          "specification: it has no root, and no mounts are given for one");
    }
    String rootPath =
        given || root == null
            ? TaskFolder.rootfsOf(bundle).toString()
            : bundle.resolve(root.path()).normalize().toString();
    boolean onHost = given && spec.hooks().stopsCreation();
    CgroupPath path = cgroup();
    return new TaskRecord(
        key.namespace(),
        key.id(),
        request.requests.text(),
        bundle.toString(),
        request.stdio,
        path.text(),
        rootPath,
        onHost ? rootPath : "",
        request.mounts,
        request.options.noPivot,
        request.options.noKeyring,
        request.ephemeral);
  }

  private CgroupPath cgroup() {
    String parent = services.config().cgroupParent();
    CgroupPath path =
        CgroupPath.of(spec.linux().cgroupsPath(), request.options.systemdCgroup, parent, key);
    return services.config().text(Key.CGROUP_PARENT).isEmpty()
        ? path
        : path.delegated(parent, services.cgroups()::has);
  }

  private ContainerTask run() throws IOException {
    folder.write(record);
    try {
      return launch();
    } catch (IOException e) {
      undo();
      throw FailedLaunch.of(null, e);
    } catch (RuntimeException e) {
      undo();
      throw e;
    }
  }

  /**
   * What the client gave for a root; beside the making of the cgroup, for both take the kernel
   * long.
   */
  private CompletableFuture<List<Fd>> mount() {
    return CompletableFuture.supplyAsync(
        () -> {
          List<Fd> mounts = new ArrayList<>();
          try {
            for (RootfsMount mount : record.mounts()) {
              mounts.add(RootMounts.open(services.overlays(), mount, record.ephemeral()));
            }
            return mounts;
          } catch (IOException | RuntimeException e) {
            mounts.forEach(Fd::close);
            throw new CompletionException(e);
          }
        },
        KernelThreads.EXECUTOR);
  }

  private ContainerTask launch() throws IOException {
    CompletableFuture<Supervisor.Born> coming =
        services.spawner().spawn(key, folder, livingPlace(), relay);
    birth = coming;
    endWhenGivenUp(coming);
    CompletableFuture<List<Fd>> mounting = mount();
    try {
      Cgroup made = Cgroup.create(services.cgroups(), new CgroupPath(record.cgroup()));
      cgroup = made;
      Linux linux = spec.linux();
      made.limit(linux.resources() == null ? Resources.NONE : linux.resources());
      List<Fd> given = Supervision.awaitLong(mounting);
      if (!record.hostRootfs().isEmpty()) {
        mountOnHost(given);
        given = List.of();
      }
      try (Prepared prepared = prepare(made, given, coming)) {
        Supervisor.Born born = Supervision.await(coming);
        Supervision supervision = new Supervision(born.connection(), born.hello());
        return carryOut(prepared.plan, prepared.launch, supervision, made);
      }
    } finally {
      // This waits, for while a mount is still being made something of this container is left.
      mounting.exceptionally(_ -> List.of()).join().forEach(Fd::close);
    }
  }

  private void endWhenGivenUp(CompletableFuture<Supervisor.Born> coming) {
    var _ =
        givenUp.thenAcceptBoth(
            coming,
            (_, born) -> {
              var _ = born.connection().shutdown(/* force= */ true);
            });
  }

  /** What is to be done, with everything open that it names. */
  private record Prepared(InitPlan plan, LaunchPlan launch, Handles handles, StreamFiles streams)
      implements AutoCloseable {
    @Override
    public void close() {
      streams.close();
      handles.close();
    }
  }

  /**
   * Looks at what the client names, and opens it. A file system of the client's may hang, and then
   * the kernel does not come back: a virtual thread would keep one of the few that carry all of
   * them, so a thread of its own waits for the kernel, and is left to itself when the creation is
   * given up.
   */
  private Prepared prepare(Cgroup made, List<Fd> given, CompletableFuture<Supervisor.Born> coming)
      throws IOException {
    CompletableFuture<Prepared> preparing =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return prepareHere(made, given, coming);
              } catch (IOException e) {
                throw new CompletionException(e);
              }
            },
            KernelThreads.EXECUTOR);
    var _ = Supervision.awaitLong(CompletableFuture.anyOf(preparing, givenUp.copy()));
    if (!preparing.isDone()) {
      var _ = preparing.thenAccept(Prepared::close);
      throw new BerthException.Cancelled(
          "create task " + key.id() + ": given up while its mounts were looked at");
    }
    return Supervision.awaitLong(preparing);
  }

  private Prepared prepareHere(
      Cgroup made, List<Fd> given, CompletableFuture<Supervisor.Born> coming) throws IOException {
    InitPlan plan = plan(made, given);
    Handles handles = new Handles(given, null, services.mappings());
    StreamFiles streams =
        new StreamFiles(
            key,
            services.logPrograms(),
            Supervision.logPrograms(coming.thenApply(Supervisor.Born::connection)));
    boolean done = false;
    try {
      LaunchPlan launch = LaunchPlan.init(plan.namespaces(), plan.steps(), handles, streams);
      done = true;
      return new Prepared(plan, launch, handles, streams);
    } finally {
      if (!done) {
        streams.close();
        handles.close();
      }
    }
  }

  private SupervisorSpawner.Home livingPlace() {
    String cgroup = request.options.shimCgroup;
    return new SupervisorSpawner.Home(
        slim, services.isUnwatched(), cgroup.isEmpty() ? null : new CgroupPath(cgroup));
  }

  private void mountOnHost(List<Fd> mounts) throws IOException {
    Path root = Path.of(record.rootPath());
    Files.createDirectories(root);
    for (int i = 0; i < mounts.size(); i++) {
      String target = record.mounts().get(i).target();
      Mounts.attach(
          mounts.get(i), root.resolve(target.startsWith("/") ? target.substring(1) : target));
    }
  }

  private InitPlan plan(Cgroup made, List<Fd> given) throws IOException {
    List<PlannedContainer.GivenMount> places = new ArrayList<>();
    for (int i = 0; i < given.size(); i++) {
      RootfsMount mount = record.mounts().get(i);
      places.add(new PlannedContainer.GivenMount(mount.target(), RootMounts.isFolder(mount)));
    }
    if (!given.isEmpty() && !slim) {
      Files.createDirectories(Path.of(record.rootPath()));
    }
    return InitPlan.of(
        new PlannedContainer(
            key.id(),
            record.bundle(),
            spec,
            record.rootPath(),
            slim ? SlimNamespace.ROOT_PLACE : record.rootPath(),
            places,
            request.stdio,
            made.folders(),
            services.filters().of(spec.linux().seccomp()),
            home(given),
            record.noPivot(),
            record.noKeyring()),
        services.machine());
  }

  private @Nullable String home(List<Fd> given) throws IOException {
    ProcessSpec process = spec.process();
    if (process == null) {
      return null;
    }
    if (!given.isEmpty()) {
      return HomeFolder.of(process, given.getFirst(), spec.mounts(), Path.of(record.bundle()));
    }
    int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY;
    try (Fd root = Fd.open(Path.of(record.rootPath()), flags)) {
      return HomeFolder.of(process, root, spec.mounts(), Path.of(record.bundle()));
    } catch (SyscallException e) {
      throw new BerthException.InvalidArgument(
          "root `" + record.rootPath() + "`: " + e.errno().text(), e);
    }
  }

  private ContainerTask carryOut(
      InitPlan plan, LaunchPlan launch, Supervision supervision, Cgroup made) throws IOException {
    SupervisorConnection connection = supervision.connection();
    SupervisorConnection.Launched launched;
    try {
      launched = Supervision.awaitLong(connection.create(request.requests.operation(1), launch));
      supervision.init(launched.pidfd());
      init = launched.pidfd();
      if (launched.stop() == InitPlan.STOP_FOR_HOOKS) {
        whileItWaits(connection, launched.pid());
      }
    } catch (SupervisorException e) {
      Step step = plan.at(e.step());
      LOG.log(Level.DEBUG, "task {0}: step {1}: {2}", key, step, e.getMessage());
      throw FailedLaunch.of(step, e);
    }
    AttachToken attach = request.attach;
    if (attach != null) {
      Supervision.await(connection.allowAttach("", attach.bytes(), attach.validity()));
    }
    ContainerTask task =
        new ContainerTask(
            services,
            new ContainerTask.Parts(
                folder, record, spec, made, ContainerTask.watchMemory(services, key, made)),
            supervision,
            launched.pid());
    task.attend(relay);
    return task;
  }

  /** Its namespaces are there by now, and nothing is done in them before this is. */
  private void whileItWaits(SupervisorConnection connection, int pid) throws IOException {
    try (NetDevices devices = NetDevices.move(spec.linux().netDevices(), pid)) {
      HookRunner hooks = new HookRunner(spec, key.id(), record.bundle());
      hooks.run(HookRunner.Point.PRESTART, connection, request.requests);
      hooks.run(HookRunner.Point.CREATE_RUNTIME, connection, request.requests);
      Supervision.awaitLong(connection.proceed(request.requests.operation(2)));
      devices.keep();
    }
  }

  /** Removes everything of a container that could not be made. */
  private void undo() {
    try {
      CompletableFuture<Supervisor.Born> born = birth;
      if (born != null) {
        endSupervisor(born);
      }
      Cgroup made = cgroup;
      if (made != null) {
        made.killAll();
        TaskDeletion.removeCgroup(services, made);
      }
      TaskDeletion.unmountRoot(record);
      folder.deleteWhatShimsMade();
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.WARNING, "task " + key + ": undoing its creation", e);
    }
  }

  private void endSupervisor(CompletableFuture<Supervisor.Born> birth) {
    try {
      Supervisor.Born born = Supervision.await(birth);
      try (Supervision supervision = new Supervision(born.connection(), born.hello())) {
        Fd made = init;
        if (made != null) {
          supervision.init(made);
        }
        TaskDeletion.shutDown(services, supervision);
      }
    } catch (IOException | RuntimeException neverBorn) {
      LOG.log(Level.DEBUG, "task {0}: no supervisor: {1}", key, neverBorn.getMessage());
    }
  }
}
