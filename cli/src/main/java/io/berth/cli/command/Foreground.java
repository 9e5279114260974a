package io.berth.cli.command;

import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.ExecKillRequest;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.ResizeRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.cli.session.Session;
import io.berth.cli.session.Signals;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.ExitRecord;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A container in the foreground: started with its streams here, signals and window size passed on,
 * ended with its exit code.
 */
final class Foreground {
  /** Wrong lines, and failures of the engine where the exit code is otherwise the container's. */
  static final int ENGINE_FAILED = 125;

  private static final List<String> PASSED_ON =
      List.of("INT", "TERM", "HUP", "USR2", "CONT", "ALRM");

  private final Session session;
  private final String ref;
  private final Attachment.Want want;
  private final boolean proxySignals;

  Foreground(Session session, String ref, Attachment.Want want, boolean proxySignals) {
    this.session = session;
    this.ref = ref;
    this.want = want;
    this.proxySignals = proxySignals;
  }

  /** Refuses {@code -it} without a terminal, before anything is made. */
  static void checkTerminal(Session session, boolean wanted) {
    if (wanted && session.streams().descriptors() && !Attachment.stdinIsTerminal()) {
      throw new BerthException.InvalidArgument(
          "the input device is not a TTY: leave -t out, or run this in a terminal");
    }
  }

  /**
   * Starts the container and stays until it has ended. Answers its exit code.
   *
   * @param removesItself then it returns when the container has gone
   */
  int start(boolean removesItself) {
    StartRequest.Builder request = StartRequest.newBuilder().setRef(ref).setAttach(true);
    if (session.streams().descriptors()) {
      Attachment.terminalSize()
          .ifPresent(size -> request.setRows(size.rows()).setColumns(size.columns()));
    }
    StartResponse created =
        session.call(
            Session.CONTAINERD,
            "Containers.Start",
            () -> session.containers().start(request.build()));
    created
        .getWarningsList()
        .forEach(warning -> session.streams().err().println("WARNING: " + warning));
    try (Attachment attachment =
        Attachment.open(session, created.getAttach(), want, /* keepStdin= */ false)) {
      // Before anything runs: a signal that comes first must not end this process alone.
      passOn(created.getAttach().getExecId(), created.getAttach().getTty());
      if (!created.getAlready()) {
        var _ =
            session.call(
                Session.CONTAINERD,
                "Containers.Start{release}",
                () ->
                    session
                        .containers()
                        .start(StartRequest.newBuilder().setRef(ref).setRelease(true).build()));
      }
      return untilTheEnd(attachment, removesItself);
    }
  }

  /** Stays with what is attached already. Answers the exit code. */
  int stay(Attachment attachment, AttachResponse where, boolean removesItself) {
    passOn(where.getExecId(), where.getTty());
    return untilTheEnd(attachment, removesItself);
  }

  private int untilTheEnd(Attachment attachment, boolean removesItself) {
    Optional<ExitRecord> exit = attachment.awaitEnd();
    attachment.close();
    if (attachment.isDetached()) {
      return 0;
    }
    if (exit.isEmpty()) {
      // The supervisor is gone; its container's end is on record with the service.
      return waitFor("not-running");
    }
    try {
      waitFor(removesItself ? "removed" : "not-running");
    } catch (BerthException.NotFound e) {
      // Removed already: the code is known from the attached connection.
      return exit.get().shellCode();
    } catch (BerthException.Unavailable e) {
      session.streams().err().println("berth: " + e.getMessage());
    }
    return exit.get().shellCode();
  }

  private int waitFor(String condition) {
    return session
        .call(
            Session.CONTAINERD,
            "Containers.Wait",
            () ->
                session
                    .containers()
                    .wait(WaitRequest.newBuilder().setRef(ref).setCondition(condition).build()))
        .getStatus();
  }

  /** Window sizes always; signals unless a terminal turns keys into them inside the container. */
  void passOn(String execId, boolean tty) {
    if (tty) {
      Attachment.onResize(size -> resize(execId, size));
    }
    if (proxySignals && !(tty && want.stdin())) {
      PASSED_ON.forEach(name -> Signals.handle(name, signal -> kill(execId, signal)));
    }
  }

  private void resize(String execId, Terminal.Size size) {
    try {
      var _ =
          session
              .containers()
              .resize(
                  ResizeRequest.newBuilder()
                      .setRef(ref)
                      .setExecId(execId)
                      .setRows(size.rows())
                      .setColumns(size.columns())
                      .build());
    } catch (RuntimeException e) {
      // A size that did not arrive is followed by the next one; the terminal is raw, no text now.
      assert !execId.contains("\n");
    }
  }

  private void kill(String execId, String signal) {
    try {
      var _ =
          execId.isEmpty()
              ? session
                  .containers()
                  .kill(KillRequest.newBuilder().setRef(ref).setSignal("SIG" + signal).build())
              : session
                  .containers()
                  .execKill(
                      ExecKillRequest.newBuilder()
                          .setRef(ref)
                          .setExecId(execId)
                          .setSignal("SIG" + signal)
                          .build());
    } catch (RuntimeException e) {
      session.streams().err().println("berth: pass SIG" + signal + " on: " + e.getMessage());
    }
  }

  /** 127 for a program that is not there, 126 for one that cannot be run, else 125. */
  static int exitCode(BerthException failure) {
    String text = failure.getMessage().toLowerCase(Locale.ROOT);
    if (text.contains("executable file not found") || text.contains("no such file or directory")) {
      return 127;
    }
    if (text.contains("permission denied")
        || text.contains("exec format error")
        || text.contains("is a directory")
        || text.contains("not a directory")) {
      return 126;
    }
    return ENGINE_FAILED;
  }
}
