package io.berth.network.api;

import io.berth.base.error.BerthException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A few platform threads for work that waits for the kernel's lock on links: a virtual thread would
 * hold its carrier meanwhile. Work that has begun goes on when its caller is cancelled, so it is
 * either done or undone.
 */
@Singleton
final class AttachThreads {
  private static final int THREADS = 4;
  private static final int QUEUE = 4096;

  private final ThreadPoolExecutor executor;

  @Inject
  AttachThreads() {
    AtomicInteger number = new AtomicInteger();
    executor =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(QUEUE),
            task ->
                Thread.ofPlatform()
                    .daemon()
                    .name("attach-" + number.getAndIncrement())
                    .unstarted(task),
            (_, _) -> {
              throw new BerthException.ResourceExhausted(
                  "more than " + QUEUE + " calls wait for the network; try again later");
            });
    executor.allowCoreThreadTimeOut(true);
  }

  /** Runs the work on one of the threads and waits for it. */
  <T> T run(Callable<T> work) throws Exception {
    try {
      return executor.submit(work).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }
}
