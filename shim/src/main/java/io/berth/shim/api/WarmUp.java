package io.berth.shim.api;

import java.util.concurrent.locks.ReentrantLock;

/**
 * What a process does with nobody looking before it counts as ready: the first container of a young
 * JVM takes a hundred times as long as the later ones.
 */
public final class WarmUp {
  private final Exercise exercise;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean over;

  /** The whole path once. */
  public interface Exercise {
    void run() throws Exception;
  }

  /** With this path. */
  public WarmUp(Exercise exercise) {
    this.exercise = exercise;
  }

  /** Does it once, whoever asks; whoever asks meanwhile waits. A failure is told each time. */
  public void run() throws Exception {
    lock.lock();
    try {
      if (!over) {
        exercise.run();
        over = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether it has been done. */
  public boolean isOver() {
    return over;
  }
}
