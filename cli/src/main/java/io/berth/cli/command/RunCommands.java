package io.berth.cli.command;

import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.RunRequest;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.cli.session.Begun;
import io.berth.cli.session.Session;
import io.grpc.StatusRuntimeException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The verbs that make containers. */
public final class RunCommands {
  private RunCommands() {}

  /** Makes a container and runs it, in the foreground unless it is detached. */
  @Command(sortOptions = false, description = "Make a container of an image and run it")
  public static final class Run extends SessionCommand {
    @Option(
        names = {"-d", "--detach"},
        description = "Leave it running and print its id")
    boolean detach;

    @Option(
        names = "--sig-proxy",
        arity = "0..1",
        fallbackValue = "true",
        description = "Pass signals on to it (default: true)")
    boolean proxySignals = true;

    @Option(names = "--timing", description = "Tell on stderr what each step of it took")
    boolean timing;

    @Mixin ContainerOptions options = new ContainerOptions();

    @Override
    public boolean endsInProgram() {
      return true;
    }

    @Override
    public int run(Session session) {
      RunTiming times = new RunTiming(timing);
      options.detached = detach;
      boolean terminal = options.process.tty && options.process.interactive && !detach;
      if (Foreground.lacksTerminal(session, terminal)) {
        return 1;
      }
      Attachment.Want want = options.streams();
      Creation creation = new Creation(session, options);
      // While this call goes on without a release the service takes the container away with it.
      try (Begun<RunResponse> run = creation.ask(wanted -> begin(session, wanted))) {
        RunResponse made = run.first();
        times.step("ask for it");
        try {
          creation.tell(made.getId(), made.getWarningsList());
          if (detach) {
            session.out().println(made.getId());
            times.tell(session, made.getId());
            return 0;
          }
          int code =
              new Foreground(session, made.getId(), want, proxySignals)
                  .timedBy(times)
                  .run(made, options.remove);
          times.tell(session, made.getId());
          return code;
        } catch (BerthException e) {
          creation.forget();
          throw e;
        }
      }
    }

    private Begun<RunResponse> begin(Session session, CreateRequest wanted) {
      RunRequest.Builder request = RunRequest.newBuilder().setCreate(wanted).setDetach(detach);
      if (!detach) {
        session
            .caller()
            .terminalSize()
            .ifPresent(size -> request.setRows(size.rows()).setColumns(size.columns()));
      }
      return session.begin(ContainersGrpc.getRunMethod(), request.build());
    }

    @Override
    public int exitCode(BerthException failure) {
      return LaunchFailure.exitCode(failure, Foreground.ENGINE_FAILED);
    }
  }

  /** Makes a container and does not start it. */
  @Command(sortOptions = false, description = "Make a container of an image; `start` runs it")
  public static final class Create extends SessionCommand {
    @Mixin ContainerOptions options = new ContainerOptions();

    @Override
    public boolean endsInProgram() {
      return true;
    }

    @Override
    public int run(Session session) {
      options.detached = true;
      Creation creation = new Creation(session, options);
      CreateResponse made =
          creation.ask(wanted -> session.call(ContainersGrpc.getCreateMethod(), wanted));
      creation.tell(made.getId(), made.getWarningsList());
      session.out().println(made.getId());
      return 0;
    }

    /** As docker's: a wish that cannot be read is 125 as in {@code run}, another failure 1. */
    @Override
    public int exitCode(BerthException failure) {
      boolean refusedHere =
          failure instanceof BerthException.InvalidArgument
              && !(failure.getCause() instanceof StatusRuntimeException);
      return refusedHere ? Foreground.ENGINE_FAILED : 1;
    }
  }
}
