package io.berth.shim.api;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The warm-up of this process, done once: the first container of a young JVM takes a hundred times
 * as long as the later ones, so it is one that no client waits for. Safe for use by several
 * threads.
 */
@Singleton
public final class ShimWarmUp {
  private static final Logger LOG = System.getLogger(ShimWarmUp.class.getName());

  private final Rounds rounds;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean over;

  /** What is done to warm up. */
  @FunctionalInterface
  interface Rounds {
    void run() throws Exception;

    /** Takes away what processes left that were killed while they warmed themselves up. */
    default void sweep() throws Exception {}
  }

  @Inject
  ShimWarmUp(WarmUpRounds rounds) {
    this((Rounds) rounds);
  }

  ShimWarmUp(Rounds rounds) {
    this.rounds = rounds;
  }

  /**
   * Warms up; whoever asks meanwhile waits. After a failure, which is told, the next one who asks
   * has it tried again. Once it has been done, who asks has only swept what other processes left.
   */
  public void run() throws Exception {
    lock.lock();
    try {
      if (over) {
        rounds.sweep();
      } else {
        rounds.run();
        over = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * The same where nobody asked: a failure is logged, for a machine without some part that the
   * warm-up uses may still run what clients send.
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
