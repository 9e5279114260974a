package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.BlockedSignals;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The signals that reach a caller while its line is carried out, and what becomes of them: they
 * have their default effect, wait, or are given to somebody who passes them on. Safe for use by
 * several threads.
 *
 * <p>A JVM keeps some signals for itself. So the program that starts it blocks all of them first
 * (see {@link BlockedSignals}), and one thread takes them here. A process that was started
 * otherwise leaves them to the JVM, and then none arrives here.
 */
public final class Signals {
  @GuardedBy("this")
  private final Deque<Runnable> beforeEnd = new ArrayDeque<>();

  /** Null while signals wait. */
  @GuardedBy("this")
  private @Nullable IntConsumer receiver = this::defaultEffect;

  @GuardedBy("this")
  private Runnable resized = () -> {};

  /** Begins to take this process's signals; called once, by the program's main thread. */
  public void attend() {
    BlockedSignals signals;
    try {
      signals = BlockedSignals.open();
    } catch (SyscallException e) {
      throw new IllegalStateException(e);
    }
    if (signals != null) {
      Thread.ofPlatform().daemon().name("signals").start(() -> take(signals));
    }
  }

  private void take(BlockedSignals signals) {
    while (true) {
      try {
        int signal = signals.take();
        if (signal == Signal.SIGWINCH.number()) {
          resized().run();
        }
        awaitReceiver().accept(signal);
      } catch (SyscallException e) {
        throw new IllegalStateException(e);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private synchronized IntConsumer awaitReceiver() throws InterruptedException {
    while (true) {
      IntConsumer present = receiver;
      if (present != null) {
        return present;
      }
      wait();
    }
  }

  private synchronized Runnable resized() {
    return resized;
  }

  /** Lets signals wait from now on, until {@link #release} or {@link #passTo} is called. */
  public void hold() {
    become(null);
  }

  /** Gives signals their default effect from now on, also those that wait. */
  public void release() {
    become(this::defaultEffect);
  }

  /** Gives every signal to somebody else from now on, one after another, also those that wait. */
  public void passTo(IntConsumer other) {
    become(other);
  }

  private synchronized void become(@Nullable IntConsumer next) {
    receiver = next;
    notifyAll();
  }

  /** Names what is called from now on when the size of the terminal's window has changed. */
  public synchronized void onResize(Runnable changed) {
    resized = changed;
  }

  /** Adds what is done before this process ends by a signal or by {@link #endAsFilter}. */
  public synchronized void beforeEnd(Runnable action) {
    beforeEnd.push(action);
  }

  private void defaultEffect(int signal) {
    if (ends(signal) && !BlockedSignals.isIgnored(signal)) {
      runBeforeEnd();
    }
    BlockedSignals.defaultEffect(signal);
  }

  /** Does at once what was to be done before the end; what was added last is done first. */
  public void runBeforeEnd() {
    Deque<Runnable> actions;
    synchronized (this) {
      actions = new ArrayDeque<>(beforeEnd);
      beforeEnd.clear();
    }
    actions.forEach(Runnable::run);
  }

  /** Whether the default effect ends a process; that of the other signals is told in signal(7). */
  private static boolean ends(int signal) {
    return signal != Signal.SIGWINCH.number()
        && signal != Signal.SIGCONT.number()
        && signal != Signal.SIGTSTP.number();
  }

  /** Ends this process by SIGPIPE, as a filter ends whose reader has gone (pipe(7)). */
  public void endAsFilter() {
    runBeforeEnd();
    BlockedSignals.defaultEffect(Signal.SIGPIPE.number());
  }
}
