package io.berth.image.content;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Who writes which ingest just now. A client may close a ref and open it again at once: the closing
 * has no answer that it could wait for, and its message may arrive behind the opening. So whoever
 * opens a ref waits for it for a while, as containerd does. Thread-safe.
 */
final class IngestLocks {
  private static final Duration PATIENCE = Duration.ofMillis(500);

  private final ReentrantLock guard = new ReentrantLock();
  private final Condition released = guard.newCondition();

  @GuardedBy("guard")
  private final Map<Key, Holder> holders = new HashMap<>();

  private record Key(String namespace, String ref) {}

  private static final class Holder {
    final Instant since;
    @Nullable Ingest ingest;

    Holder(Instant since) {
      this.since = since;
    }
  }

  /**
   * Takes a lock; waits for half a second if another holds it.
   *
   * @throws BerthException UNAVAILABLE if it is held all the time
   */
  void take(String namespace, String ref, Instant now) {
    Key key = new Key(namespace, ref);
    long left = PATIENCE.toNanos();
    guard.lock();
    try {
      while (true) {
        Holder holder = holders.putIfAbsent(key, new Holder(now));
        if (holder == null) {
          return;
        }
        if (left <= 0) {
          long millis = Duration.between(holder.since, now).plus(PATIENCE).toMillis();
          throw new BerthException.Unavailable(
              "ref " + ref + " locked for " + millis + "ms (since " + holder.since + ")");
        }
        left = released.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("open ingest \"" + ref + "\": interrupted", e);
    } finally {
      guard.unlock();
    }
  }

  /** Notes who writes under the lock. */
  void holds(String namespace, String ref, Ingest ingest) {
    guard.lock();
    try {
      Holder holder = holders.get(new Key(namespace, ref));
      if (holder != null) {
        holder.ingest = ingest;
      }
    } finally {
      guard.unlock();
    }
  }

  /** The ingest that is open under a ref; null if none is. */
  @Nullable Ingest holder(String namespace, String ref) {
    guard.lock();
    try {
      Holder holder = holders.get(new Key(namespace, ref));
      return holder == null ? null : holder.ingest;
    } finally {
      guard.unlock();
    }
  }

  /** Whether a lock is taken. */
  boolean isTaken(String namespace, String ref) {
    guard.lock();
    try {
      return holders.containsKey(new Key(namespace, ref));
    } finally {
      guard.unlock();
    }
  }

  /** Gives a lock back. */
  void release(String namespace, String ref) {
    guard.lock();
    try {
      holders.remove(new Key(namespace, ref));
      released.signalAll();
    } finally {
      guard.unlock();
    }
  }
}
