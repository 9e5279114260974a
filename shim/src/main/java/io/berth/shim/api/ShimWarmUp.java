package io.berth.shim.api;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What a process does with nobody looking before it counts as ready: the first container of a young
 * JVM takes a hundred times as long as the later ones.
 */
public final class WarmUp {
  private static final Logger LOG = System.getLogger(WarmUp.class.getName());

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

  /**
   * The same where nobody asked: a failure is logged, for a host without some part that the warm-up
   * uses may still run what its clients send.
   */
  public void attempt() {
    try {
      run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      LOG.log(Level.WARNING, "warm up; the first containers will take longer", e);
    }
  }

  /** Whether it has been done. */
  public boolean isOver() {
    return over;
  }
}
