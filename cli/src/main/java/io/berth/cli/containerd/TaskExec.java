package io.berth.cli.containerd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.LookUpUserRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteProcessRequest;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.session.Session;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs a program in a running task, whichever client has started that. */
@Command(sortOptions = false, description = "Run a command in a running task")
public final class TaskExec extends SessionCommand {
  @Option(names = "--exec-id", paramLabel = "ID", description = "Of the new process")
  String execId = "";

  @Option(
      names = {"-t", "--tty"},
      description = "Give it a terminal")
  boolean tty;

  @Option(
      names = {"-d", "--detach"},
      description = "In the background")
  boolean detach;

  @Option(names = "--cwd", paramLabel = "FOLDER", description = "Working directory inside")
  String folder = "";

  @Option(names = "--user", paramLabel = "USER[:GROUP]", description = "By name or number")
  String user = "";

  @Parameters(index = "0", paramLabel = "ID", description = "Of the container")
  String id = "";

  @Parameters(index = "1..*", arity = "1..*", paramLabel = "COMMAND", description = "What to run")
  List<String> command = new ArrayList<>();

  @Override
  public boolean endsInProgram() {
    return true;
  }

  @Override
  public int run(Session session) {
    String exec = execId.isEmpty() ? newId() : execId;
    Container container = container(session);
    ExecProcessRequest.Builder request =
        ExecProcessRequest.newBuilder()
            .setContainerId(id)
            .setExecId(exec)
            .setTerminal(tty)
            .setSpec(Anys.of(Anys.PROCESS, process(session, container)));
    if (detach) {
      start(session, request.build());
      return 0;
    }
    try (Pipes pipes =
        Pipes.make(session.caller().signals(), /* stdin= */ true, /* stderr= */ !tty)) {
      request.setStdin(pipes.stdin()).setStdout(pipes.stdout()).setStderr(pipes.stderr());
      return new TaskStreams(session, id, exec, tty)
          .run(pipes, () -> start(session, request.build()), () -> delete(session, exec));
    }
  }

  private void start(Session session, ExecProcessRequest request) {
    session.call(TasksGrpc.getExecMethod(), request);
    StartRequest start =
        StartRequest.newBuilder().setContainerId(id).setExecId(request.getExecId()).build();
    try {
      session.call(TasksGrpc.getStartMethod(), start);
    } catch (BerthException e) {
      delete(session, request.getExecId());
      throw e;
    }
  }

  private void delete(Session session, String exec) {
    DeleteProcessRequest request =
        DeleteProcessRequest.newBuilder().setContainerId(id).setExecId(exec).build();
    try {
      session.call(TasksGrpc.getDeleteProcessMethod(), request);
    } catch (BerthException.NotFound e) {
      // The process has gone together with its container.
      assert e.getMessage() != null;
    }
  }

  private static String newId() {
    byte[] bytes = new byte[8];
    new SecureRandom().nextBytes(bytes);
    return "exec-" + HexFormat.of().formatHex(bytes);
  }

  private Container container(Session session) {
    return session
        .call(ContainersGrpc.getGetMethod(), GetContainerRequest.newBuilder().setId(id).build())
        .getContainer();
  }

  /**
   * The specification of the new process: the container's own with another command, so that
   * environment, user and rights are the same unless they were typed.
   */
  private ByteString process(Session session, Container container) {
    JsonNode spec =
        Json.tree(container.getSpec().getValue().toByteArray(), "specification of " + id);
    if (!(spec.path("process").deepCopy() instanceof ObjectNode process)) {
      throw new BerthException.FailedPrecondition(
          "exec in " + id + ": its specification has no process");
    }
    process.put("terminal", tty).remove("consoleSize");
    ArrayNode args = process.putArray("args");
    command.forEach(args::add);
    if (!folder.isEmpty()) {
      process.put("cwd", folder);
    }
    User found = user.isEmpty() ? null : user(session, container, spec);
    if (found != null) {
      ObjectNode as = process.putObject("user");
      as.put("uid", Integer.toUnsignedLong(found.getUid()));
      as.put("gid", Integer.toUnsignedLong(found.getGid()));
      ArrayNode groups = as.putArray("additionalGids");
      found.getGroupsList().forEach(group -> groups.add(Integer.toUnsignedLong(group)));
    }
    return ByteString.copyFrom(Json.bytes(process));
  }

  private @Nullable User user(Session session, Container container, JsonNode spec) {
    LookUpUserRequest.Builder request = LookUpUserRequest.newBuilder().setUser(user);
    if (container.getSnapshotKey().isEmpty()) {
      request.setRootfs(spec.path("root").path("path").asText(""));
    } else {
      request.setSnapshotter(container.getSnapshotter()).setKey(container.getSnapshotKey());
    }
    return session.call(RootfsGrpc.getLookUpUserMethod(), request.build()).getUser();
  }
}
