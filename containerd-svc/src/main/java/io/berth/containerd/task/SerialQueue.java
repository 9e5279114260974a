package io.berth.containerd.task;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Runs pieces of work one after another, on virtual threads and never on the caller's. Thread-safe.
 */
final class SerialQueue {
  private static final Logger LOG = System.getLogger(SerialQueue.class.getName());

  @GuardedBy("this")
  private final Queue<Runnable> waiting = new ArrayDeque<>();

  @GuardedBy("this")
  private boolean running;

  /** Has the work done after all that was added before. Does not block. */
  void add(Runnable work) {
    synchronized (this) {
      waiting.add(work);
      if (running) {
        return;
      }
      running = true;
    }
    Thread.ofVirtual().name("task-events").start(this::drain);
  }

  private void drain() {
    while (true) {
      Runnable next;
      synchronized (this) {
        next = waiting.poll();
        if (next == null) {
          running = false;
          return;
        }
      }
      try {
        next.run();
      } catch (RuntimeException e) {
        LOG.log(Level.ERROR, "what happened to a task was not recorded", e);
      }
    }
  }
}
