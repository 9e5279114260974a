package io.berth.cli.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Signal;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ThreadFactory;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The signals that reach a caller while its line is carried out, and what becomes of them: they
 * have their default effect, wait, or are given to somebody who passes them on. Safe for use by
 * several threads.
 */
public final class Signals {
  /** More than ever wait, but for somebody who sends them in a loop. */
  private static final int MOST_WAITING = 1024;

  private static final Logger LOG = System.getLogger(Signals.class.getName());

  private final Addressee addressee;
  private final ThreadFactory threads;

  @GuardedBy("this")
  private final Deque<Runnable> beforeEnd = new ArrayDeque<>();

  @GuardedBy("this")
  private final Deque<Integer> arrived = new ArrayDeque<>();

  @GuardedBy("this")
  private boolean attended;

  @GuardedBy("this")
  private boolean over;

  /** Null while signals wait. */
  @GuardedBy("this")
  private @Nullable IntConsumer receiver = this::defaultEffect;

  @GuardedBy("this")
  private Runnable resized = () -> {};

  /** The process that signals are sent to. */
  public interface Addressee {
    /** Whether it ignores a signal. */
    boolean ignores(int signal);

    /**
     * Does to it what the signal does to a process that has not asked for anything else. Returns if
     * that is nothing, or if it comes to pass elsewhere.
     */
    void defaultEffect(int signal);

    /** Told when signals are for somebody else from now on, or wait, and when no longer. */
    void kept(boolean kept);
  }

  /** None arrives until somebody calls {@link #arrive}. */
  public Signals(Addressee addressee) {
    this(addressee, Thread.ofPlatform().daemon().name("signals").factory());
  }

  /** With a thread of another kind to attend to them, which is made unstarted. */
  Signals(Addressee addressee, ThreadFactory threads) {
    this.addressee = addressee;
    this.threads = threads;
  }

  /** Of a caller whom no signal can reach. */
  public static Signals none() {
    return new Signals(
        new Addressee() {
          @Override
          public boolean ignores(int signal) {
            return true;
          }

          @Override
          public void defaultEffect(int signal) {}

          @Override
          public void kept(boolean kept) {}
        });
  }

  /** A signal was sent to the caller. Does not wait for what becomes of it. */
  public synchronized void arrive(int signal) {
    if (over || arrived.size() >= MOST_WAITING) {
      return;
    }
    arrived.add(signal);
    notifyAll();
    if (!attended) {
      try {
        threads.newThread(this::attend).start();
        attended = true;
      } catch (OutOfMemoryError e) {
        // There are too many threads. The next signal is another chance for this one.
        LOG.log(Level.ERROR, "start a thread for signals: {0}", e.getMessage());
      }
    }
  }

  private void attend() {
    try {
      while (true) {
        int signal = next();
        if (signal == Signal.SIGWINCH.number()) {
          resized().run();
        }
        IntConsumer present = awaitReceiver();
        if (present == null) {
          return;
        }
        present.accept(signal);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized int next() throws InterruptedException {
    while (arrived.isEmpty()) {
      if (over) {
        throw new InterruptedException("the line is over");
      }
      wait();
    }
    return arrived.remove();
  }

  /** Who takes signals, as soon as somebody does; null if the line is over. */
  private synchronized @Nullable IntConsumer awaitReceiver() throws InterruptedException {
    while (!over) {
      IntConsumer present = receiver;
      if (present != null) {
        return present;
      }
      wait();
    }
    return null;
  }

  private synchronized Runnable resized() {
    return resized;
  }

  /** Lets signals wait from now on, until {@link #release} or {@link #passTo} is called. */
  public void hold() {
    become(null, /* kept= */ true);
  }

  /** Gives signals their default effect from now on, also those that wait. */
  public void release() {
    become(this::defaultEffect, /* kept= */ false);
  }

  /** Gives every signal to somebody else from now on, one after another, also those that wait. */
  public void passTo(IntConsumer other) {
    become(other, /* kept= */ true);
  }

  private void become(@Nullable IntConsumer next, boolean kept) {
    // Under no lock of this class: it may take time to tell.
    addressee.kept(kept);
    synchronized (this) {
      receiver = next;
      notifyAll();
    }
  }

  /** Names what is called from now on when the size of the terminal's window has changed. */
  public synchronized void onResize(Runnable changed) {
    resized = changed;
  }

  /** Adds what is done before the caller ends by a signal or by {@link #endAsFilter}. */
  public synchronized void beforeEnd(Runnable action) {
    beforeEnd.push(action);
  }

  private void defaultEffect(int signal) {
    if (ends(signal) && !addressee.ignores(signal)) {
      runBeforeEnd();
    }
    addressee.defaultEffect(signal);
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

  /** Ends the caller by SIGPIPE, as a filter ends whose reader has gone (pipe(7)). */
  public void endAsFilter() {
    runBeforeEnd();
    addressee.defaultEffect(Signal.SIGPIPE.number());
  }

  /** Takes no more signals, because the line is over. */
  public synchronized void end() {
    over = true;
    arrived.clear();
    notifyAll();
  }
}
