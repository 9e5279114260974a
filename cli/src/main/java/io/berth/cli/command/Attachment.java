package io.berth.cli.command;

import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.base.error.BerthException;
import io.berth.cli.parse.DetachKeys;
import io.berth.cli.session.Session;
import io.berth.cli.session.Signals;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.Admission;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.linux.supervisor.SupervisorListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * This process's own descriptors, handed to a container's supervisor: bytes pass between terminal
 * and container without any Java between them.
 */
final class Attachment implements AutoCloseable {
  private static final long ANSWER_SECONDS = 10;

  /** Less than a token is good for. */
  private static final Duration PLACE_PATIENCE = Duration.ofSeconds(50);

  private final AttachResponse where;
  private final Poller poller;
  private final SupervisorConnection connection;
  private final Ending ending;
  private Terminal.@Nullable Settings restored;

  private Attachment(
      AttachResponse where, Poller poller, SupervisorConnection connection, Ending ending) {
    this.where = where;
    this.poller = poller;
    this.connection = connection;
    this.ending = ending;
  }

  /** Which streams to bring, and what is typed to take them away again. */
  record Want(boolean stdin, boolean stdout, boolean stderr, DetachKeys keys) {}

  /** How it came to its end. */
  sealed interface End {
    /** The process has ended, and all that it wrote has been passed on. */
    record Exited(ExitRecord exit) implements End {}

    /** The person typed the keys for it. */
    record Detached() implements End {}

    /** What this process was given for an output takes nothing any more. */
    record Broken(SupervisorConnection.Stream stream, Errno error) implements End {
      /** As any filter ends whose reader has gone; with a word where it is something else. */
      int asFilter(String what) {
        if (error == Errno.EPIPE) {
          return 128 + Signal.SIGPIPE.number();
        }
        throw new BerthException.DataLoss(
            what
                + ": write standard "
                + (stream == SupervisorConnection.Stream.STDERR ? "error" : "output")
                + ": "
                + error.text());
      }
    }

    /** The supervisor went away without a word of it. */
    record Lost() implements End {}
  }

  /**
   * Connected and handed over when it returns; a terminal is raw then. Waits while as many are
   * attached as there can be.
   *
   * @throws BerthException.DataLoss if nothing is kept there for this client any more
   */
  static Attachment open(
      Session session, AttachResponse where, Want want, Set<SupervisorConnection.Bond> bonds) {
    if (!session.caller().descriptors()) {
      throw new BerthException.FailedPrecondition(
          "attach: this process has no descriptors to hand over");
    }
    Ending ending = new Ending();
    Poller poller = null;
    try {
      poller = Poller.start("attach");
      SupervisorConnection connection =
          new Admission(new SupervisorClient(poller), Path.of(where.getSocket()))
              .enter(where.getToken().toByteArray(), ending, PLACE_PATIENCE);
      Attachment attachment = new Attachment(where, poller, connection, ending);
      try {
        attachment.handOver(want, bonds);
      } catch (SyscallException | RuntimeException e) {
        attachment.close();
        throw e;
      }
      return attachment;
    } catch (IOException e) {
      if (poller != null) {
        poller.close();
      }
      throw refused(where, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("attach: interrupted", e);
    }
  }

  private static BerthException refused(AttachResponse where, IOException refusal) {
    Errno errno =
        switch (refusal) {
          case SupervisorException refused -> refused.errno();
          case SyscallException failed -> failed.errno();
          default -> Errno.UNKNOWN;
        };
    return switch (errno) {
      case ENOENT, ECONNREFUSED ->
          new BerthException.DataLoss(
              "attach: the container's supervisor has ended, and what it held of the output is"
                  + " lost",
              refusal);
      case EACCES ->
          new BerthException.DataLoss(
              "attach: the supervisor waits for this client no longer, and what it held of the"
                  + " output is lost",
              refusal);
      case EUSERS ->
          new BerthException.ResourceExhausted(
              "attach: as many clients are attached to the container as there can be, and none"
                  + " left within "
                  + PLACE_PATIENCE.toSeconds()
                  + " s; try again",
              refusal);
      default ->
          new BerthException.Unavailable(
              "attach at `" + where.getSocket() + "`: " + refusal.getMessage(), refusal);
    };
  }

  private void handOver(Want want, Set<SupervisorConnection.Bond> bonds) throws SyscallException {
    Map<SupervisorConnection.Stream, Fd> streams = new EnumMap<>(SupervisorConnection.Stream.class);
    Fd stdin = stdin();
    if (want.stdin()) {
      streams.put(SupervisorConnection.Stream.STDIN, stdin);
    }
    if (want.stdout()) {
      streams.put(SupervisorConnection.Stream.STDOUT, Fd.adopt(1, "stdout"));
    }
    if (want.stderr() && !where.getTty()) {
      streams.put(SupervisorConnection.Stream.STDERR, Fd.adopt(2, "stderr"));
    }
    if (where.getTty() && want.stdin() && Terminal.isTerminal(stdin)) {
      restored = Terminal.makeRaw(stdin);
      // Also when a signal ends this process, its terminal must be usable again.
      Signals.beforeEnd(this::restoreTerminal);
    }
    byte[] keys = where.getTty() && want.stdin() ? want.keys().bytes() : new byte[0];
    await(connection.attach(where.getExecId(), streams, bonds, keys));
  }

  private static Fd stdin() {
    return Fd.adopt(0, "stdin");
  }

  /** The size of this process's terminal, if it has one. */
  static Optional<Terminal.Size> terminalSize() {
    for (int number : new int[] {0, 1}) {
      Fd fd = Fd.adopt(number, "terminal");
      if (Terminal.isTerminal(fd)) {
        try {
          return Optional.of(Terminal.size(fd));
        } catch (SyscallException e) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  /** Whether standard input is a terminal. */
  static boolean stdinIsTerminal() {
    return Terminal.isTerminal(stdin());
  }

  /** Tells of every change of the window's size from now on. */
  static void onResize(Consumer<Terminal.Size> changed) {
    Signals.onResize(() -> terminalSize().ifPresent(changed));
  }

  /** Blocks until it has come. */
  End awaitEnd() {
    try {
      return ending.end.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("attached: interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private static <T> void await(CompletableFuture<T> answer) {
    try {
      answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      String why = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
      throw new BerthException.Unavailable("attach: " + why, e);
    } catch (TimeoutException e) {
      throw new BerthException.Unavailable(
          "attach: the supervisor did not answer within " + ANSWER_SECONDS + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("attach: interrupted", e);
    }
  }

  private synchronized void restoreTerminal() {
    Terminal.Settings settings = restored;
    restored = null;
    if (settings == null) {
      return;
    }
    try {
      Terminal.restore(stdin(), settings);
    } catch (SyscallException e) {
      // The terminal itself has gone: nothing is left to restore.
      assert e.errno() != null;
    }
  }

  @Override
  public void close() {
    restoreTerminal();
    connection.close();
    poller.close();
  }

  /** Exit and drained come in either order; the connection's end comes last. */
  private static final class Ending implements SupervisorListener {
    private final CompletableFuture<End> end = new CompletableFuture<>();
    private volatile @Nullable ExitRecord told;
    private volatile boolean drained;

    @Override
    public void exited(ExitRecord record) {
      told = record;
      if (drained) {
        end.complete(new End.Exited(record));
      }
    }

    @Override
    public void drained(String id) {
      drained = true;
      ExitRecord record = told;
      if (record != null) {
        end.complete(new End.Exited(record));
      }
    }

    @Override
    public void detached(String id) {
      end.complete(new End.Detached());
    }

    @Override
    public void broken(SupervisorConnection.Stream stream, Errno error) {
      end.complete(new End.Broken(stream, error));
    }

    @Override
    public void closed(@Nullable Throwable cause) {
      end.complete(new End.Lost());
    }
  }
}
