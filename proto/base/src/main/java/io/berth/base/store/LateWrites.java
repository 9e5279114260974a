package io.berth.base.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.time.Sleeper;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Lazy writes of what is so, whether it can be recorded or not: that a process has ended, that
 * somebody wants a container stopped. While the disk takes none they wait here, in their order, and
 * are tried again each second. Whoever writes keeps what is not written yet where the end of this
 * process does not take it, or can do without. Thread-safe.
 */
public final class LateWrites {
  private static final Logger LOG = System.getLogger(LateWrites.class.getName());
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final Database database;
  private final Sleeper sleeper;

  @GuardedBy("this")
  private final Map<Object, Late> waiting = new LinkedHashMap<>();

  @GuardedBy("this")
  private boolean trying;

  /** A write that waits. */
  private record Late(Database.Work<?> work, CompletableFuture<Void> written) {}

  public LateWrites(Database database, Sleeper sleeper) {
    this.database = database;
    this.sleeper = sleeper;
  }

  /**
   * Writes now or, if the disk takes no writes, once it does.
   *
   * @param subject what the write is about; one about the same that waits is given up for this one
   * @return is complete when the write is visible and survives the death of any process
   */
  public CompletableFuture<Void> write(Object subject, Database.Work<?> work) {
    synchronized (this) {
      if (!waiting.isEmpty()) {
        return add(subject, work);
      }
    }
    try {
      var _ = database.lazy(work);
      return CompletableFuture.completedFuture(null);
    } catch (BerthException.ResourceExhausted | BerthException.FailedPrecondition e) {
      LOG.log(Level.WARNING, "{0}; what cannot be recorded now is later", e.getMessage());
      synchronized (this) {
        return add(subject, work);
      }
    }
  }

  /** Is complete when nothing about the subject waits any more. */
  public synchronized CompletableFuture<Void> written(Object subject) {
    Late late = waiting.get(subject);
    return late == null ? CompletableFuture.completedFuture(null) : late.written;
  }

  @GuardedBy("this")
  private CompletableFuture<Void> add(Object subject, Database.Work<?> work) {
    // It goes to the end: others that came meanwhile are about what this one is about, too.
    Late before = waiting.remove(subject);
    Late late = new Late(work, before == null ? new CompletableFuture<>() : before.written);
    waiting.put(subject, late);
    if (!trying) {
      trying = true;
      Thread.ofVirtual().name("late-writes").start(this::tryAgain);
    }
    return late.written;
  }

  private void tryAgain() {
    while (sleeper.pause(PAUSE)) {
      if (writeAll()) {
        return;
      }
    }
  }

  /** Whether nothing waits any more. */
  private boolean writeAll() {
    while (true) {
      Map.Entry<Object, Late> next;
      synchronized (this) {
        if (waiting.isEmpty()) {
          trying = false;
          return true;
        }
        next = Map.entry(waiting.keySet().iterator().next(), waiting.values().iterator().next());
      }
      Late late = next.getValue();
      try {
        var _ = database.lazy(late.work);
      } catch (BerthException.ResourceExhausted | BerthException.FailedPrecondition e) {
        LOG.log(Level.DEBUG, "{0}", e.getMessage());
        return false;
      } catch (RuntimeException e) {
        // The database is closed, or the write itself is wrong: nothing makes it better.
        LOG.log(Level.WARNING, "what waited is not recorded: {0}", e.getMessage());
        forget(next);
        late.written.completeExceptionally(e);
        continue;
      }
      if (forget(next)) {
        late.written.complete(null);
      }
    }
  }

  /** False if another write took the place of this one meanwhile. */
  private synchronized boolean forget(Map.Entry<Object, Late> done) {
    return waiting.remove(done.getKey(), done.getValue());
  }
}
