package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.containerd.timing.Timing;
import io.grpc.Context;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;

/**
 * Work that is done beside the caller's own, on a thread of its own with the caller's context.
 * Closing it waits for its end, so nothing of it outlives the block that began it.
 */
final class Beside implements AutoCloseable {
  private final CompletableFuture<Boolean> result = new CompletableFuture<>();

  private Beside() {}

  static Beside begin(String name, BooleanSupplier work) {
    Beside begun = new Beside();
    Runnable run = Timing.carried(() -> begun.complete(work));
    Thread.ofVirtual().name(name).start(Context.current().wrap(run));
    return begun;
  }

  private void complete(BooleanSupplier work) {
    try {
      result.complete(work.getAsBoolean());
    } catch (RuntimeException | Error e) {
      result.completeExceptionally(e);
    }
  }

  /** Waits for the work and answers what it did; its failure is thrown here. */
  boolean result() {
    try {
      return result.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case BerthException known -> throw known;
        case RuntimeException other -> throw other;
        case null, default -> throw e;
      }
    }
  }

  /** Waits for the end of the work; a failure that nobody has asked for is not told. */
  @Override
  public void close() {
    var _ = result.exceptionally(_ -> false).join();
  }
}
