package io.berth.containerd.task;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;

/** Runs pieces of work one after another, each on a virtual thread, none on the caller's. */
final class SerialQueue {
  private static final Logger LOG = System.getLogger(SerialQueue.class.getName());

  private final Queue<Runnable> waiting = new ArrayDeque<>();
  private boolean running;

  void add(Runnable work) {
    synchronized (waiting) {
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
      synchronized (waiting) {
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
