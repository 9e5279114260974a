package io.berth.cli.command;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.EndAllRequest;
import io.berth.api.berth.container.v1.EndAllResponse;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RenameRequest;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.RestartRequest;
import io.berth.api.berth.container.v1.RunRequest;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.UnpauseRequest;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.cli.session.Begun;
import io.berth.cli.session.Session;
import io.berth.linux.Signal;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs that change containers that exist. */
public final class ContainerCommands {
  private ContainerCommands() {}

  /** Asks for the container that a person means by an id, its beginning, or a name. */
  static Container get(Session session, String ref) {
    return session.call(ContainersGrpc.getGetMethod(), GetRequest.newBuilder().setRef(ref).build());
  }

  /**
   * A verb that does one thing to each of several containers, and prints what was typed for each
   * that it was done to.
   */
  abstract static class Several extends SessionCommand {
    @Parameters(arity = "1..*", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    List<String> containers = new ArrayList<>();

    abstract void one(Session session, String ref);

    @Override
    public int run(Session session) {
      return each(
          session,
          containers,
          absentIsFine(),
          ref -> {
            one(session, ref);
            session.out().println(ref);
          });
    }

    /** Whether a container that is not there is no failure. */
    boolean absentIsFine() {
      return false;
    }

    static void checkSignal(String signal) {
      if (!signal.isEmpty() && Signal.parse(signal).isEmpty()) {
        throw new BerthException.InvalidArgument("signal `" + signal + "`: no such signal");
      }
    }
  }

  /** Starts containers; with {@code -a} or {@code -i} one alone, in the foreground. */
  @Command(description = "Start containers")
  public static final class Start extends Several {
    @Option(
        names = {"-a", "--attach"},
        description = "Bring the output here and end with the container's exit code")
    boolean attach;

    @Option(
        names = {"-i", "--interactive"},
        description = "Its standard input as well")
    boolean interactive;

    @Mixin DetachOption detach = new DetachOption();

    @Override
    public int run(Session session) {
      if (!attach && !interactive) {
        return super.run(session);
      }
      if (containers.size() != 1) {
        throw new BerthException.InvalidArgument(
            "start -a: one container at a time, not " + containers.size());
      }
      Container container = get(session, containers.getFirst());
      Attachment.Want want =
          new Attachment.Want(
              interactive && container.getConfig().getOpenStdin(), true, true, detach.keys());
      RunRequest.Builder request = RunRequest.newBuilder().setRef(container.getId());
      session
          .caller()
          .terminalSize()
          .ifPresent(size -> request.setRows(size.rows()).setColumns(size.columns()));
      try (Begun<RunResponse> run = session.begin(ContainersGrpc.getRunMethod(), request.build())) {
        session.warn(run.first().getWarningsList());
        return new Foreground(session, container.getId(), want, /* proxySignals= */ true)
            .run(run.first(), container.getHost().getAutoRemove());
      }
    }

    @Override
    void one(Session session, String ref) {
      session.warn(
          session
              .call(ContainersGrpc.getStartMethod(), StartRequest.newBuilder().setRef(ref).build())
              .getWarningsList());
    }

    @Override
    public int exitCode(BerthException failure) {
      return attach || interactive ? LaunchFailure.exitCode(failure, 1) : 1;
    }
  }

  /** Asks containers to end by their stop signal, and kills what has not ended in time. */
  @Command(description = "Ask containers to end; kill them after the timeout")
  public static final class Stop extends Several {
    @Option(
        names = {"-t", "--time", "--timeout"},
        paramLabel = "SECONDS",
        description = "Until SIGKILL (default: the container's, or 10); negative: wait for ever")
    @Nullable Integer timeout;

    @Option(
        names = {"-s", "--signal"},
        paramLabel = "SIGNAL",
        description = "Instead of the container's stop signal")
    String signal = "";

    @Override
    void one(Session session, String ref) {
      checkSignal(signal);
      StopRequest.Builder request = StopRequest.newBuilder().setRef(ref).setSignal(signal);
      if (timeout != null) {
        request.setTimeout(timeout);
      }
      session.call(ContainersGrpc.getStopMethod(), request.build());
    }
  }

  /** Ends all containers of all namespaces, as before the host goes down. */
  @Command(
      description =
          "End all containers of all namespaces, each by its own signal and in its own time;"
              + " nothing is started again before the service, or the unit of containers, is")
  public static final class Shutdown extends SessionCommand {
    @Option(
        names = {"-t", "--time", "--timeout"},
        paramLabel = "SECONDS",
        description = "For all together, then SIGKILL (default: containerd.shutdown_timeout)")
    @Nullable Integer timeout;

    @Override
    public int run(Session session) {
      EndAllRequest.Builder request = EndAllRequest.newBuilder();
      if (timeout != null) {
        request.setTimeout(timeout);
      }
      EndAllResponse ended = session.call(ContainersGrpc.getEndAllMethod(), request.build());
      session
          .out()
          .println("ended: " + ended.getEnded() + ", of these by SIGKILL: " + ended.getKilled());
      return 0;
    }
  }

  /** Sends containers a signal. */
  @Command(description = "Send a signal to containers (default: SIGKILL)")
  public static final class Kill extends Several {
    @Option(
        names = {"-s", "--signal"},
        paramLabel = "SIGNAL",
        description = "Name or number")
    String signal = "";

    @Override
    void one(Session session, String ref) {
      checkSignal(signal);
      session.call(
          ContainersGrpc.getKillMethod(),
          KillRequest.newBuilder().setRef(ref).setSignal(signal).build());
    }
  }

  /** Stops containers and starts them again. */
  @Command(description = "Stop and start containers")
  public static final class Restart extends Several {
    @Option(
        names = {"-t", "--time", "--timeout"},
        paramLabel = "SECONDS",
        description = "Until SIGKILL")
    @Nullable Integer timeout;

    @Option(
        names = {"-s", "--signal"},
        paramLabel = "SIGNAL",
        description = "Instead of the container's stop signal")
    String signal = "";

    @Override
    void one(Session session, String ref) {
      checkSignal(signal);
      RestartRequest.Builder request = RestartRequest.newBuilder().setRef(ref).setSignal(signal);
      if (timeout != null) {
        request.setTimeout(timeout);
      }
      session.call(ContainersGrpc.getRestartMethod(), request.build());
    }
  }

  /** Blocks until each container has reached a condition, and prints its exit code. */
  @Command(description = "Block until containers end; print their exit codes")
  public static final class Wait extends SessionCommand {
    @Option(
        names = "--condition",
        paramLabel = "CONDITION",
        description = "not-running (default), next-exit or removed")
    String condition = "";

    @Parameters(arity = "1..*", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    List<String> containers = new ArrayList<>();

    @Override
    public int run(Session session) {
      return each(
          session,
          containers,
          ref ->
              session
                  .out()
                  .println(
                      session
                          .call(
                              ContainersGrpc.getWaitMethod(),
                              WaitRequest.newBuilder().setRef(ref).setCondition(condition).build())
                          .getStatus()));
    }
  }

  /** Removes containers; one that runs is refused unless that is forced. */
  @Command(description = "Remove containers")
  public static final class Rm extends Several {
    @Option(
        names = {"-f", "--force"},
        description = "Kill what runs")
    boolean force;

    @Option(
        names = {"-v", "--volumes"},
        description = "Its anonymous volumes as well")
    boolean volumes;

    @Override
    boolean absentIsFine() {
      return force;
    }

    @Override
    void one(Session session, String ref) {
      session.call(
          ContainersGrpc.getRemoveMethod(),
          RemoveRequest.newBuilder().setRef(ref).setForce(force).setVolumes(volumes).build());
    }
  }

  /** Freezes all processes of containers. */
  @Command(description = "Freeze containers")
  public static final class Pause extends Several {
    @Override
    void one(Session session, String ref) {
      session.call(ContainersGrpc.getPauseMethod(), PauseRequest.newBuilder().setRef(ref).build());
    }
  }

  /** Lets frozen containers go on. */
  @Command(description = "Let frozen containers go on")
  public static final class Unpause extends Several {
    @Override
    void one(Session session, String ref) {
      session.call(
          ContainersGrpc.getUnpauseMethod(), UnpauseRequest.newBuilder().setRef(ref).build());
    }
  }

  /** Gives a container another name. */
  @Command(description = "Give a container another name")
  public static final class Rename extends SessionCommand {
    @Parameters(index = "0", paramLabel = "CONTAINER", description = "Id, its begin, or name")
    String container = "";

    @Parameters(index = "1", paramLabel = "NAME", description = "The new name")
    String name = "";

    @Override
    public int run(Session session) {
      session.call(
          ContainersGrpc.getRenameMethod(),
          RenameRequest.newBuilder().setRef(container).setName(name).build());
      return 0;
    }
  }

  /** Changes the limits and the restart policy of containers. */
  @Command(description = "Change limits and restart policy of containers")
  public static final class Update extends Several {
    @Option(
        names = "--restart",
        paramLabel = "POLICY",
        description = "no, always, on-failure[:N], unless-stopped")
    String restart = "";

    @Mixin ResourceOptions resources = new ResourceOptions();

    @Override
    public int run(Session session) {
      if (restart.isEmpty() && resources.build().build().equals(Resources.getDefaultInstance())) {
        throw new BerthException.InvalidArgument("update: name what is to change, such as -m 64m");
      }
      return super.run(session);
    }

    @Override
    void one(Session session, String ref) {
      UpdateRequest.Builder request =
          UpdateRequest.newBuilder().setRef(ref).setResources(resources.build());
      if (!restart.isEmpty()) {
        request.setRestart(HostOptions.restart(restart));
      }
      session.warn(
          session.call(ContainersGrpc.getUpdateMethod(), request.build()).getWarningsList());
    }
  }
}
