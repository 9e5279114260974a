package io.berth.containerd.shimprocess;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderLock;
import io.berth.base.layout.StateFolders;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Which shim processes there are, which are starting, and which one a task gets. One lock guards
 * this and the state of each process; it is never held while a process is called.
 */
final class ShimProcessTable {
  private static final Logger LOG = System.getLogger(ShimProcessTable.class.getName());
  private static final Duration RESERVE_PATIENCE = Duration.ofSeconds(40);

  /** How often one who waits for a process looks whether more have to be started. */
  private static final Duration RESERVE_PAUSE = Duration.ofMillis(500);

  // One that starts takes both cores of a small machine for two seconds, just when a client has
  // begun: as long as another free one is there, it waits until no container was asked for in a
  // while, within limits.
  private static final Duration QUIET = Duration.ofSeconds(1);
  private static final Duration QUIET_PATIENCE = Duration.ofMinutes(2);

  private static final int MAX_PROCESSES = 10_000;

  private final StateFolders folders;
  private final ReadyProcesses ready;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final Map<Integer, ShimProcess> processes = new TreeMap<>();

  /** Numbers of those that are starting. */
  @GuardedBy("lock")
  private final Set<Integer> starting = new HashSet<>();

  /** Callers that wait for a process. */
  @GuardedBy("lock")
  private final List<Waiter> waiting = new ArrayList<>();

  /** Starts that failed since the last one that did not. */
  @GuardedBy("lock")
  private int failures;

  @GuardedBy("lock")
  private String lastFailure = "";

  /** Null before the start of this service and from its stop on. */
  @GuardedBy("lock")
  private @Nullable ShimProcessListener listener;

  @GuardedBy("lock")
  private boolean replenishing;

  @GuardedBy("lock")
  private long lastReservedNanos;

  /** A task that waits for a process. */
  private record Waiter(TaskKey key, boolean exclusive) {}

  /**
   * @param ready how many processes are kept
   */
  ShimProcessTable(StateFolders folders, ReadyProcesses ready) {
    this.folders = folders;
    this.ready = ready;
  }

  /** The lock of this table, which guards each process's state as well. */
  ReentrantLock lock() {
    return lock;
  }

  /** A process that an earlier life of this service started. */
  void add(ShimProcess found) {
    lock.lock();
    try {
      processes.put(found.number(), found);
    } finally {
      lock.unlock();
    }
  }

  /** From now on processes are started and the listener is told; answers those that are there. */
  List<ShimProcess> open(ShimProcessListener told) {
    lock.lock();
    try {
      listener = told;
      return List.copyOf(processes.values());
    } finally {
      lock.unlock();
    }
  }

  /** Nothing is started, told or chosen any more; answers the processes that are left alone. */
  List<ShimProcess> close() {
    lock.lock();
    try {
      listener = null;
      List<ShimProcess> left = List.copyOf(processes.values());
      processes.clear();
      changed.signalAll();
      return left;
    } finally {
      lock.unlock();
    }
  }

  /** Who is told; null once this service stops. */
  @Nullable ShimProcessListener listener() {
    lock.lock();
    try {
      return listener;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for so long, or until this service stops; answers whether it does. */
  boolean awaitStop(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    lock.lock();
    try {
      long left = patience.toNanos();
      while (listener != null && left > 0) {
        changed.awaitNanos(left);
        left = deadline - System.nanoTime();
      }
      return listener == null;
    } finally {
      lock.unlock();
    }
  }

  int count() {
    lock.lock();
    try {
      return processes.size();
    } finally {
      lock.unlock();
    }
  }

  /** Those that are there, by their numbers. */
  List<ShimProcess> all() {
    lock.lock();
    try {
      return List.copyOf(processes.values());
    } finally {
      lock.unlock();
    }
  }

  /**
   * The process for a task: one of its namespace with room, else a free one. Blocks while one
   * starts.
   *
   * @param exclusive the task gets a process for itself
   * @param start starts the process of a number, on another thread
   * @throws BerthException.Unavailable if none becomes ready
   */
  ShimProcess reserve(TaskKey key, boolean exclusive, IntConsumer start) {
    Waiter waiter = new Waiter(key, exclusive);
    lock.lock();
    try {
      waiting.add(waiter);
      ShimProcess chosen = awaitChoice(key.namespace(), exclusive, start);
      chosen.take(key, exclusive);
      lastReservedNanos = System.nanoTime();
      return chosen;
    } finally {
      noLongerWaiting(waiter);
      lock.unlock();
    }
  }

  private void noLongerWaiting(Waiter waiter) {
    lock.lock();
    try {
      waiting.remove(waiter);
    } finally {
      lock.unlock();
    }
  }

  /**
   * How many processes it takes until nobody waits, two at most: tasks of one namespace share one,
   * and the warm-up's are content with anybody's.
   */
  @GuardedBy("lock")
  private int awaited() {
    long alone = waiting.stream().filter(Waiter::exclusive).count();
    long shared =
        waiting.stream()
            .filter(waiter -> !waiter.exclusive())
            .map(waiter -> waiter.key().namespace())
            .filter(namespace -> !namespace.equals(Identifier.WARM_UP_NAMESPACE))
            .distinct()
            .count();
    long all = alone + shared;
    return (int) Math.min(2, all == 0 && !waiting.isEmpty() ? 1 : all);
  }

  @GuardedBy("lock")
  private ShimProcess awaitChoice(String namespace, boolean exclusive, IntConsumer start) {
    long deadline = System.nanoTime() + RESERVE_PATIENCE.toNanos();
    int failuresBefore = failures;
    try {
      while (true) {
        ShimProcess chosen = choose(namespace, exclusive);
        if (chosen != null) {
          return chosen;
        }
        if (listener == null || failures > failuresBefore + 1 || System.nanoTime() - deadline > 0) {
          throw new BerthException.Unavailable(
              "start a shim process: "
                  + (lastFailure.isEmpty() ? "none became ready in time" : lastFailure));
        }
        startMissing(start);
        changed.awaitNanos(RESERVE_PAUSE.toNanos());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("wait for a shim process: interrupted", e);
    }
  }

  @GuardedBy("lock")
  private @Nullable ShimProcess choose(String namespace, boolean exclusive) {
    ShimProcess free = null;
    for (ShimProcess process : processes.values()) {
      if (!exclusive && process.hasRoomFor(namespace, ready.containersPerProcess())) {
        return process;
      }
      if (free == null && process.isFree()) {
        free = process;
      }
    }
    return free;
  }

  /** When the reserve has to be made up after a task was placed. */
  enum Replenishment {
    AT_ONCE,
    WHEN_QUIET,
    NOT_NEEDED
  }

  /**
   * What a placement has to be followed by. Of callers that are told {@link
   * Replenishment#WHEN_QUIET} there is one at a time, which then calls {@link #awaitQuiet}.
   *
   * @param exclusive the task got a process for itself
   */
  Replenishment afterReservation(boolean exclusive) {
    lock.lock();
    try {
      if (exclusive) {
        return Replenishment.AT_ONCE;
      }
      if (ReadyProcesses.free(processes.values()).size() >= ready.wantedFree(processes.values())
          || replenishing) {
        return Replenishment.NOT_NEEDED;
      }
      replenishing = true;
      return Replenishment.WHEN_QUIET;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until no task was placed for a second, or this service stops, or two minutes. */
  void awaitQuiet() throws InterruptedException {
    try {
      awaitPause();
    } finally {
      replenished();
    }
  }

  private void replenished() {
    lock.lock();
    try {
      replenishing = false;
    } finally {
      lock.unlock();
    }
  }

  private void awaitPause() throws InterruptedException {
    long deadline = System.nanoTime() + QUIET_PATIENCE.toNanos();
    lock.lock();
    try {
      while (listener != null) {
        long now = System.nanoTime();
        long left = Math.min(deadline - now, lastReservedNanos + QUIET.toNanos() - now);
        if (left <= 0) {
          break;
        }
        changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Has as many processes started as are missing; none once this service stops. */
  void startMissing(IntConsumer start) {
    lock.lock();
    try {
      if (listener == null) {
        return;
      }
      int wanted = Math.max(ready.wantedFree(processes.values()), awaited());
      int free = ReadyProcesses.free(processes.values()).size();
      for (int have = free + starting.size(); have < wanted; have++) {
        int number = freeNumber();
        starting.add(number);
        start.accept(number);
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private int freeNumber() {
    for (int number = 1; number < MAX_PROCESSES; number++) {
      if (!processes.containsKey(number)
          && !starting.contains(number)
          && !Files.exists(folders.shimProcess(number).path())
          && !isHeld(number)) {
        return number;
      }
    }
    throw new IllegalStateException("more than " + MAX_PROCESSES + " shim processes");
  }

  /** Whether a process has this number although its folder is gone: it ends by itself. */
  private boolean isHeld(int number) {
    try {
      return FolderLock.isHeld(folders.path(), StateFolders.shimProcessLock(number));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "lock of {0}: {1}", ShimProcess.name(number), e.getMessage());
      return true;
    }
  }

  /** Starts that failed since the last one that did not. */
  int failures() {
    lock.lock();
    try {
      return failures;
    } finally {
      lock.unlock();
    }
  }

  /** A process has started; false if this service stops, so that it is left alone. */
  boolean admit(ShimProcess started) {
    lock.lock();
    try {
      starting.remove(started.number());
      if (listener == null) {
        return false;
      }
      processes.put(started.number(), started);
      failures = 0;
      lastFailure = "";
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** A process did not start. */
  void startFailed(int number, String why) {
    lock.lock();
    try {
      starting.remove(number);
      failures++;
      lastFailure = why;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A process has ended.
   *
   * @return the tasks that it had; null if that is known already, or this service stops
   */
  @Nullable Set<TaskKey> remove(ShimProcess gone) {
    lock.lock();
    try {
      if (listener == null || !gone.isAlive()) {
        return null;
      }
      processes.remove(gone.number());
      return gone.end();
    } finally {
      lock.unlock();
    }
  }

  /** Those that begin to drain now, for nobody needs them. */
  List<ShimProcess> drainIdle() {
    lock.lock();
    try {
      List<ShimProcess> ending = ready.superfluous(processes.values(), System.nanoTime());
      ending.forEach(ShimProcess::beginDraining);
      return ending;
    } finally {
      lock.unlock();
    }
  }
}
