package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The clients that wait for the end, or for the removal, of containers. Thread-safe. */
@Singleton
final class Waits {
  @GuardedBy("this")
  private final Map<TaskKey, Set<Waiter>> exits = new HashMap<>();

  @GuardedBy("this")
  private final Map<TaskKey, Set<Waiter>> removals = new HashMap<>();

  /** One client that waits. */
  static final class Waiter {
    private final CompletableFuture<Ending> answer = new CompletableFuture<>();

    CompletableFuture<Ending> answer() {
      return answer;
    }
  }

  /** Those that were to remove themselves and could not, with their ends. */
  @GuardedBy("this")
  private final Map<TaskKey, Ending> staying = new HashMap<>();

  @Inject
  Waits() {}

  synchronized Waiter forExit(TaskKey key) {
    return add(exits, key);
  }

  synchronized Waiter forRemoval(TaskKey key) {
    Waiter waiter = add(removals, key);
    Ending how = staying.get(key);
    if (how != null) {
      waiter.answer.complete(how);
    }
    return waiter;
  }

  private static Waiter add(Map<TaskKey, Set<Waiter>> all, TaskKey key) {
    Waiter waiter = new Waiter();
    all.computeIfAbsent(key, _ -> new HashSet<>()).add(waiter);
    return waiter;
  }

  /** The client does not wait any longer. */
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

  /** The container has ended, or a start that it waited for was called off. */
  void exited(TaskKey key, Ending how) {
    complete(how, takeExits(key));
  }

  /** The container could not be removed: it is there, and nobody waits for its removal now. */
  void stays(TaskKey key, Ending how) {
    synchronized (this) {
      staying.put(key, how);
    }
    complete(how, takeRemovals(key));
  }

  /** The container is gone, which ends every wait for it. */
  void removed(TaskKey key, Ending how) {
    synchronized (this) {
      staying.remove(key);
    }
    complete(how, takeExits(key));
    complete(how, takeRemovals(key));
  }

  private synchronized Set<Waiter> takeExits(TaskKey key) {
    Set<Waiter> waiting = exits.remove(key);
    return waiting == null ? Set.of() : waiting;
  }

  private synchronized Set<Waiter> takeRemovals(TaskKey key) {
    Set<Waiter> waiting = removals.remove(key);
    return waiting == null ? Set.of() : waiting;
  }

  // This is called without the lock, because what depends on an answer runs in this thread.
  private static void complete(Ending how, Set<Waiter> waiting) {
    waiting.forEach(waiter -> waiter.answer.complete(how));
  }
}
