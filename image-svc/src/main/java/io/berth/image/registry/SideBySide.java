package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.image.unpack.LayerThreads;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Does several things at a time, of which all have to go well. */
final class SideBySide {
  private static final Duration LOOK = Duration.ofSeconds(2);

  private SideBySide() {}

  /** One thing to do. It runs on a platform thread and ends soon once it is interrupted. */
  interface Task {
    void run() throws IOException;
  }

  /**
   * Blocks until all have ended. The first failure, or the caller's interruption, interrupts the
   * others and is thrown.
   *
   * @param parallel at most so many at a time
   * @param watch is run every other second
   */
  static void run(String name, int parallel, List<Task> tasks, Runnable watch) {
    LayerThreads threads = new LayerThreads(Math.max(1, parallel));
    List<Thread> workers = new ArrayList<>();
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    for (Task task : tasks) {
      workers.add(
          Thread.ofVirtual()
              .name(name)
              .unstarted(() -> {
                try {
                  threads.run(
                      name,
                      () -> {
                        task.run();
                        return true;
                      });
                } catch (RuntimeException | Error e) {
                  if (failure.compareAndSet(null, e)) {
                    workers.forEach(Thread::interrupt);
                  }
                }
              }));
    }
    workers.forEach(Thread::start);
    boolean interrupted = false;
    for (Thread worker : workers) {
      while (worker.isAlive()) {
        try {
          if (!worker.join(LOOK)) {
            watch.run();
          }
        } catch (InterruptedException e) {
          interrupted = true;
          workers.forEach(Thread::interrupt);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled(name + ": interrupted");
    }
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }
}
