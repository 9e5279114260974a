package io.berth.cli.session;

import io.berth.linux.BlockedSignals;
import io.berth.linux.Signal;
import io.berth.linux.SyscallException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Signals that reach this process. The program that started the JVM has blocked them (see {@link
 * BlockedSignals}); one thread takes them, and does by default what they would have done. A process
 * that was started otherwise leaves them to the JVM, and passes none on.
 */
public final class Signals {
  private static final Object LOCK = new Object();
  private static final Deque<Runnable> BEFORE_END = new ArrayDeque<>();
  private static final IntConsumer BY_DEFAULT = Signals::byDefault;

  // Guarded by LOCK; null while they wait.
  private static @Nullable IntConsumer receiver = BY_DEFAULT;
  private static Runnable resized = () -> {};

  private Signals() {}

  /** Begins to take them. To be called once, by the program's main thread. */
  public static void attend() {
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

  private static void take(BlockedSignals signals) {
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

  private static IntConsumer awaitReceiver() throws InterruptedException {
    synchronized (LOCK) {
      while (true) {
        IntConsumer present = receiver;
        if (present != null) {
          return present;
        }
        LOCK.wait();
      }
    }
  }

  private static Runnable resized() {
    synchronized (LOCK) {
      return resized;
    }
  }

  /** They wait from now on, until it is known what becomes of them. */
  public static void hold() {
    become(null);
  }

  /** They do what they do by default, those that wait as well. */
  public static void release() {
    become(BY_DEFAULT);
  }

  /** Each is given to somebody else, those that wait as well, one after another. */
  public static void passTo(IntConsumer other) {
    become(other);
  }

  private static void become(@Nullable IntConsumer next) {
    synchronized (LOCK) {
      receiver = next;
      LOCK.notifyAll();
    }
  }

  /** Also called, from now on, when the window's size has changed. */
  public static void onResize(Runnable changed) {
    synchronized (LOCK) {
      resized = changed;
    }
  }

  /** Done before a signal, or a reader that has gone, ends this process: the last one first. */
  public static void beforeEnd(Runnable action) {
    synchronized (LOCK) {
      BEFORE_END.push(action);
    }
  }

  private static void byDefault(int signal) {
    if (ends(signal) && !BlockedSignals.isIgnored(signal)) {
      runBeforeEnd();
    }
    BlockedSignals.defaultEffect(signal);
  }

  /** Does now what was to be done before the end. */
  public static void runBeforeEnd() {
    Deque<Runnable> actions;
    synchronized (LOCK) {
      actions = new ArrayDeque<>(BEFORE_END);
      BEFORE_END.clear();
    }
    actions.forEach(Runnable::run);
  }

  private static boolean ends(int signal) {
    return signal != Signal.SIGWINCH.number()
        && signal != Signal.SIGCONT.number()
        && signal != Signal.SIGTSTP.number();
  }

  /** Ends this process as a filter ends whose reader has gone. */
  public static void endAsFilter() {
    runBeforeEnd();
    BlockedSignals.defaultEffect(Signal.SIGPIPE.number());
  }
}
