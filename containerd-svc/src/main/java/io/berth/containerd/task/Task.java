package io.berth.containerd.task;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One task. Two locks: {@link #lock} for its processes and the order of its events, held shortly;
 * {@link #linking} for its way to a shim, held while another host adopts it.
 */
final class Task {
  private static final Duration LEARNING = Duration.ofSeconds(5);

  final ReentrantLock lock = new ReentrantLock();
  final ReentrantLock linking = new ReentrantLock();
  final SerialQueue happenings = new SerialQueue();

  private final TaskKey key;
  private final TaskFolder folder;
  private final boolean exclusive;
  private final boolean ephemeral;
  private final boolean recovered;

  private final CountDownLatch learning;

  // Guarded by lock.
  private final Map<String, TaskProcess> processes = new TreeMap<>();
  private final List<Runnable> untilCreated = new ArrayList<>();
  private boolean creating = true;
  private boolean deleting;
  private boolean oomKilled;
  private boolean paused;

  // Guarded by linking.
  @Nullable ShimLink link;
  boolean lost;

  /**
   * @param exclusive wants a host process of its own
   * @param ephemeral its container removes itself
   * @param recovered made by an earlier life of this service
   */
  Task(TaskKey key, TaskFolder folder, boolean exclusive, boolean ephemeral, boolean recovered) {
    this.key = key;
    this.folder = folder;
    this.exclusive = exclusive;
    this.ephemeral = ephemeral;
    this.recovered = recovered;
    this.learning = new CountDownLatch(recovered ? 1 : 0);
    processes.put("", new TaskProcess(""));
  }

  TaskKey key() {
    return key;
  }

  TaskFolder folder() {
    return folder;
  }

  boolean isExclusive() {
    return exclusive;
  }

  boolean isEphemeral() {
    return ephemeral;
  }

  boolean isRecovered() {
    return recovered;
  }

  /** What its processes do now is known, or cannot be known. */
  void learned() {
    learning.countDown();
  }

  /**
   * After a restart of this service: waits until the shim has told what the processes do, or for a
   * time after which a guess is better than none.
   */
  private void awaitLearned() {
    try {
      if (!learning.await(LEARNING.toMillis(), TimeUnit.MILLISECONDS)) {
        learning.countDown();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs work under the lock. */
  void locked(Runnable work) {
    lock.lock();
    try {
      work.run();
    } finally {
      lock.unlock();
    }
  }

  TaskProcess init() {
    return process("");
  }

  /** NOT_FOUND for an unknown exec. */
  TaskProcess process(String execId) {
    TaskProcess found = processIfPresent(execId);
    if (found == null) {
      throw new BerthException.NotFound("process " + execId + " of task " + key.id());
    }
    return found;
  }

  @Nullable TaskProcess processIfPresent(String execId) {
    lock.lock();
    try {
      return processes.get(execId);
    } finally {
      lock.unlock();
    }
  }

  /** All of them, the init first. */
  List<TaskProcess> processes() {
    lock.lock();
    try {
      return List.copyOf(processes.values());
    } finally {
      lock.unlock();
    }
  }

  /** ALREADY_EXISTS if the id is taken. */
  TaskProcess addExec(String execId) {
    lock.lock();
    try {
      TaskProcess added = new TaskProcess(execId);
      if (processes.putIfAbsent(execId, added) != null) {
        throw new BerthException.AlreadyExists("id " + execId);
      }
      return added;
    } finally {
      lock.unlock();
    }
  }

  void removeExec(String execId) {
    locked(() -> processes.remove(execId));
  }

  boolean isCreating() {
    lock.lock();
    try {
      return creating;
    } finally {
      lock.unlock();
    }
  }

  /** Runs now, or as soon as it is known whether the task was made. */
  void whenCreated(Runnable work) {
    lock.lock();
    try {
      if (creating) {
        untilCreated.add(work);
        return;
      }
    } finally {
      lock.unlock();
    }
    work.run();
  }

  /** The init is there; what happened meanwhile follows. */
  void created(int pid) {
    List<Runnable> kept;
    lock.lock();
    try {
      creating = false;
      init().pid = pid;
      kept = List.copyOf(untilCreated);
      untilCreated.clear();
    } finally {
      lock.unlock();
    }
    kept.forEach(happenings::add);
  }

  /** One of two deletions wins; NOT_FOUND for the other. */
  void beginDeletion() {
    lock.lock();
    try {
      if (deleting) {
        throw new BerthException.NotFound("task " + key.id());
      }
      deleting = true;
    } finally {
      lock.unlock();
    }
  }

  /** Or was. */
  boolean isBeingDeleted() {
    lock.lock();
    try {
      return deleting;
    } finally {
      lock.unlock();
    }
  }

  /** The deletion did not come to its end. */
  void resumeLife() {
    locked(() -> deleting = false);
  }

  void paused(boolean now) {
    locked(() -> paused = now);
  }

  boolean isPaused() {
    lock.lock();
    try {
      return paused;
    } finally {
      lock.unlock();
    }
  }

  void oomHappened() {
    locked(() -> oomKilled = true);
  }

  boolean isOomKilled() {
    lock.lock();
    try {
      return oomKilled;
    } finally {
      lock.unlock();
    }
  }

  /** Null while it is being created; waits as {@link #awaitLearned} does. */
  Tasks.@Nullable Glance glance() {
    awaitLearned();
    lock.lock();
    try {
      TaskProcess init = init();
      boolean running = init.started && init.exit == null;
      return creating ? null : new Tasks.Glance(init.pid, init.started, running, paused, init.exit);
    } finally {
      lock.unlock();
    }
  }
}
