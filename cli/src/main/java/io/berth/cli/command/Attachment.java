package io.berth.cli.command;

import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import io.berth.cli.parse.DetachKeys;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Descriptors;
import io.berth.cli.session.Session;
import io.berth.cli.session.TerminalMode;
import io.berth.linux.Errno;
import io.berth.linux.Poller;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.supervisor.Admission;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorException;
import io.berth.linux.supervisor.SupervisorListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The caller's streams, brought to a container's supervisor: bytes pass between them and the
 * container without any resident command line between them. Used by one thread.
 */
final class Attachment implements AutoCloseable {
  private static final long ANSWER_SECONDS = 10;

  /** How long a place is waited for; the supervisor keeps an unused token a little longer. */
  private static final Duration PLACE_PATIENCE = Duration.ofSeconds(50);

  private final AttachResponse where;
  private final Poller poller;
  private final SupervisorConnection connection;
  private final Ending ending;
  private final BroughtStreams streams = new BroughtStreams();
  private @Nullable TerminalMode raw;

  private Attachment(
      AttachResponse where, Poller poller, SupervisorConnection connection, Ending ending) {
    this.where = where;
    this.poller = poller;
    this.connection = connection;
    this.ending = ending;
  }

  /** Which streams are brought here, and the keys that take them away again. */
  record Want(boolean stdin, boolean stdout, boolean stderr, DetachKeys keys) {}

  /** How an attachment came to its end. */
  sealed interface End {
    /** The process has ended, and all that it wrote has been passed on. */
    record Exited(ExitRecord exit) implements End {}

    /** The person typed the keys that detach. */
    record Detached() implements End {}

    /** One of the caller's outputs takes nothing any more. */
    record Broken(SupervisorConnection.Stream stream, Errno error) implements End {
      /**
       * The exit code of a filter whose reader has gone; another failure is thrown, because only a
       * message can tell it.
       */
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

    /** The supervisor went away without telling an end. */
    record Lost() implements End {}
  }

  /**
   * Connects to the supervisor and hands the descriptors over; a terminal is raw when it returns.
   * Blocks while as many clients are attached as there can be.
   *
   * @throws BerthException.DataLoss if nothing is kept there for this client any more
   */
  static Attachment open(
      Session session, AttachResponse where, Want want, Set<SupervisorConnection.Bond> bonds) {
    Descriptors own = session.caller().descriptors();
    if (own == null) {
      throw new BerthException.FailedPrecondition(
          "attach: this process has no descriptors to hand over");
    }
    Ending ending = new Ending();
    Poller poller = null;
    try {
      poller = Poller.start("attach");
      SupervisorConnection connection =
          new Admission(
                  new SupervisorClient(poller), Path.of(where.getSocket()), Sleeper.SYSTEM::sleep)
              .enter(where.getToken().toByteArray(), ending, PLACE_PATIENCE);
      Attachment attachment = new Attachment(where, poller, connection, ending);
      try {
        attachment.handOver(session.caller(), own, want, bonds);
      } catch (IOException | RuntimeException e) {
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

  private static Set<SupervisorConnection.Stream> streamsOf(Want want, boolean tty) {
    Set<SupervisorConnection.Stream> wanted = EnumSet.noneOf(SupervisorConnection.Stream.class);
    if (want.stdin()) {
      wanted.add(SupervisorConnection.Stream.STDIN);
    }
    if (want.stdout()) {
      wanted.add(SupervisorConnection.Stream.STDOUT);
    }
    if (want.stderr() && !tty) {
      wanted.add(SupervisorConnection.Stream.STDERR);
    }
    return wanted;
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

  private void handOver(
      Caller caller, Descriptors own, Want want, Set<SupervisorConnection.Bond> bonds)
      throws SyscallException {
    streams.open(own, streamsOf(want, where.getTty()));
    boolean typed = where.getTty() && want.stdin();
    if (typed && caller.readsTerminal()) {
      raw = TerminalMode.raw(caller);
    }
    byte[] keys = typed ? want.keys().bytes() : new byte[0];
    await(connection.attach(where.getExecId(), streams.descriptors(), streams.with(bonds), keys));
    streams.handedOver(own, this::broke);
  }

  /** An output that is carried takes nothing any more, which the supervisor cannot know. */
  private void broke(SupervisorConnection.Stream stream, Errno error) {
    var _ =
        connection
            .breakOutput(stream, error)
            .whenComplete((_, refused) -> {
              if (refused != null) {
                ending.broken(stream, error);
              }
            });
  }

  /** Blocks until the attachment ends, gives the terminal back as it was, and tells how. */
  End awaitEnd() {
    try {
      End end = ending.end.get();
      // Whatever has not been let go by now is, so that carried outputs come to their end.
      connection.close();
      BroughtStreams.Break late = streams.awaitOutputs();
      close();
      return late == null || end instanceof End.Broken
          ? end
          : new End.Broken(late.stream(), late.error());
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

  @Override
  public void close() {
    if (raw != null) {
      raw.close();
    }
    connection.close();
    poller.close();
    streams.close();
  }

  /**
   * Gathers what the supervisor tells. That the process has ended and that its output has been
   * passed on comes in either order; the end of the connection comes last.
   */
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
