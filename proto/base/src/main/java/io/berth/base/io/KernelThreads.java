package io.berth.base.io;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Threads for calls from which the kernel may not come back: looks at files that clients name, for
 * a file system of theirs may hang, and mounts. A virtual thread keeps its carrier in such a call,
 * of which there are as many as processors: as many calls that hang would stop all of a service.
 * Thread-safe.
 */
public final class KernelThreads {
  /** Platform threads, as many as calls are under way; idle ones end after a minute. */
  public static final Executor EXECUTOR =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("kernel-", 0).factory());

  private KernelThreads() {}

  /** Does the work on one of them, and blocks until it is done, however long that takes. */
  public static <T extends @Nullable Object> T call(Supplier<T> work) {
    try {
      return CompletableFuture.supplyAsync(work, EXECUTOR).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException known ? known : e;
    }
  }
}
