package io.berth.image.gc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Decides when to collect: at once for callers that wait, soon after deletions, and now and then
 * anyway for what expires. Collections take at most a fiftieth of the time, unless somebody waits.
 * Thread-safe.
 */
@Singleton
public final class Schedule implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Schedule.class.getName());
  private static final Duration FIRST = Duration.ofMillis(100);
  private static final double SHARE = 0.02;

  /** After this time a collection that could not know what to keep is tried again. */
  private static final Duration AGAIN = Duration.ofSeconds(2);

  private static final long LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final Collector collector;
  private final Duration interval;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** How many collections were asked for so far. */
  @GuardedBy("lock")
  private long asked;

  /** How many of these a collection has answered that has ended. */
  @GuardedBy("lock")
  private long done;

  /** How many callers wait for a collection. */
  @GuardedBy("lock")
  private int waiting;

  /** Before this moment, of {@link System#nanoTime}, nothing is collected unless somebody waits. */
  @GuardedBy("lock")
  private long notBefore;

  @GuardedBy("lock")
  private long averageNanos = LEAST_NANOS;

  @GuardedBy("lock")
  private boolean closed;

  private volatile @Nullable Thread thread;

  @Inject
  public Schedule(Collector collector, Config config) {
    this.collector = collector;
    this.interval = Duration.ofSeconds(config.number(Key.IMAGE_GC_INTERVAL));
  }

  /** Starts the thread that collects. */
  public void start() {
    thread = Thread.ofPlatform().name("collector").daemon().start(this::run);
  }

  /**
   * Asks for a collection after a deletion.
   *
   * @param wait whether to return only when it has ended, as {@link #collectNow}
   */
  public void collect(boolean wait) {
    if (wait) {
      collectNow();
    } else {
      ask();
    }
  }

  /** Asks for a collection soon. Never blocks. */
  public void ask() {
    lock.lock();
    try {
      asked++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Returns when a collection that began after this call has ended, well or not. */
  public void collectNow() {
    lock.lock();
    try {
      long mine = ++asked;
      waiting++;
      try {
        changed.signalAll();
        while (done < mine && !closed) {
          changed.await();
        }
      } finally {
        waiting--;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("collect: interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    long regular = System.nanoTime() + FIRST.toNanos();
    lock.lock();
    try {
      notBefore = regular;
    } finally {
      lock.unlock();
    }
    while (true) {
      long covers;
      lock.lock();
      try {
        while (!closed && !isDue(regular)) {
          long until = (asked > done ? notBefore : regular) - System.nanoTime();
          long left = changed.awaitNanos(Math.max(until, 1));
          LOG.log(Level.TRACE, "collector woke {0} ns early", left);
        }
        if (closed) {
          changed.signalAll();
          return;
        }
        covers = asked;
      } catch (InterruptedException e) {
        return;
      } finally {
        lock.unlock();
      }
      boolean well = collect();
      regular = System.nanoTime() + interval.toNanos();
      lock.lock();
      try {
        done = Math.max(done, covers);
        if (!well) {
          asked++;
          notBefore = Math.max(notBefore, System.nanoTime() + AGAIN.toNanos());
        }
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  @GuardedBy("lock")
  private boolean isDue(long regular) {
    long now = System.nanoTime();
    boolean wanted = asked > done;
    return (wanted && waiting > 0) || (wanted && now - notBefore >= 0) || now - regular >= 0;
  }

  /** False if nobody could tell what containers need, so that all of it was kept. */
  private boolean collect() {
    boolean well = true;
    long begin = System.nanoTime();
    try {
      Collector.Result result = collector.collect();
      if (result.total() > 0) {
        LOG.log(Level.INFO, "collected {0}", result);
      }
    } catch (BerthException.Unavailable | BerthException.NotImplemented e) {
      LOG.log(Level.DEBUG, "nothing is deleted: {0}", e.getMessage());
      well = e instanceof BerthException.NotImplemented;
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "collect", e);
    }
    long took = Math.max(LEAST_NANOS, System.nanoTime() - begin);
    lock.lock();
    try {
      averageNanos = (averageNanos * 3 + took) / 4;
      notBefore = System.nanoTime() + (long) (averageNanos / SHARE) - averageNanos;
    } finally {
      lock.unlock();
    }
    return well;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    Thread running = thread;
    if (running != null) {
      try {
        running.join(5000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
