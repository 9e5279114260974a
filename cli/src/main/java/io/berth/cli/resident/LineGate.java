package io.berth.cli.resident;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.cli.session.StreamGate;
import io.berth.linux.EventFd;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;

/**
 * Keeps a line's threads from streams whose owner has gone or was stopped. What it guards is closed
 * when the last thread has left it: a number that is used again would be another line's stream.
 */
final class LineGate implements StreamGate, AutoCloseable {
  /** What a pipe takes at once when it takes anything (PIPE_BUF of pipe(7)). */
  private static final int AT_ONCE = 4096;

  private final AutoCloseable guarded;
  private final EventFd shut;

  @GuardedBy("this")
  private int inside;

  @GuardedBy("this")
  private boolean stopped;

  @GuardedBy("this")
  private boolean over;

  @GuardedBy("this")
  private boolean finished;

  @GuardedBy("this")
  private boolean released;

  LineGate(AutoCloseable guarded) throws SyscallException {
    this.guarded = guarded;
    this.shut = EventFd.create();
  }

  @Override
  public int pass(Fd stream, boolean toWrite, Transfer transfer) throws SyscallException {
    if (!enter()) {
      return CLOSED;
    }
    try {
      // A file is always ready, and a write to one is never stuck for want of a reader.
      boolean file = stream.status().isRegular();
      while (file || stream.awaitReady(toWrite, shut.fd())) {
        if (isGoing()) {
          return transfer.of(file || !toWrite ? Integer.MAX_VALUE : AT_ONCE);
        }
        // Others have the stream while the caller is stopped: it may not be ready any more.
        if (!isOpen()) {
          break;
        }
      }
      return CLOSED;
    } finally {
      leave();
    }
  }

  /** Waits while the caller is stopped; false once it has gone. */
  private synchronized boolean enter() {
    if (!awaitGoing()) {
      return false;
    }
    inside++;
    return true;
  }

  /** Waits while the caller is stopped; false once it has gone. */
  private synchronized boolean isOpen() {
    return awaitGoing();
  }

  @GuardedBy("this")
  private boolean awaitGoing() {
    try {
      while (stopped && !over) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    return !over;
  }

  private synchronized boolean isGoing() {
    return !stopped && !over;
  }

  private void leave() {
    boolean last;
    synchronized (this) {
      inside--;
      last = mayRelease();
    }
    if (last) {
      release();
    }
  }

  @GuardedBy("this")
  private boolean mayRelease() {
    boolean may = finished && inside == 0 && !released;
    released |= may;
    return may;
  }

  private void release() {
    shut.close();
    try {
      guarded.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The caller is stopped, or goes on: its streams rest meanwhile. */
  synchronized void stop(boolean stop) {
    stopped = stop;
    notifyAll();
  }

  /** The caller has gone: whoever waits at a stream goes on without it. */
  void shut() {
    synchronized (this) {
      over = true;
      notifyAll();
      if (released) {
        return;
      }
      try {
        shut.signal();
      } catch (SyscallException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** The line is done: closes what is guarded, as soon as nobody uses it. */
  @Override
  public void close() {
    shut();
    boolean last;
    synchronized (this) {
      finished = true;
      last = mayRelease();
    }
    if (last) {
      release();
    }
  }
}
