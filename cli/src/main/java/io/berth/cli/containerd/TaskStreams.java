package io.berth.cli.containerd;

import io.berth.api.containerd.services.tasks.v1.CloseIORequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ResizePtyRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.cli.session.Descriptors;
import io.berth.cli.session.Session;
import io.berth.cli.session.Signals;
import io.berth.cli.session.TerminalMode;
import io.berth.linux.Errno;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a process of a task in the foreground, whichever client has made its container. What it
 * reads and writes goes through named pipes and this process, as with other clients of containerd;
 * {@code berth exec} and {@code berth attach} are the shorter way.
 */
final class TaskStreams {
  private final Session session;
  private final String id;
  private final String execId;
  private final boolean tty;

  /**
   * For one process of a container.
   *
   * @param execId names a process that was added; empty for the container's first one
   */
  TaskStreams(Session session, String id, String execId, boolean tty) {
    this.session = session;
    this.id = id;
    this.execId = execId;
    this.tty = tty;
  }

  /**
   * Starts a program, stays until it has ended and was taken away, and answers its exit code. The
   * program is killed when an output of the caller is broken, because nobody else has its output.
   */
  int run(Pipes pipes, Runnable start, Runnable takeAway) {
    AtomicReference<@Nullable SyscallException> broken = new AtomicReference<>();
    Descriptors descriptors = session.caller().descriptors();
    if (descriptors != null) {
      descriptors.onBrokenOutput(failure -> {
        if (broken.compareAndSet(null, failure)) {
          kill(Signal.SIGKILL.number());
        }
      });
    }
    int code = stay(pipes, start);
    takeAway.run();
    SyscallException failure = broken.get();
    if (failure == null) {
      return code;
    }
    if (failure.is(Errno.EPIPE)) {
      return 128 + Signal.SIGPIPE.number();
    }
    throw new BerthException.DataLoss("task " + id + ": " + failure.getMessage(), failure);
  }

  /** Stays until the process has ended, and answers its exit code. */
  int stay(Pipes pipes, Runnable start) {
    Signals signals = session.caller().signals();
    boolean terminal = tty && session.caller().readsTerminal();
    signals.hold();
    try (TerminalMode _ = terminal ? TerminalMode.raw(session.caller()) : null) {
      pipes.copy(session.caller(), this::closeInput);
      start.run();
      if (terminal) {
        resize();
        signals.onResize(this::resize);
        signals.release();
      } else {
        signals.passTo(this::kill);
      }
      WaitRequest request = WaitRequest.newBuilder().setContainerId(id).setExecId(execId).build();
      int code = session.call(TasksGrpc.getWaitMethod(), request).getExitStatus();
      pipes.drain();
      return code;
    } finally {
      signals.release();
    }
  }

  private void closeInput() {
    try {
      session.call(
          TasksGrpc.getCloseIOMethod(),
          CloseIORequest.newBuilder().setContainerId(id).setExecId(execId).setStdin(true).build());
    } catch (RuntimeException e) {
      // The process has ended before its input did.
      assert e.getMessage() != null;
    }
  }

  private void resize() {
    session.caller().terminalSize().ifPresent(this::resize);
  }

  private void resize(Terminal.Size size) {
    try {
      session.call(
          TasksGrpc.getResizePtyMethod(),
          ResizePtyRequest.newBuilder()
              .setContainerId(id)
              .setExecId(execId)
              .setWidth(size.columns())
              .setHeight(size.rows())
              .build());
    } catch (BerthException e) {
      // The next size replaces one that did not arrive; a message would disturb a raw terminal.
      assert e.getMessage() != null;
    }
  }

  private void kill(int signal) {
    KillRequest request =
        KillRequest.newBuilder().setContainerId(id).setExecId(execId).setSignal(signal).build();
    try {
      session.call(TasksGrpc.getKillMethod(), request);
    } catch (BerthException.NotFound | BerthException.FailedPrecondition e) {
      // The process has just ended, which is told elsewhere.
      assert e.getMessage() != null;
    } catch (BerthException e) {
      session.err().println("berth: pass " + Signal.nameOf(signal) + " on: " + e.getMessage());
    }
  }
}
