package io.berth.image.unpack;

import io.berth.base.error.BerthException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Runs long work on layers on platform threads, a fixed number at a time; more work waits for its
 * turn. Thread-safe.
 */
public final class LayerThreads {
  private final Semaphore turns;

  /** Runs at most this much work at a time; each piece may start one more thread. */
  public LayerThreads(int parallel) {
    turns = new Semaphore(parallel, /* fair= */ true);
  }

  /**
   * Runs the work and waits for its end. Interrupting the caller interrupts the work, whose end is
   * waited for all the same.
   */
  public <T> T run(String name, Callable<T> work) {
    try {
      turns.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled(name + ": interrupted", e);
    }
    try {
      CompletableFuture<T> answer = new CompletableFuture<>();
      Thread thread = Thread.ofPlatform().name(name).daemon().start(() -> complete(answer, work));
      return await(answer, thread, name);
    } finally {
      turns.release();
    }
  }

  private static <T> void complete(CompletableFuture<T> answer, Callable<T> work) {
    try {
      answer.complete(work.call());
    } catch (Throwable e) {
      answer.completeExceptionally(e);
    }
  }

  private static <T> T await(CompletableFuture<T> answer, Thread thread, String name) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return answer.get();
        } catch (InterruptedException e) {
          interrupted = true;
          thread.interrupt();
        }
      }
    } catch (ExecutionException e) {
      throw failure(name, e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static RuntimeException failure(String name, @Nullable Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof RuntimeException known
        ? known
        : new BerthException.Internal(
            name + ": " + (cause == null ? "" : cause.getMessage()), cause);
  }
}
