package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.grpc.Context;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Work that is finished even if the client that asked for it goes away: a task that is half made or
 * half deleted helps nobody.
 */
public final class Detached {
  private Detached() {}

  /** Blocks for the result; CANCELLED when the client goes first, and the work goes on. */
  public static <T extends @Nullable Object> T run(Callable<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Runnable body =
        Context.current()
            .fork()
            .wrap(() -> {
              try {
                result.complete(work.call());
              } catch (Exception | Error e) {
                result.completeExceptionally(e);
              }
            });
    Thread.ofVirtual().name("detached").start(body);
    try {
      return result.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("the client went away", e);
    } catch (ExecutionException e) {
      throw switch (e.getCause()) {
        case RuntimeException known -> known;
        case null, default -> new IllegalStateException(e.getCause());
      };
    }
  }
}
