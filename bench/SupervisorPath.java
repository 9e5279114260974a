import io.berth.base.config.Config;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.LaunchPlan;
import io.berth.linux.supervisor.Supervisor;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorListener;
import io.berth.oci.runtime.RuntimeSpec;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.cgroup.CgroupPath;
import io.berth.shim.plan.InitPlan;
import io.berth.shim.plan.MachineFacts;
import io.berth.shim.plan.PlannedContainer;
import io.berth.shim.run.ContainerProcess;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.Handles;
import io.berth.shim.run.MachineProbe;
import io.berth.shim.run.MappedMounts;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.ShimProcessServices;
import io.berth.shim.run.TaskCreation;
import io.berth.shim.run.TaskDeletion;
import io.berth.shim.stdio.LogPrograms;
import io.berth.shim.stdio.StreamFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The supervisor path alone against whole OCI runtimes on the same bundle: {@code SupervisorPath
 * CONFIG BUNDLE NAMESPACE ROUNDS SIDE...}, peers and bounds as in {@link Commands}.
 *
 * <p>Three of ours. With the plan and the cgroup made before: spawn the supervisor, have it create
 * and start the container, wait for its exit record. From the specification: what a shim process of
 * shims does for a container, without gRPC before it, so also make plan and cgroup. With deletion:
 * also undo it all. {@code runc run} goes from specification to deletion. All are driven from this
 * process.
 */
final class SupervisorPath {
  private static final int WARM_UPS = 100;

  private SupervisorPath() {}

  public static void main(String[] arguments) throws Exception {
    Config config = Config.read(Path.of(arguments[0]));
    Path bundle = Path.of(arguments[1]);
    String namespace = arguments[2];
    List<String> sides = List.of(arguments).subList(4, arguments.length);
    try (ShimProcessServices host = ShimProcessServices.open(config)) {
      new Comparison(
              "supervisor: plan in, static true, exit record out",
              0.25,
              Integer.parseInt(arguments[3]),
              WARM_UPS,
              List.of(
                  new PlanIn(config, host.supervisorBinary(), bundle, namespace),
                  new Ours(
                      "ours, specification to exit record", host, config, bundle, namespace, false),
                  new Ours("ours, with deletion", host, config, bundle, namespace, true)),
              CommandSide.ofKind("peer", sides),
              CommandSide.ofKind("bound", sides))
          .print();
    }
  }

  private static final class Ours implements Side {
    private final String name;
    private final ShimProcessServices host;
    private final Config config;
    private final Path bundle;
    private final String namespace;
    private final boolean deletes;
    private TaskFolder folder;
    private ContainerTask task;

    Ours(
        String name,
        ShimProcessServices host,
        Config config,
        Path bundle,
        String namespace,
        boolean deletes) {
      this.name = name;
      this.host = host;
      this.config = config;
      this.bundle = bundle;
      this.namespace = namespace;
      this.deletes = deletes;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public void prepare(int number, boolean cold) throws IOException {
      folder = new TaskFolder(new StateFolders(config.state()).tasks().resolve("bench" + number));
      Files.createDirectories(folder.path());
    }

    @Override
    public void run(int number) throws Exception {
      task =
          TaskCreation.create(
              host,
              folder,
              new TaskKey(namespace, namespace + "-" + number),
              new TaskCreation.Request(
                  bundle.toString(),
                  List.of(),
                  Stdio.NONE,
                  TaskCreation.Options.NONE,
                  /* ephemeral= */ true,
                  /* attach= */ null,
                  RequestIds.of(null)),
              new CompletableFuture<>());
      task.commands().start("", RequestIds.of(null));
      ContainerProcess.Ended ended = task.awaitEnd("");
      if (ended.status() != 0) {
        throw new IOException("the container's exit: " + ended);
      }
      if (deletes) {
        delete();
      }
    }

    @Override
    public void tidy(int number) throws IOException {
      if (!deletes) {
        delete();
      }
      Files.delete(folder.path());
    }

    private void delete() throws IOException {
      TaskDeletion.delete(task, RequestIds.of(null));
      task.close();
    }
  }

  private static final class PlanIn implements Side {
    private final Config config;
    private final Path program;
    private final Path bundle;
    private final String namespace;
    private final CgroupLayout layout = CgroupLayout.ofHost();
    private final MachineFacts facts = MachineProbe.read();
    private final RuntimeSpec spec;
    private final Poller poller = Poller.start("plan-in");
    private final SupervisorClient client = new SupervisorClient(poller);
    private TaskFolder folder;
    private Cgroup cgroup;
    private Fd folderHandle;
    private Handles handles;
    private StreamFiles streams;
    private LaunchPlan plan;
    private Supervisor.Born born;

    PlanIn(Config config, Path program, Path bundle, String namespace) throws IOException {
      this.config = config;
      this.program = program;
      this.bundle = bundle;
      this.namespace = namespace;
      Path file = bundle.resolve("config.json");
      this.spec = RuntimeSpec.read(Files.readAllBytes(file), file.toString());
    }

    @Override
    public String name() {
      return "ours, plan to exit record";
    }

    @Override
    public void prepare(int number, boolean cold) throws IOException {
      folder = new TaskFolder(new StateFolders(config.state()).tasks().resolve("bench" + number));
      Files.createDirectories(folder.path());
      folderHandle = Fd.open(folder.path(), OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
      TaskKey key = new TaskKey(namespace, namespace + "-" + number);
      cgroup = Cgroup.create(layout, CgroupPath.of("", false, config.cgroupParent(), key));
      handles = new Handles(List.of(), null, new MappedMounts(program, poller));
      streams =
          new StreamFiles(
              key,
              new LogPrograms(poller),
              (_, _, _, _) -> {
                throw new IllegalStateException("no stream goes to a program");
              });
      InitPlan made =
          InitPlan.of(
              new PlannedContainer(
                  key.id(),
                  bundle.toString(),
                  spec,
                  bundle.resolve("rootfs").toString(),
                  /* rootPlace= */ bundle.resolve("rootfs").toString(),
                  List.of(),
                  Stdio.NONE,
                  cgroup.folders(),
                  /* filter= */ null,
                  /* home= */ "/",
                  /* noPivot= */ false,
                  /* noKeyring= */ false),
              facts);
      plan = LaunchPlan.init(made.namespaces(), made.steps(), handles, streams);
    }

    @Override
    public void run(int number) throws Exception {
      CompletableFuture<ExitRecord> exit = new CompletableFuture<>();
      Supervisor.Birth birth =
          new Supervisor.Birth(
              program.toString(),
              folderHandle,
              /* cgroup2= */ null,
              List.of(),
              /* mountNamespace= */ null,
              namespace + "-" + number,
              /* tied= */ true);
      born = Supervisor.spawn(client, birth, new Exit(exit)).join();
      SupervisorConnection connection = born.connection();
      SupervisorConnection.Launched launched =
          connection.create(connection.newRequest(), plan).join();
      if (launched.pidfd() != null) {
        launched.pidfd().close();
      }
      connection.start(connection.newRequest()).join();
      if (exit.join().shellCode() != 0) {
        throw new IOException("the container's exit: " + exit.join());
      }
    }

    @Override
    public void tidy(int number) throws IOException {
      born.connection().shutdown(/* force= */ true).join();
      Fd pidfd = born.hello().pidfd();
      if (pidfd != null) {
        Processes.ended(pidfd, poller).join();
      }
      born.connection().close();
      born.hello().close();
      handles.close();
      streams.close();
      folderHandle.close();
      cgroup.remove();
      Files.deleteIfExists(ExitRecord.fileOf(folder.path(), ""));
      Files.deleteIfExists(folder.exits());
      Files.delete(folder.path());
    }

    private record Exit(CompletableFuture<ExitRecord> told) implements SupervisorListener {
      @Override
      public void exited(ExitRecord exit) {
        told.complete(exit);
      }

      @Override
      public void drained(String id) {
        // It has no output.
      }

      @Override
      public void deposed(long epoch) {
        told.completeExceptionally(new IOException("deposed"));
      }

      @Override
      public void closed(Throwable cause) {
        told.completeExceptionally(new IOException("the supervisor is gone", cause));
      }
    }
  }
}
