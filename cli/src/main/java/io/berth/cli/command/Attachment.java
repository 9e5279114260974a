package io.berth.cli.command;

import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.base.error.BerthException;
import io.berth.cli.parse.DetachKeys;
import io.berth.cli.session.Session;
import io.berth.cli.session.Signals;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorListener;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
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

  /**
   * Connected and handed over when it returns; a terminal is raw then.
   *
   * @param keepStdin the process's input stays open when this client's ends
   */
  static Attachment open(Session session, AttachResponse where, Want want, boolean keepStdin) {
    if (!session.streams().descriptors()) {
      throw new BerthException.FailedPrecondition(
          "attach: this process has no descriptors to hand over");
    }
    Ending ending = new Ending();
    Poller poller = null;
    try {
      poller = Poller.start("attach");
      SupervisorConnection connection =
          new SupervisorClient(poller).connect(Path.of(where.getSocket()), ending);
      Attachment attachment = new Attachment(where, poller, connection, ending);
      try {
        attachment.handOver(want, keepStdin);
      } catch (SyscallException | RuntimeException e) {
        attachment.close();
        throw e;
      }
      return attachment;
    } catch (SyscallException e) {
      if (poller != null) {
        poller.close();
      }
      throw new BerthException.Unavailable(
          "attach at `" + where.getSocket() + "`: " + e.getMessage(), e);
    }
  }

  private void handOver(Want want, boolean keepStdin) throws SyscallException {
    await(connection.helloToAttach(where.getToken().toByteArray()));
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
      Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(this::restoreTerminal));
    }
    byte[] keys = where.getTty() && want.stdin() ? want.keys().bytes() : new byte[0];
    await(connection.attach(where.getExecId(), streams, /* backPressure= */ true, keepStdin, keys));
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
    Signals.handle("WINCH", _ -> terminalSize().ifPresent(changed));
  }

  /**
   * Blocks until the process has ended and all that it wrote has been passed on. Empty when the
   * supervisor went away without a word of it.
   */
  Optional<ExitRecord> awaitEnd() {
    try {
      return Optional.ofNullable(ending.exit.get());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("attached: interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether the person typed the keys for it: then there is no end to tell of. */
  boolean isDetached() {
    return ending.detached;
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
    private final CompletableFuture<@Nullable ExitRecord> exit = new CompletableFuture<>();
    private volatile @Nullable ExitRecord told;
    private volatile boolean drained;
    private volatile boolean detached;

    @Override
    public void exited(ExitRecord record) {
      told = record;
      if (drained) {
        exit.complete(record);
      }
    }

    @Override
    public void drained(String id) {
      drained = true;
      if (told != null) {
        exit.complete(told);
      }
    }

    @Override
    public void detached(String id) {
      detached = true;
      exit.complete(null);
    }

    @Override
    public void closed(@Nullable Throwable cause) {
      exit.complete(told);
    }
  }
}
