package io.berth.shim.run;

import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Processes;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.linux.supervisor.SupervisorListener;
import io.berth.shim.stdio.LogPrograms;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A container's supervisor, as its controller sees it. Waits are not interruptible: an operation
 * that was begun has an end that somebody must know.
 */
final class Supervision implements AutoCloseable {
  private static final long SECONDS = 20;
  private static final long PLACE_SECONDS = 15;

  private final SupervisorConnection connection;
  private final SupervisorConnection.Hello hello;
  private volatile @Nullable Fd init;

  Supervision(SupervisorConnection connection, SupervisorConnection.Hello hello) {
    this.connection = connection;
    this.hello = hello;
    this.init = hello.initPidfd();
  }

  /** Passes on what the supervisor says, once there is somebody to tell. */
  static final class Relay implements SupervisorListener {
    private final CompletableFuture<SupervisorListener> target = new CompletableFuture<>();

    void to(SupervisorListener listener) {
      target.complete(listener);
    }

    @Override
    public void exited(ExitRecord exit) {
      target.thenAccept(listener -> listener.exited(exit));
    }

    @Override
    public void drained(String id) {
      target.thenAccept(listener -> listener.drained(id));
    }

    @Override
    public void deposed(long epoch) {
      target.thenAccept(listener -> listener.deposed(epoch));
    }

    @Override
    public void closed(@Nullable Throwable cause) {
      target.thenAccept(listener -> listener.closed(cause));
    }
  }

  SupervisorConnection connection() {
    return connection;
  }

  int pid() {
    return hello.pid();
  }

  long epoch() {
    return hello.epoch();
  }

  SupervisorConnection.Hello hello() {
    return hello;
  }

  /** The descriptor of the init (pidfd_open(2)); null before the init was made. */
  @Nullable Fd init() {
    return init;
  }

  void init(@Nullable Fd pidfd) {
    init = pidfd;
  }

  /** Starts programs that read a container's output, once its supervisor is there. */
  static LogPrograms.Starter logPrograms(CompletableFuture<SupervisorConnection> supervisor) {
    return (program, output, errors, ready) ->
        await(await(supervisor.copy()).startLogProgram(program, output, errors, ready));
  }

  /** Tells the supervisor that the end of a process is known and its record is not needed. */
  void acknowledge(String execId) throws IOException {
    try {
      await(connection.acknowledge(execId));
    } catch (SupervisorException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  /** Whether the supervisor's own process has ended. */
  boolean hasEnded() {
    Fd pidfd = hello.pidfd();
    try {
      return pidfd == null || Processes.hasEnded(pidfd);
    } catch (SyscallException e) {
      return true;
    }
  }

  /** Waits for the supervisor's own end. */
  boolean awaitEnd(Poller poller, long millis) {
    Fd pidfd = hello.pidfd();
    if (pidfd == null) {
      return true;
    }
    try {
      Processes.ended(pidfd, poller).orTimeout(millis, TimeUnit.MILLISECONDS).join();
      return true;
    } catch (SyscallException | CompletionException e) {
      return hasEnded();
    }
  }

  /** Waits for an answer that is due at once. */
  static <T extends @Nullable Object> T await(CompletableFuture<T> answer) throws IOException {
    return awaitLong(answer.orTimeout(SECONDS, TimeUnit.SECONDS));
  }

  /** Waits for an answer, however long it takes. */
  static <T extends @Nullable Object> T awaitLong(CompletableFuture<T> answer) throws IOException {
    try {
      return answer.join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof IOException io) {
        throw io;
      }
      if (cause instanceof TimeoutException) {
        throw new BerthException.Unavailable("supervisor: no answer within " + SECONDS + " s", e);
      }
      if (cause instanceof RuntimeException runtime) {
        throw runtime;
      }
      throw e;
    }
  }

  /**
   * Waits for an answer, however long it takes; where only a place lacks at the supervisor, asks
   * again until there is one, for a bounded time.
   *
   * @param ask told how often it was asked before: each time is a request of its own
   */
  static <T extends @Nullable Object> T awaitPlace(IntFunction<CompletableFuture<T>> ask)
      throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PLACE_SECONDS);
    long pause = TimeUnit.MILLISECONDS.toNanos(5);
    for (int before = 0; ; before++) {
      try {
        return awaitLong(ask.apply(before));
      } catch (SupervisorException e) {
        if (!e.is(Errno.EUSERS) || System.nanoTime() + pause > end) {
          throw e;
        }
      }
      var _ = Sleeper.SYSTEM.pause(Duration.ofNanos(pause));
      pause = Math.min(2 * pause, TimeUnit.MILLISECONDS.toNanos(100));
    }
  }

  @Override
  public void close() {
    connection.close();
    Fd pidfd = init;
    hello.close();
    if (pidfd != null) {
      pidfd.close();
    }
  }
}
