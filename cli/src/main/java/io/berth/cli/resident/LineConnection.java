package io.berth.cli.resident;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.cli.session.Signals;
import io.berth.cli.session.StreamCarrier;
import io.berth.cli.session.TerminalKeeper;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Signal;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import io.berth.linux.Terminal;
import io.berth.linux.supervisor.SupervisorConnection.Stream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The client of a line that is carried out: what it is told and asked, and what it tells. Messages
 * are taken on the poller's thread; everything else is called from the line's threads.
 */
final class LineConnection implements Signals.Addressee, TerminalKeeper, StreamCarrier {
  private final Fd socket;
  private final Fd input;
  private final long ignored;
  private final LineGate gate;
  private final Signals signals = new Signals(this);

  @GuardedBy("this")
  private @Nullable CompletableFuture<Integer> terminalAnswer;

  /** The terminal before a change, and after it; null while it is as it was. */
  @GuardedBy("this")
  private @Nullable Changed changed;

  /** Who is told when the client has ended to carry streams, LINE_STREAM_*. */
  @GuardedBy("this")
  private final Map<Integer, IntConsumer> carried = new HashMap<>();

  @GuardedBy("this")
  private boolean gone;

  private record Changed(Terminal.Settings before, Terminal.Settings after) {}

  /** The socket stays its owner's. */
  LineConnection(Fd socket, Greeting greeting, LineGate gate) {
    this.socket = socket;
    this.input = greeting.streams().getFirst();
    this.ignored = greeting.ignored();
    this.gate = gate;
  }

  Signals signals() {
    return signals;
  }

  /** Sends a message; one to a client that has gone is dropped. */
  static boolean send(Fd socket, int op, int value) {
    try {
      return Sockets.trySend(socket, message(op, value), List.of());
    } catch (SyscallException e) {
      return false;
    }
  }

  private static byte[] message(int op, int value) {
    return ByteBuffer.allocate(LineProtocol.MESSAGE_BYTES)
        .order(ByteOrder.nativeOrder())
        .putInt(op)
        .putInt(value)
        .array();
  }

  private void send(int op, int value) {
    synchronized (this) {
      if (!gone) {
        var _ = send(socket, op, value);
      }
    }
  }

  /** Takes a message of the client's. */
  void received(int op, int value) {
    switch (op) {
      case LineProtocol.LINE_SIGNAL -> {
        if (value >= 1 && value <= Signal.SIGRTMAX) {
          signals.arrive(value);
        }
      }
      case LineProtocol.LINE_TERMINAL -> {
        CompletableFuture<Integer> answer;
        synchronized (this) {
          answer = terminalAnswer;
          terminalAnswer = null;
        }
        if (answer != null) {
          answer.complete(value);
        }
      }
      case LineProtocol.LINE_CONTINUED -> gate.stop(false);
      case LineProtocol.LINE_CARRIED -> {
        IntConsumer ended;
        synchronized (this) {
          ended = carried.remove(value & LineProtocol.LINE_STREAM_MASK);
        }
        if (ended != null) {
          ended.accept(value >>> LineProtocol.LINE_ERROR_SHIFT);
        }
      }
      default -> {
        // Of a client that knows more: not asked for.
      }
    }
  }

  /** The client has gone, with or without its line's end. */
  void gone() {
    CompletableFuture<Integer> answer;
    Changed left;
    List<IntConsumer> unended;
    synchronized (this) {
      gone = true;
      unended = List.copyOf(carried.values());
      carried.clear();
      answer = terminalAnswer;
      terminalAnswer = null;
      left = changed;
      changed = null;
    }
    gate.shut();
    signals.end();
    if (answer != null) {
      answer.complete(Errno.ECONNRESET.number());
    }
    if (left != null) {
      putBack(left);
    }
    // Of its readers nothing is known, and nobody waits for them.
    unended.forEach(ended -> ended.accept(0));
  }

  /**
   * Puts the terminal's mode back for a client that could not, because it was killed; but not if
   * somebody else has changed it since.
   */
  private void putBack(Changed left) {
    try {
      if (Terminal.settings(input).isSame(left.after)) {
        Terminal.restore(input, left.before);
      }
    } catch (SyscallException | IllegalStateException e) {
      // The terminal has gone as well.
      assert e.getMessage() != null;
    }
  }

  /** Tells the exit code, which is the line's last word. */
  void ended(int code) {
    send(LineProtocol.LINE_ENDED, code);
  }

  @Override
  public boolean ignores(int signal) {
    return (ignored >>> (signal - 1) & 1) != 0;
  }

  @Override
  public void defaultEffect(int signal) {
    if (signal == Signal.SIGTSTP.number()) {
      gate.stop(!ignores(signal));
    } else if (signal == Signal.SIGWINCH.number() || signal == Signal.SIGCONT.number()) {
      return;
    } else if (signal == Signal.SIGPIPE.number() || !ignores(signal)) {
      // The client ends: nothing is said after its end.
      gate.shut();
    }
    send(LineProtocol.LINE_EFFECT, signal);
  }

  @Override
  public void kept(boolean kept) {
    send(LineProtocol.LINE_KEEPS, kept ? 1 : 0);
  }

  @Override
  public Undo change(Mode mode) throws SyscallException {
    Terminal.Settings before = Terminal.settings(input);
    ask(
        switch (mode) {
          case RAW -> LineProtocol.LINE_MODE_RAW;
          case SILENT -> LineProtocol.LINE_MODE_SILENT;
        });
    Changed now = new Changed(before, Terminal.settings(input));
    boolean left;
    synchronized (this) {
      left = gone;
      changed = left ? null : now;
    }
    if (left) {
      putBack(now);
    }
    return this::undo;
  }

  private void undo() throws SyscallException {
    synchronized (this) {
      if (changed == null) {
        return;
      }
    }
    ask(LineProtocol.LINE_MODE_BEFORE);
    synchronized (this) {
      changed = null;
    }
  }

  @Override
  public void carry(Set<Stream> streams, Fd pipe, IntConsumer ended) throws SyscallException {
    int bits = 0;
    for (Stream stream : streams) {
      bits |=
          switch (stream) {
            case STDIN -> LineProtocol.LINE_STREAM_IN;
            case STDOUT -> LineProtocol.LINE_STREAM_OUT;
            case STDERR -> LineProtocol.LINE_STREAM_ERR;
          };
    }
    synchronized (this) {
      if (gone) {
        throw new SyscallException("carry", pipe.what(), Errno.ECONNRESET);
      }
      carried.put(bits, ended);
      if (!Sockets.trySend(socket, message(LineProtocol.LINE_CARRY, bits), List.of(pipe))) {
        carried.remove(bits);
        throw new SyscallException("carry", pipe.what(), Errno.EAGAIN);
      }
    }
  }

  /** Has the client change its terminal, for only it is of the terminal's jobs. */
  private void ask(int mode) throws SyscallException {
    CompletableFuture<Integer> answer = new CompletableFuture<>();
    synchronized (this) {
      if (gone) {
        throw new SyscallException("change the terminal", input.what(), Errno.ECONNRESET);
      }
      terminalAnswer = answer;
    }
    send(LineProtocol.LINE_MODE, mode);
    try {
      int error = answer.get();
      if (error != 0) {
        throw new SyscallException("tcsetattr", input.what(), error);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SyscallException("change the terminal", input.what(), Errno.ECANCELED);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
