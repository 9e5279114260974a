package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The place before a program's first instruction, where a container waits for its client to let it
 * run.
 */
public final class Gate {
  private final CompletableFuture<Void> way = new CompletableFuture<>();

  Gate() {}

  void open() {
    way.complete(null);
  }

  void shut(BerthException why) {
    way.completeExceptionally(why);
  }

  /**
   * Blocks until the program runs.
   *
   * @throws BerthException if it never will, because somebody took the container from its client
   */
  public void awaitOpen() throws InterruptedException {
    try {
      way.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof BerthException why ? why : new IllegalStateException(e);
    }
  }
}
