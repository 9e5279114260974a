package io.berth.cli.containerd;

import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.session.Session;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs a container's program with its streams here until it ends, or in the background. */
@Command(
    description = {
      "Run a container's program here; end with its exit code.",
      "In the background its pid is printed, and its output goes to --log-uri or nowhere."
    })
public final class TaskStart extends SessionCommand {
  @Option(
      names = {"-d", "--detach"},
      description = "In the background")
  boolean detach;

  @Option(names = "--null-io", description = "Without streams")
  boolean nullIo;

  @Option(names = "--log-uri", paramLabel = "URI", description = "file:///path for its output")
  String log = "";

  @Option(names = "--pid-file", paramLabel = "FILE", description = "Write its pid there")
  @Nullable Path pidFile;

  @Parameters(paramLabel = "ID", description = "Of the container")
  String id = "";

  @Override
  public int run(Session session) {
    GetContainerRequest get = GetContainerRequest.newBuilder().setId(id).build();
    Container container = session.call(ContainersGrpc.getGetMethod(), get).getContainer();
    boolean tty =
        Json.tree(container.getSpec().getValue().toByteArray(), "specification of " + id)
            .at("/process/terminal")
            .asBoolean(false);
    CreateTaskRequest.Builder create =
        CreateTaskRequest.newBuilder()
            .setContainerId(id)
            .setTerminal(tty)
            .setStdout(log)
            .setStderr(tty ? "" : log);
    addRootfs(session, container, create);
    if (detach) {
      session.out().println(begin(session, create.build()));
      return 0;
    }
    try (Pipes pipes =
        nullIo || !log.isEmpty()
            ? Pipes.none()
            : Pipes.make(session.caller().signals(), /* stdin= */ true, !tty)) {
      if (!pipes.stdout().isEmpty()) {
        create.setStdin(pipes.stdin()).setStdout(pipes.stdout()).setStderr(pipes.stderr());
      }
      return new TaskStreams(session, id, /* execId= */ "", tty)
          .run(
              pipes,
              () -> {
                var _ = begin(session, create.build());
              },
              () -> delete(session));
    }
  }

  private static void addRootfs(
      Session session, Container container, CreateTaskRequest.Builder create) {
    if (container.getSnapshotKey().isEmpty()) {
      return;
    }
    MountsRequest mounts =
        MountsRequest.newBuilder()
            .setSnapshotter(container.getSnapshotter())
            .setKey(container.getSnapshotKey())
            .build();
    create.addAllRootfs(session.call(SnapshotsGrpc.getMountsMethod(), mounts).getMountsList());
  }

  /**
   * Makes the task, starts it and answers its pid. The task is taken back when its program cannot
   * be run.
   */
  private int begin(Session session, CreateTaskRequest create) {
    session.call(TasksGrpc.getCreateMethod(), create);
    try {
      StartRequest start = StartRequest.newBuilder().setContainerId(id).build();
      int pid = session.call(TasksGrpc.getStartMethod(), start).getPid();
      if (pidFile != null) {
        AtomicFile.write(session.caller().absolute(pidFile), String.valueOf(pid), "rw-r--r--");
      }
      return pid;
    } catch (IOException e) {
      throw new BerthException.InvalidArgument(
          "write --pid-file `" + pidFile + "`: " + e.getMessage() + "; the task runs", e);
    } catch (BerthException e) {
      try {
        delete(session);
      } catch (BerthException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  private void delete(Session session) {
    DeleteTaskRequest request = DeleteTaskRequest.newBuilder().setContainerId(id).build();
    session.call(TasksGrpc.getDeleteMethod(), request);
  }
}
