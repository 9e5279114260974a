package io.berth.cli.command;

import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.base.error.BerthException;
import io.berth.base.error.LaunchFailure;
import io.berth.cli.session.Session;
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

    @Mixin ContainerOptions options = new ContainerOptions();

    private boolean starting;

    @Override
    public boolean endsInProgram() {
      return true;
    }

    @Override
    public int run(Session session) {
      options.detached = detach;
      Foreground.checkTerminal(
          session, options.process.tty && options.process.interactive && !detach);
      CreateResponse created = new Creation(session, options).run();
      starting = true;
      try {
        if (detach) {
          start(session, created.getId());
          session.out().println(created.getId());
          return 0;
        }
        return new Foreground(session, created.getId(), options.streams(), proxySignals)
            .start(options.remove);
      } catch (BerthException e) {
        if (options.remove) {
          remove(session, created.getId(), e);
        }
        Creation.removeIdFile(session, options.idFile);
        throw e;
      }
    }

    private static void start(Session session, String id) {
      session.warn(
          session
              .call(ContainersGrpc.getStartMethod(), StartRequest.newBuilder().setRef(id).build())
              .getWarningsList());
    }

    private static void remove(Session session, String id, BerthException cause) {
      try {
        session.call(
            ContainersGrpc.getRemoveMethod(),
            RemoveRequest.newBuilder().setRef(id).setForce(true).setVolumes(true).build());
      } catch (BerthException e) {
        cause.addSuppressed(e);
      }
    }

    @Override
    public int exitCode(BerthException failure) {
      return starting
          ? LaunchFailure.exitCode(failure, Foreground.ENGINE_FAILED)
          : Foreground.ENGINE_FAILED;
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
      session.out().println(new Creation(session, options).run().getId());
      return 0;
    }

    @Override
    public int exitCode(BerthException failure) {
      return Foreground.ENGINE_FAILED;
    }
  }
}
