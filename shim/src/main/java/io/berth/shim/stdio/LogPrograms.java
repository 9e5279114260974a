package io.berth.shim.stdio;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.linux.Epoll;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.SpawnPlan;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
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

  /** The poller collects programs that have ended. */
  public LogPrograms(Poller poller) {
    this.poller = poller;
  }

  /** The ends to write to; the caller closes them. */
  public record Started(int pid, Fd stdout, Fd stderr) {}

  /** Starts one and waits until it is ready, for 10 s at most. */
  public Started start(TaskKey task, Stream.LogProgram program) throws IOException {
    try (Fd.Pipe ready = Fd.pipe(0);
        Fd.Pipe stdout = Fd.pipe(0);
        Fd.Pipe stderr = Fd.pipe(0)) {
      SpawnPlan plan =
          SpawnPlan.of(program.path())
              .arguments(program.arguments())
              .environment("CONTAINER_ID", task.id())
              .environment("CONTAINER_NAMESPACE", task.namespace())
              .descriptor(3, stdout.readEnd())
              .descriptor(4, stderr.readEnd())
              .descriptor(5, ready.writeEnd())
              .newSession();
      Processes.Child child = spawn(program, plan);
      Processes.exit(child.pidfd(), poller).whenComplete((_, _) -> child.close());
      ready.writeEnd().close();
      awaitReady(program, ready.readEnd());
      return new Started(child.pid(), stdout.writeEnd().duplicate(), stderr.writeEnd().duplicate());
    }
  }

  private static Processes.Child spawn(Stream.LogProgram program, SpawnPlan plan) {
    try {
      return Processes.spawn(plan);
    } catch (SyscallException e) {
      throw new BerthException.Unknown(
          "start log program `" + program.path() + "`: " + e.errno().text(), e);
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
