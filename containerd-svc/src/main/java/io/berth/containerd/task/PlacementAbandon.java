package io.berth.containerd.task;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.shimprocess.ShimProcess;
import io.grpc.Context;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Has a placement fail that is under way once its client is gone, or its deadline has passed. To be
 * made before the shim process is asked, and closed after it has answered. Thread-safe.
 */
final class PlacementAbandon implements AutoCloseable {
  private static final Logger LOG = System.getLogger(PlacementAbandon.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** The first word may come before the placement does, which it would miss then. */
  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final Context client;
  private final TaskKey key;
  private final ShimProcess process;
  private final Context.CancellationListener listener = _ -> begin();
  private final CompletableFuture<Void> answered = new CompletableFuture<>();
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private @Nullable Thread telling;

  PlacementAbandon(Context client, TaskKey key, ShimProcess process) {
    this.client = client;
    this.key = key;
    this.process = process;
    client.addListener(listener, Runnable::run);
  }

  private void begin() {
    lock.lock();
    try {
      if (telling == null && !answered.isDone()) {
        telling = Thread.ofVirtual().name("give-up").start(this::tell);
      }
    } finally {
      lock.unlock();
    }
  }

  private void tell() {
    while (!answered.isDone()) {
      try {
        process.connection().giveUp(key, PATIENCE);
        answered.get(AGAIN.toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        // The process has not failed the placement yet, or has not heard of it before.
      } catch (BerthException | ExecutionException e) {
        LOG.log(Level.DEBUG, "give up {0} at {1}: {2}", key, process, e.getMessage());
        return;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Waits for a word that is on its way, so that it reaches no later task of the same name. */
  @Override
  public void close() {
    client.removeListener(listener);
    Thread on;
    lock.lock();
    try {
      answered.complete(null);
      on = telling;
    } finally {
      lock.unlock();
    }
    if (on != null) {
      join(on);
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
