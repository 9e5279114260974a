package io.berth.image.unpack;

import io.berth.base.error.BerthException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Runs long work on layers on platform threads, so many at a time; more wait for their turn.
 * Thread-safe.
 */
public final class LayerThreads {
  private final Semaphore turns;

  /** At most so many at a time; each may start one thread more. */
  public LayerThreads(int parallel) {
    turns = new Semaphore(parallel, /* fair= */ true);
  }

  /**
   * Waits for the work's end; interrupting the caller interrupts the work, and waits for it all the
   * same.
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
