package io.berth.cli.command;

import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ExecKillRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.ReleaseRequest;
import io.berth.api.berth.container.v1.ResizeRequest;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.error.BerthException;
import io.berth.cli.session.Caller;
import io.berth.cli.session.Session;
import io.berth.cli.session.Signals;
import io.berth.linux.Signal;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorConnection;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;

/**
 * Keeps a container in the foreground: its streams are brought here, signals and the size of the
 * window are passed on, and its exit code becomes the line's.
 */
final class Foreground {
  /** The exit code of failures of the engine where the exit code is otherwise the container's. */
  static final int ENGINE_FAILED = 125;

  /**
   * With what a verb ends whose person left what somebody else had started; a container that the
   * verb itself has started just goes on in the background, and that is 0.
   */
  static final int LEFT = 1;

  /**
   * How a client is bound to a program that it has started itself: the program waits for its reader
   * and ends with it, as in any pipeline.
   */
  static final Set<SupervisorConnection.Bond> OWN =
      Set.of(SupervisorConnection.Bond.BACK_PRESSURE, SupervisorConnection.Bond.BREAKS);

  private static final Duration REMOVAL_PATIENCE = Duration.ofSeconds(10);

  private final Session session;
  private final Signals signals;
  private final String ref;
  private final Attachment.Want want;
  private final boolean proxySignals;
  private RunTiming times = new RunTiming(/* wanted= */ false);

  Foreground(Session session, String ref, Attachment.Want want, boolean proxySignals) {
    this.session = session;
    this.signals = session.caller().signals();
    this.ref = ref;
    this.want = want;
    this.proxySignals = proxySignals;
  }

  /** The same, which tells its steps. */
  Foreground timedBy(RunTiming telling) {
    times = telling;
    return this;
  }

  /**
   * Whether {@code -it} is asked for by a caller without a terminal, which is told; asked before
   * anything is made. The line then ends with 1, whatever its other failures end with: as docker's.
   */
  static boolean lacksTerminal(Session session, boolean wanted) {
    Caller caller = session.caller();
    boolean lacks = wanted && caller.descriptors() != null && !caller.readsTerminal();
    if (lacks) {
      session
          .err()
          .println("berth: the input device is not a TTY: leave -t out, or run this in a terminal");
    }
    return lacks;
  }

  /**
   * Takes the streams of a container that was brought before its first instruction, lets it run,
   * stays until it has ended, and answers its exit code.
   *
   * @param removesItself whether the container is removed at its end; then its removal is awaited
   *     as well
   */
  int run(RunResponse brought, boolean removesItself) {
    // A signal that comes from now on is meant for the program, and waits until that runs.
    holdSignals();
    try (Attachment attachment = Attachment.open(session, brought.getAttach(), want, OWN)) {
      times.step("take its streams");
      if (!brought.getAlready()) {
        session.call(
            ContainersGrpc.getReleaseMethod(), ReleaseRequest.newBuilder().setRef(ref).build());
      }
      times.step("let it run");
      passOn(brought.getAttach().getExecId(), brought.getAttach().getTty());
      Attachment.End end = untilTheEnd(attachment);
      times.step("until it has ended");
      if (end instanceof Attachment.End.Broken) {
        stop();
      }
      int code = code(end, removesItself);
      times.step(removesItself ? "until it is removed" : "until its end is recorded");
      return code;
    } finally {
      signals.release();
    }
  }

  /** Stays with what is attached already, and answers the exit code. */
  int stay(Attachment attachment, AttachResponse where, boolean removesItself) {
    try {
      passOn(where.getExecId(), where.getTty());
      Attachment.End end = untilTheEnd(attachment);
      return switch (end) {
        case Attachment.End.Broken broken -> broken.asFilter("attach to `" + ref + "`");
        case Attachment.End.Detached _ -> {
          tellDetached(session);
          yield LEFT;
        }
        case Attachment.End.Exited _, Attachment.End.Lost _ -> code(end, removesItself);
      };
    } finally {
      signals.release();
    }
  }

  private Attachment.End untilTheEnd(Attachment attachment) {
    Attachment.End end = attachment.awaitEnd();
    // There is nobody left to pass signals on to.
    signals.release();
    return end;
  }

  private int code(Attachment.End end, boolean removesItself) {
    return switch (end) {
      case Attachment.End.Detached _ -> {
        tellDetached(session);
        yield 0;
      }
      case Attachment.End.Exited(ExitRecord exit) -> {
        awaitRemoval(removesItself);
        yield exit.shellCode();
      }
      case Attachment.End.Broken broken -> {
        awaitRemoval(removesItself);
        yield broken.asFilter("run `" + ref + "`");
      }
      // The service has the container's end on record.
      case Attachment.End.Lost _ -> lost(session, () -> waitFor("not-running"));
    };
  }

  /**
   * Tells that the keys were typed which detach, in docker's words. The line also ends the one that
   * the program has begun on the terminal.
   */
  static void tellDetached(Session session) {
    session.err().println("read escape sequence");
  }

  /**
   * Tells that the supervisor has gone without telling an end, and answers the exit code. No
   * success: to whoever reads the output that would tell that it is all there.
   *
   * @param recorded waits for the code that is on record
   */
  static int lost(Session session, IntSupplier recorded) {
    session
        .err()
        .println("berth: the container's supervisor has gone; the end of the output may be lost");
    int code = recorded.getAsInt();
    return code == 0 ? ENGINE_FAILED : code;
  }

  /**
   * A removal may wait for a service that is absent, for as long as it is. The line does not: its
   * program has ended.
   */
  private void awaitRemoval(boolean removesItself) {
    try {
      Optional<WaitResponse> end =
          session.callWithin(
              REMOVAL_PATIENCE,
              ContainersGrpc.getWaitMethod(),
              waiting(removesItself ? "removed" : "not-running"));
      if (end.isPresent()) {
        var _ = told(end.get());
        return;
      }
      StateInfo state =
          session
              .call(ContainersGrpc.getGetMethod(), GetRequest.newBuilder().setRef(ref).build())
              .getState();
      session
          .err()
          .println(
              "berth: container `"
                  + ref
                  + "` has ended; its removal goes on"
                  + (state.getOomKilled() || state.getError().isEmpty()
                      ? ""
                      : ": " + state.getError()));
    } catch (BerthException.NotFound e) {
      // The container is removed already; its code is known from the attached connection.
      assert e.getMessage() != null;
    } catch (BerthException.Unavailable e) {
      session.err().println("berth: " + e.getMessage());
    }
  }

  /**
   * Stops the container because its reader has gone. SIGPIPE alone does not: the kernel spares the
   * first process of a pid namespace from signals that it has no handler for (pid_namespaces(7)).
   */
  private void stop() {
    try {
      session.call(ContainersGrpc.getStopMethod(), StopRequest.newBuilder().setRef(ref).build());
    } catch (BerthException.NotFound | BerthException.FailedPrecondition e) {
      // The container has ended by itself.
      assert e.getMessage() != null;
    }
  }

  /** Stays until then, and tells what a program was killed for. */
  private int waitFor(String condition) {
    return told(session.call(ContainersGrpc.getWaitMethod(), waiting(condition)));
  }

  private WaitRequest waiting(String condition) {
    return WaitRequest.newBuilder().setRef(ref).setCondition(condition).build();
  }

  private int told(WaitResponse end) {
    if (end.getOomKilled() && !end.getError().isEmpty()) {
      session.err().println("berth: " + end.getError());
    }
    return end.getStatus();
  }

  /** Lets signals wait from now on, until {@link #passOn} is called. */
  void holdSignals() {
    if (proxySignals) {
      signals.hold();
    }
  }

  /**
   * Passes signals and window sizes on from now on. Where the container's own terminal turns keys
   * into signals, none is passed on.
   */
  void passOn(String execId, boolean tty) {
    if (tty) {
      signals.onResize(
          () -> session.caller().terminalSize().ifPresent(size -> resize(execId, size)));
    }
    if (proxySignals && !(tty && want.stdin())) {
      signals.passTo(signal -> kill(execId, signal));
    } else {
      signals.release();
    }
  }

  private void resize(String execId, Terminal.Size size) {
    try {
      session.call(
          ContainersGrpc.getResizeMethod(),
          ResizeRequest.newBuilder()
              .setRef(ref)
              .setExecId(execId)
              .setRows(size.rows())
              .setColumns(size.columns())
              .build());
    } catch (RuntimeException e) {
      // The next size replaces one that did not arrive; a message would disturb a raw terminal.
      assert !execId.contains("\n");
    }
  }

  private void kill(String execId, int signal) {
    String number = Integer.toString(signal);
    KillRequest init = KillRequest.newBuilder().setRef(ref).setSignal(number).build();
    ExecKillRequest exec =
        ExecKillRequest.newBuilder().setRef(ref).setExecId(execId).setSignal(number).build();
    try {
      var _ =
          execId.isEmpty()
              ? session.call(ContainersGrpc.getKillMethod(), init)
              : session.call(ContainersGrpc.getExecKillMethod(), exec);
    } catch (BerthException.NotFound | BerthException.FailedPrecondition e) {
      // The process has just ended, which is told elsewhere.
      assert e.getMessage() != null;
    } catch (BerthException e) {
      session.err().println("berth: pass " + Signal.nameOf(signal) + " on: " + e.getMessage());
    }
  }
}
