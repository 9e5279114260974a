package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * A bounded number of places that are shared by holders: of all places no holder gets more than are
 * left for the others, so that one alone gets half of them at most, two of them a third each, and
 * whoever comes next still finds some. Thread-safe; nothing waits.
 *
 * @param <H> who holds places, by its equality
 */
public final class Places<H> {
  /** Of all places one in so many. */
  private static final int LEFT_BY_WHOLE = 16;

  private final long all;
  private final long each;
  private final Predicate<H> whole;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<H, Long> held = new HashMap<>();

  @GuardedBy("lock")
  private long taken;

  /**
   * @param all of everybody together
   * @param each of one holder, if that is less than its share
   */
  public Places(long all, long each) {
    this(all, each, _ -> false);
  }

  /**
   * The same.
   *
   * @param whole who may have all that is free but for some that are left to whoever comes next,
   *     for it holds places for many others
   */
  public Places(long all, long each, Predicate<H> whole) {
    this.all = all;
    this.each = each;
    this.whole = whole;
  }

  /** Takes this many, or none: then the answer is false. */
  public boolean take(H holder, long count) {
    lock.lock();
    try {
      if (!fits(holder, count)) {
        return false;
      }
      add(holder, count);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Counts what is there already, whether it fits or not. */
  public void force(H holder, long count) {
    lock.lock();
    try {
      add(holder, count);
    } finally {
      lock.unlock();
    }
  }

  /** Whether the holder would get this many right now. */
  public boolean has(H holder, long count) {
    lock.lock();
    try {
      return fits(holder, count);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether there is nothing left for a holder that has this many at least: who has fewer is not to
   * answer for what others took.
   */
  public boolean isFull(H holder, long least) {
    lock.lock();
    try {
      return held.getOrDefault(holder, 0L) >= least && !fits(holder, 1);
    } finally {
      lock.unlock();
    }
  }

  /** Gives back what was taken. */
  public void free(H holder, long count) {
    lock.lock();
    try {
      add(holder, -count);
    } finally {
      lock.unlock();
    }
  }

  /** How many a holder has. */
  public long heldBy(H holder) {
    lock.lock();
    try {
      return held.getOrDefault(holder, 0L);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private boolean fits(H holder, long count) {
    if (whole.test(holder) && count <= all - taken - all / LEFT_BY_WHOLE) {
      return true;
    }
    long wanted = held.getOrDefault(holder, 0L) + count;
    return wanted <= each && wanted <= all - taken - count;
  }

  @GuardedBy("lock")
  private void add(H holder, long count) {
    taken += count;
    held.merge(holder, count, (before, more) -> before + more == 0 ? null : before + more);
  }
}
