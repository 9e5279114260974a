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
  private final Map<TaskKey, Set<Waiter>> exits = new HashMap<>();
  private final Map<TaskKey, Set<Waiter>> removals = new HashMap<>();

  /** One who waits. */
  static final class Waiter {
    private final CompletableFuture<WaitResponse> answer = new CompletableFuture<>();

    CompletableFuture<WaitResponse> answer() {
      return answer;
    }
  }

  @Inject
  Waits() {}

  synchronized Waiter forExit(TaskKey key) {
    return add(exits, key);
  }

  synchronized Waiter forRemoval(TaskKey key) {
    return add(removals, key);
  }

  private static Waiter add(Map<TaskKey, Set<Waiter>> all, TaskKey key) {
    Waiter waiter = new Waiter();
    all.computeIfAbsent(key, _ -> new HashSet<>()).add(waiter);
    return waiter;
  }

  /** Somebody does not wait any longer. */
  synchronized void forget(TaskKey key, Waiter waiter) {
    forget(exits, key, waiter);
    forget(removals, key, waiter);
  }

  private static void forget(Map<TaskKey, Set<Waiter>> all, TaskKey key, Waiter waiter) {
    Set<Waiter> waiting = all.get(key);
    if (waiting != null && waiting.remove(waiter) && waiting.isEmpty()) {
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

  private void complete(Map<TaskKey, Set<Waiter>> all, TaskKey key, WaitResponse how) {
    Set<Waiter> waiting;
    synchronized (this) {
      waiting = all.remove(key);
    }
    if (waiting != null) {
      waiting.forEach(waiter -> waiter.answer.complete(how));
    }
  }
}
