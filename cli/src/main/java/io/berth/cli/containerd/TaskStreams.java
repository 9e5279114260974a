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
import io.berth.api.containerd.services.tasks.v1.CloseIORequest;
import io.berth.api.containerd.services.tasks.v1.DeleteProcessRequest;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ResizePtyRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.command.StreamCommands;
import io.berth.cli.session.Descriptors;
import io.berth.cli.session.Session;
import io.berth.cli.session.Signals;
import io.berth.cli.session.TerminalMode;
import io.berth.linux.Errno;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code tasks exec} and {@code tasks attach}, for containers that any client made. Row CD-23. What
 * passes goes through named pipes and this process, as it does for other clients of containerd;
 * {@code berth exec} and {@code berth attach} are the shorter way.
 */
final class TaskStreams {
  private final Session session;
  private final String id;
  private final String execId;
  private final boolean tty;

  /** Of a container's process: an exec's, or the first one for an empty id. */
  TaskStreams(Session session, String id, String execId, boolean tty) {
    this.session = session;
    this.id = id;
    this.execId = execId;
    this.tty = tty;
  }

  /**
   * Starts a program and stays until it has ended and was taken away; answers its exit code. It is
   * killed when this client's reader has gone: nobody else has its output.
   */
  int run(Pipes pipes, Runnable start, Runnable takeAway) {
    AtomicReference<@Nullable SyscallException> broken = new AtomicReference<>();
    Descriptors descriptors = session.caller().descriptors();
    if (descriptors != null) {
      descriptors.onBrokenOutput(failure -> {
        if (broken.compareAndSet(null, failure)) {
          kill(Signal.SIGKILL.number());
        }
      });
    }
    int code = stay(pipes, start);
    takeAway.run();
    SyscallException failure = broken.get();
    if (failure == null) {
      return code;
    }
    if (failure.is(Errno.EPIPE)) {
      return 128 + Signal.SIGPIPE.number();
    }
    throw new BerthException.DataLoss("task " + id + ": " + failure.getMessage(), failure);
  }

  /** Stays until the process has ended; answers its exit code. */
  int stay(Pipes pipes, Runnable start) {
    Signals signals = session.caller().signals();
    boolean terminal = tty && session.caller().readsTerminal();
    signals.hold();
    try (TerminalMode _ = terminal ? TerminalMode.raw(session.caller()) : null) {
      pipes.copy(session.caller(), this::closeInput);
      start.run();
      if (terminal) {
        resize();
        signals.onResize(this::resize);
        signals.release();
      } else {
        signals.passTo(this::kill);
      }
      WaitRequest request = WaitRequest.newBuilder().setContainerId(id).setExecId(execId).build();
      int code = session.call(TasksGrpc.getWaitMethod(), request).getExitStatus();
      pipes.drain();
      return code;
    } finally {
      signals.release();
    }
  }

  private void closeInput() {
    try {
      session.call(
          TasksGrpc.getCloseIOMethod(),
          CloseIORequest.newBuilder().setContainerId(id).setExecId(execId).setStdin(true).build());
    } catch (RuntimeException e) {
      // It ended before its input did.
      assert e.getMessage() != null;
    }
  }

  private void resize() {
    session.caller().terminalSize().ifPresent(this::resize);
  }

  private void resize(Terminal.Size size) {
    try {
      session.call(
          TasksGrpc.getResizePtyMethod(),
          ResizePtyRequest.newBuilder()
              .setContainerId(id)
              .setExecId(execId)
              .setWidth(size.columns())
              .setHeight(size.rows())
              .build());
    } catch (BerthException e) {
      // The next size replaces one that did not arrive; a message would disturb a raw terminal.
      assert e.getMessage() != null;
    }
  }

  private void kill(int signal) {
    KillRequest request =
        KillRequest.newBuilder().setContainerId(id).setExecId(execId).setSignal(signal).build();
    try {
      session.call(TasksGrpc.getKillMethod(), request);
    } catch (BerthException.NotFound | BerthException.FailedPrecondition e) {
      // It has just ended; that is told in its own way.
      assert e.getMessage() != null;
    } catch (BerthException e) {
      session.err().println("berth: pass " + Signal.nameOf(signal) + " on: " + e.getMessage());
    }
  }

  /** {@code tasks exec}. */
  @Command(name = "exec", sortOptions = false, description = "Run a command in a running task")
  public static final class Exec extends SessionCommand {
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
        // Gone with its container.
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

    /** The container's own process with another command: environment, user and rights are its. */
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

  /** {@code tasks attach}. */
  @Command(name = "attach", description = "Bring a running task's streams here")
  public static final class Attach extends SessionCommand {
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
        // One that this command line made: its supervisor passes the streams on.
        StreamCommands.Attach attach = new StreamCommands.Attach();
        var _ = new CommandLine(attach).parseArgs(id);
        return attach.run(session);
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
}
