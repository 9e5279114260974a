package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets handlers begin in turn, one of each owner, where there are more of them than processors:
 * whoever asks once comes after one call of each other owner, and not after the thousands that one
 * of them has sent. What has begun runs as it likes and may wait for as long as it likes.
 * Thread-safe.
 *
 * @param <O> whose work it is, by its equality
 */
final class HandlerTurns<O> {
  /** So much of one owner waits at most before no more is to be taken of him. */
  private static final int WAITING = 64;

  private final Executor threads;
  private final int most;
  private final ReentrantLock lock = new ReentrantLock();

  /** The owner whose turn is next comes first. */
  @GuardedBy("lock")
  private final Map<O, Queue<Runnable>> waiting = new LinkedHashMap<>();

  @GuardedBy("lock")
  private int beginning;

  /**
   * @param threads runs each task on a thread of its own, in the order in which it gets them
   * @param most tasks that are with it and have not begun
   */
  HandlerTurns(Executor threads, int most) {
    this.threads = threads;
    this.most = most;
  }

  /** Runs tasks as this owner's. */
  Executor of(O owner) {
    return task -> add(owner, task);
  }

  /** Whether much of this owner waits for its turn. */
  boolean isBehind(O owner) {
    lock.lock();
    try {
      Queue<Runnable> own = waiting.get(owner);
      return own != null && own.size() >= WAITING;
    } finally {
      lock.unlock();
    }
  }

  private void add(O owner, Runnable task) {
    lock.lock();
    try {
      waiting.computeIfAbsent(owner, _ -> new ArrayDeque<>()).add(task);
      begin();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void begin() {
    while (beginning < most && !waiting.isEmpty()) {
      Map.Entry<O, Queue<Runnable>> first = waiting.entrySet().iterator().next();
      Queue<Runnable> own = first.getValue();
      Runnable task = own.remove();
      waiting.remove(first.getKey());
      if (!own.isEmpty()) {
        waiting.put(first.getKey(), own);
      }
      beginning++;
      boolean taken = false;
      try {
        threads.execute(() -> {
          try {
            begun();
          } finally {
            task.run();
          }
        });
        taken = true;
      } finally {
        beginning -= taken ? 0 : 1;
      }
    }
  }

  private void begun() {
    lock.lock();
    try {
      beginning--;
      begin();
    } finally {
      lock.unlock();
    }
  }
}
