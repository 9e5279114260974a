import io.berth.base.config.Config;
import io.berth.base.id.TaskKey;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.HostServices;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskCreation;
import io.berth.shim.run.TaskDeletion;
import io.berth.shim.run.TaskFolder;
import io.berth.shim.run.TaskProcess;
import io.berth.shim.stdio.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The supervisor path alone against whole OCI runtimes on the same bundle: {@code SupervisorPath
 * CONFIG BUNDLE NAMESPACE ROUNDS SIDE...}, peers and bounds as in {@link Commands}.
 *
 * <p>Ours is what a host process of shims does for a container, without gRPC before it: read the
 * specification, make the plan and the cgroup, spawn the supervisor, have it create and start the
 * container, wait for its exit record, delete. {@code runc run} does the same from specification to
 * deletion. Both are driven from this process.
 */
final class SupervisorPath {
  private static final int WARM_UPS = 100;

  private SupervisorPath() {}

  public static void main(String[] arguments) throws Exception {
    Config config = Config.read(Path.of(arguments[0]));
    Path bundle = Path.of(arguments[1]);
    String namespace = arguments[2];
    List<String> sides = List.of(arguments).subList(4, arguments.length);
    try (HostServices host = HostServices.open(config)) {
      new Comparison(
              "supervisor: specification in, static true, exit record out",
              0.25,
              Integer.parseInt(arguments[3]),
              WARM_UPS,
              List.of(
                  new Ours("ours, with deletion", host, config, bundle, namespace, true),
                  new Ours("ours, to the exit record", host, config, bundle, namespace, false)),
              CommandSide.ofKind("peer", sides),
              CommandSide.ofKind("bound", sides))
          .print();
    }
  }

  private static final class Ours implements Side {
    private final String name;
    private final HostServices host;
    private final Config config;
    private final Path bundle;
    private final String namespace;
    private final boolean deletes;
    private TaskFolder folder;
    private ContainerTask task;

    Ours(
        String name,
        HostServices host,
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
      folder = new TaskFolder(config.state().resolve("t").resolve("bench" + number));
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
                  RequestIds.of(null)));
      task.start("", RequestIds.of(null));
      TaskProcess.Ended ended = task.awaitEnd("");
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
}
