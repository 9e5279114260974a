package io.berth.shim.stdio;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.linux.Epoll;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.supervisor.Hook;
import io.berth.linux.supervisor.SupervisorException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Programs that read a container's output: 3 is its stdout, 4 its stderr, 5 is closed (or written
 * to) by the program when it is ready. They end by themselves at the end of the output.
 */
public final class LogPrograms {
  private static final Logger LOG = System.getLogger(LogPrograms.class.getName());
  private static final long READY_SECONDS = 10;

  private final Poller poller;

  /** Starts programs; the poller waits until one is ready. */
  public LogPrograms(Poller poller) {
    this.poller = poller;
  }

  /** The ends of the pipes to write to; the caller closes them. */
  record Started(Fd stdout, Fd stderr) {}

  /** The supervisor of the container: programs are its children, and outlive every JVM. */
  public interface Starter {
    /** Returns after the program's execve; borrows the descriptors that become its 3, 4 and 5. */
    void start(Hook program, Fd output, Fd errors, Fd ready) throws IOException;
  }

  /** Starts a program and waits until it is ready, for 10 s at most. */
  Started start(TaskKey task, Stream.LogProgram program, Starter supervisor) throws IOException {
    try (Fd.Pipe ready = Fd.pipe(0);
        Fd.Pipe stdout = Fd.pipe(0);
        Fd.Pipe stderr = Fd.pipe(0)) {
      List<String> arguments = new ArrayList<>(program.arguments());
      arguments.addFirst(program.path());
      Hook command =
          new Hook(
              program.path(),
              arguments,
              List.of("CONTAINER_ID=" + task.id(), "CONTAINER_NAMESPACE=" + task.namespace()),
              Duration.ZERO,
              "",
              "");
      try {
        supervisor.start(command, stdout.readEnd(), stderr.readEnd(), ready.writeEnd());
      } catch (SupervisorException e) {
        throw new BerthException.Unknown(
            "start log program `" + program.path() + "`: " + e.errno().text(), e);
      }
      ready.writeEnd().close();
      awaitReady(program, ready.readEnd());
      return new Started(stdout.writeEnd().duplicate(), stderr.writeEnd().duplicate());
    }
  }

  private void awaitReady(Stream.LogProgram program, Fd ready) throws IOException {
    CompletableFuture<@Nullable Void> told = new CompletableFuture<>();
    Poller.Registration waiting =
        poller.register(
            ready,
            Epoll.EPOLLIN,
            (registration, _) -> {
              registration.close();
              told.complete(null);
            });
    try {
      told.orTimeout(READY_SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      waiting.close();
      LOG.log(Level.DEBUG, "log program", e);
      if (e.getCause() instanceof TimeoutException) {
        throw new BerthException.Unknown(
            "start log program `" + program.path() + "`: not ready after 10 s", e);
      }
      throw e;
    }
  }
}
