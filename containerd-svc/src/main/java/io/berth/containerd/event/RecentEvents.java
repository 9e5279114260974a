package io.berth.containerd.event;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the last recent events, as many as docker keeps, and hands those that come to everybody who
 * watches. They are in memory alone: a restart of this service forgets them. Telling never waits
 * for a watcher. Thread-safe.
 */
@Singleton
public final class RecentEvents {
  private static final int KEPT = 256;

  /** How many may wait for one watcher; those that wait for several are held once. */
  static final int QUEUED = 2048;

  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();

  @GuardedBy("lock")
  private final Deque<RecentEvent> kept = new ArrayDeque<>();

  @GuardedBy("lock")
  private final List<Watcher> watchers = new ArrayList<>();

  @Inject
  public RecentEvents(InstantSource clock) {
    this.clock = clock;
  }

  /** This moment, for what happens now. */
  public Instant now() {
    return clock.instant();
  }

  /** Tells it to everybody who wants it. */
  public void tell(RecentEvent what) {
    if (what.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
      // The warm-up is nobody's.
      return;
    }
    lock.lock();
    try {
      if (kept.size() == KEPT) {
        kept.removeFirst();
      }
      kept.addLast(what);
      watchers.forEach(watcher -> watcher.offer(what));
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * What somebody wants to be told.
   *
   * @param namespace in which it happens; what belongs to no namespace is told as well
   * @param since also what was before, from this moment on; null for nothing of it, unless there is
   *     an end
   * @param until when the telling ends; null for never
   */
  public record Wish(
      String namespace,
      @Nullable Instant since,
      @Nullable Instant until,
      RecentEventFilter filter) {
    /** Whether what was before is wanted. */
    public boolean past() {
      return since != null || until != null;
    }

    private boolean wants(RecentEvent what) {
      return (what.namespace().isEmpty() || what.namespace().equals(namespace))
          && (since == null || !what.at().isBefore(since))
          && (until == null || !what.at().isAfter(until))
          && filter.fits(what);
    }
  }

  /** Begins to watch; what is answered is to be closed in the end. */
  public Watcher watch(Wish wish) {
    Watcher watcher = new Watcher(wish);
    lock.lock();
    try {
      if (wish.past()) {
        kept.forEach(watcher::offer);
      }
      watchers.add(watcher);
    } finally {
      lock.unlock();
    }
    return watcher;
  }

  /** Something that waits for a watcher, with its place in the order of arrival. */
  private record Waiting(RecentEvent what, long number) {}

  /** One watcher's queue, in the order of moments: what other services tell of comes later. */
  public final class Watcher implements AutoCloseable {
    private final Wish wish;
    private final Queue<Waiting> queue =
        new PriorityQueue<>(
            Comparator.<Waiting, Instant>comparing(waiting -> waiting.what.at())
                .thenComparingLong(Waiting::number));
    private long offered;
    private boolean behind;

    private Watcher(Wish wish) {
      this.wish = wish;
    }

    private void offer(RecentEvent what) {
      if (wish.wants(what)) {
        behind |= queue.size() >= QUEUED;
        if (!behind) {
          queue.add(new Waiting(what, offered++));
        }
      }
    }

    /**
     * The next one; blocks until there is one. Null once the end of the wish has come.
     * RESOURCE_EXHAUSTED after a gap, because the watcher was too slow.
     */
    public @Nullable RecentEvent take() throws InterruptedException {
      lock.lockInterruptibly();
      try {
        while (queue.isEmpty()) {
          if (behind) {
            throw new BerthException.ResourceExhausted(
                "events are read too slowly: some after the first "
                    + QUEUED
                    + " waiting ones were dropped; watch again");
          }
          Instant until = wish.until();
          if (until == null) {
            arrived.await();
            continue;
          }
          Duration left = Duration.between(clock.instant(), until);
          if (!left.isPositive()) {
            return null;
          }
          var _ = arrived.await(left.toMillis() + 1, TimeUnit.MILLISECONDS);
        }
        return queue.remove().what;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        watchers.remove(this);
      } finally {
        lock.unlock();
      }
    }
  }
}
