package io.berth.containerd.task;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One task. It has two locks: one for its life, its processes and the order of its events, held
 * shortly; one for the way to its shim, held while another shim process takes the task over.
 * Thread-safe.
 */
final class Task {
  private static final Duration LEARNING = Duration.ofSeconds(5);

  private final ReentrantLock lock = new ReentrantLock();
  private final ReentrantLock linking = new ReentrantLock();
  private final SerialQueue happenings = new SerialQueue();
  private final TaskKey key;
  private final TaskFolder folder;
  private final Traits traits;
  private final CountDownLatch learning;

  @GuardedBy("lock")
  private final Map<String, TaskProcess> processes = new TreeMap<>();

  @GuardedBy("lock")
  private Life life = new Life.Creating(List.of());

  @GuardedBy("linking")
  private ShimLink link = new ShimLink.None();

  /**
   * What a task is for good.
   *
   * @param exclusive it wants a shim process of its own
   * @param ephemeral its container removes itself
   * @param recovered it was made by an earlier life of this service
   */
  record Traits(boolean exclusive, boolean ephemeral, boolean recovered) {}

  /** Where the task as a whole is; what its processes do is their own state. */
  private sealed interface Life {
    /**
     * It is not known yet whether it was made.
     *
     * @param deferred what is to be done once it was
     */
    record Creating(List<Runnable> deferred) implements Life {}

    /**
     * It can be used.
     *
     * @param oomKilled the kernel killed one of its processes because its memory limit was reached
     */
    record Made(boolean paused, boolean oomKilled) implements Life {}

    /** It is being deleted, or was; a deletion that fails leads back to what was before. */
    record Deleting(Made before) implements Life {}
  }

  /**
   * @param stdio the streams of the init; null if an earlier life of this service made it
   */
  Task(TaskKey key, TaskFolder folder, Traits traits, @Nullable Stdio stdio) {
    this.key = key;
    this.folder = folder;
    this.traits = traits;
    this.learning = new CountDownLatch(traits.recovered() ? 1 : 0);
    processes.put("", new TaskProcess("", stdio, lock));
  }

  TaskKey key() {
    return key;
  }

  TaskFolder folder() {
    return folder;
  }

  Traits traits() {
    return traits;
  }

  /** What happened to it is recorded in this queue, one thing after another. */
  SerialQueue happenings() {
    return happenings;
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

  /** Works while nothing else changes the task, its processes, or what is told of them. */
  <T extends @Nullable Object> T locked(Supplier<T> work) {
    lock.lock();
    try {
      return work.get();
    } finally {
      lock.unlock();
    }
  }

  /** Works while nobody else changes the way to the shim, which may take as long as a call. */
  <T extends @Nullable Object> T linking(Supplier<T> work) {
    linking.lock();
    try {
      return work.get();
    } finally {
      linking.unlock();
    }
  }

  ShimLink link() {
    linking.lock();
    try {
      return link;
    } finally {
      linking.unlock();
    }
  }

  void link(ShimLink changed) {
    linking.lock();
    try {
      link = changed;
    } finally {
      linking.unlock();
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

  /**
   * Adds an exec.
   *
   * @param stdio null if an earlier life of this service made it
   * @throws BerthException.AlreadyExists if the id is taken
   */
  void addExec(String execId, @Nullable Stdio stdio) {
    lock.lock();
    try {
      if (processes.putIfAbsent(execId, new TaskProcess(execId, stdio, lock)) != null) {
        throw new BerthException.AlreadyExists("id " + execId);
      }
    } finally {
      lock.unlock();
    }
  }

  void removeExec(String execId) {
    lock.lock();
    try {
      processes.remove(execId);
    } finally {
      lock.unlock();
    }
  }

  private Life life() {
    lock.lock();
    try {
      return life;
    } finally {
      lock.unlock();
    }
  }

  boolean isCreating() {
    return life() instanceof Life.Creating;
  }

  /** Whether a call of this life of the service makes it at this moment. */
  boolean isBeingMade() {
    return isCreating() && !traits.recovered();
  }

  /** Runs work now, or once it is known that the task was made. */
  void whenCreated(Runnable work) {
    lock.lock();
    try {
      if (life instanceof Life.Creating(List<Runnable> deferred)) {
        List<Runnable> more = new ArrayList<>(deferred);
        more.add(work);
        life = new Life.Creating(more);
        return;
      }
    } finally {
      lock.unlock();
    }
    work.run();
  }

  /** The init is there; what happened meanwhile is recorded next. */
  void created(int pid) {
    lock.lock();
    try {
      var _ = init().change(state -> state.numbered(pid));
      if (life instanceof Life.Creating(List<Runnable> deferred)) {
        life = new Life.Made(/* paused= */ false, /* oomKilled= */ false);
        deferred.forEach(happenings::add);
      }
    } finally {
      lock.unlock();
    }
  }

  /** One of two deletions wins; NOT_FOUND for the other. */
  void beginDeletion() {
    lock.lock();
    try {
      life =
          switch (life) {
            case Life.Made made -> new Life.Deleting(made);
            case Life.Creating _, Life.Deleting _ ->
                throw new BerthException.NotFound("task " + key.id());
          };
    } finally {
      lock.unlock();
    }
  }

  /** Whether it is being deleted, or was. */
  boolean isBeingDeleted() {
    return life() instanceof Life.Deleting;
  }

  /** The deletion did not come to its end. */
  void resumeLife() {
    lock.lock();
    try {
      if (life instanceof Life.Deleting(Life.Made before)) {
        life = before;
      }
    } finally {
      lock.unlock();
    }
  }

  private void note(UnaryOperator<Life.Made> change) {
    lock.lock();
    try {
      life =
          switch (life) {
            case Life.Creating creating -> creating;
            case Life.Made made -> change.apply(made);
            case Life.Deleting deleting -> new Life.Deleting(change.apply(deleting.before()));
          };
    } finally {
      lock.unlock();
    }
  }

  private Life.@Nullable Made made() {
    return switch (life()) {
      case Life.Creating _ -> null;
      case Life.Made made -> made;
      case Life.Deleting deleting -> deleting.before();
    };
  }

  void paused(boolean now) {
    note(made -> new Life.Made(now, made.oomKilled()));
  }

  void oomHappened() {
    note(made -> new Life.Made(made.paused(), /* oomKilled= */ true));
  }

  boolean isOomKilled() {
    Life.Made made = made();
    return made != null && made.oomKilled();
  }

  /** Null while it is being created; waits as {@link #awaitLearned} does. */
  Tasks.@Nullable Glance glance() {
    awaitLearned();
    lock.lock();
    try {
      Life.Made made = made();
      ProcessState init = init().state();
      return made == null
          ? null
          : new Tasks.Glance(
              init.pid(),
              init.wasStarted(),
              init instanceof ProcessState.Running,
              made.paused(),
              init.exit());
    } finally {
      lock.unlock();
    }
  }
}
