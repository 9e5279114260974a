package io.berth.containerd.container;

import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Who waits for the end, or for the removal, of which container. Thread-safe. */
@Singleton
final class Waits {
  private final Map<TaskKey, Set<CompletableFuture<WaitResponse>>> exits = new HashMap<>();
  private final Map<TaskKey, Set<CompletableFuture<WaitResponse>>> removals = new HashMap<>();

  @Inject
  Waits() {}

  synchronized CompletableFuture<WaitResponse> forExit(TaskKey key) {
    return add(exits, key);
  }

  synchronized CompletableFuture<WaitResponse> forRemoval(TaskKey key) {
    return add(removals, key);
  }

  private static CompletableFuture<WaitResponse> add(
      Map<TaskKey, Set<CompletableFuture<WaitResponse>>> all, TaskKey key) {
    CompletableFuture<WaitResponse> future = new CompletableFuture<>();
    all.computeIfAbsent(key, _ -> new HashSet<>()).add(future);
    return future;
  }

  /** Somebody does not wait any longer. */
  synchronized void forget(TaskKey key, CompletableFuture<WaitResponse> future) {
    forget(exits, key, future);
    forget(removals, key, future);
  }

  private static void forget(
      Map<TaskKey, Set<CompletableFuture<WaitResponse>>> all,
      TaskKey key,
      CompletableFuture<WaitResponse> future) {
    Set<CompletableFuture<WaitResponse>> waiting = all.get(key);
    if (waiting != null && waiting.remove(future) && waiting.isEmpty()) {
      all.remove(key);
    }
  }

  void exited(TaskKey key, WaitResponse how) {
    complete(exits, key, how);
  }

  void removed(TaskKey key, WaitResponse how) {
    complete(exits, key, how);
    complete(removals, key, how);
  }

  private void complete(
      Map<TaskKey, Set<CompletableFuture<WaitResponse>>> all, TaskKey key, WaitResponse how) {
    Set<CompletableFuture<WaitResponse>> waiting;
    synchronized (this) {
      waiting = all.remove(key);
    }
    if (waiting != null) {
      waiting.forEach(future -> future.complete(how));
    }
  }
}
