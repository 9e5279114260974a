package io.berth.cli.containerd;

import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.error.BerthException;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.command.StreamCommands;
import io.berth.cli.session.Session;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Brings the streams of a running task here, whichever client has started it. */
@Command(description = "Bring a running task's streams here")
public final class TaskAttach extends SessionCommand {
  @Parameters(paramLabel = "ID", description = "Of the container")
  String id = "";

  @Override
  public int run(Session session) {
    GetRequest request = GetRequest.newBuilder().setContainerId(id).build();
    Process process = session.call(TasksGrpc.getGetMethod(), request).getProcess();
    if (process.getStatus() != Status.RUNNING && process.getStatus() != Status.PAUSED) {
      throw new BerthException.FailedPrecondition(
          "attach to " + id + ": it does not run (" + process.getStatus() + ")");
    }
    if (process.getStdout().startsWith("berth-log:")) {
      // This command line made the container, so its supervisor passes the streams on.
      return StreamCommands.attach(session, id);
    }
    if (!process.getStdout().startsWith("/")) {
      throw new BerthException.FailedPrecondition(
          "attach to "
              + id
              + ": its output goes "
              + (process.getStdout().isEmpty() ? "nowhere" : "to " + process.getStdout()));
    }
    try (Pipes pipes = Pipes.of(process.getStdin(), process.getStdout(), process.getStderr())) {
      return new TaskStreams(session, id, /* execId= */ "", process.getTerminal())
          .stay(pipes, () -> {});
    }
  }
}
