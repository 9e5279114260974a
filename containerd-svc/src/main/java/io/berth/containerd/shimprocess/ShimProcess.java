package io.berth.containerd.shimprocess;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.ShimProcessFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One process that hosts shims, as this service sees it. Its state changes only here, under the
 * lock that it shares with the table of all of them: whoever decides by the states of several holds
 * that lock around the decision. Thread-safe.
 */
public final class ShimProcess {
  private static final Duration WATCH_PATIENCE = Duration.ofSeconds(2);

  private final int number;
  private final ShimProcessFolder folder;
  private final ShimProcessConnection connection;
  private final int pid;
  private final CountDownLatch watched = new CountDownLatch(1);
  private final ReentrantLock lock;

  @GuardedBy("lock")
  private State state;

  /** Tasks that were placed on it or are being placed. */
  @GuardedBy("lock")
  private final Set<TaskKey> tasks = new HashSet<>();

  @GuardedBy("lock")
  private boolean warmedUp;

  /** A warm-up was tried, and it takes tasks whether or not that succeeded. */
  @GuardedBy("lock")
  private boolean warmUpIsOver;

  /** It let a deadline pass and has not answered since. */
  @GuardedBy("lock")
  private boolean silent;

  /** By {@link System#nanoTime}: when a task last left it. */
  @GuardedBy("lock")
  private long idleSinceNanos = System.nanoTime();

  /** What may be placed on it. */
  sealed interface State {
    /** It belongs to no namespace and takes the first task of any. */
    record Free() implements State {}

    /**
     * It takes tasks of this namespace for the rest of its life.
     *
     * @param exclusive it was made for one task, and ends with it
     */
    record Bound(String namespace, boolean exclusive) implements State {}

    /** It takes no more tasks, and ends when it has none. */
    record Draining() implements State {}

    /** It has ended. */
    record Gone() implements State {}

    /** The state of a process that was found or has just started. */
    static State of(ShimProcessConnection.Status status, boolean outdated) {
      if (outdated || status.draining()) {
        return new Draining();
      }
      return status.namespace().isEmpty() ? new Free() : new Bound(status.namespace(), false);
    }
  }

  ShimProcess(
      int number,
      ShimProcessFolder folder,
      ShimProcessConnection connection,
      ShimProcessConnection.Status status,
      State state,
      ReentrantLock lock) {
    this.number = number;
    this.folder = folder;
    this.connection = connection;
    this.pid = status.pid();
    this.lock = lock;
    this.state = state;
    this.warmedUp = status.warmedUp();
    this.warmUpIsOver = status.warmedUp();
  }

  /** Its number under the state folder. */
  public int number() {
    return number;
  }

  /** Calls on it. */
  public ShimProcessConnection connection() {
    return connection;
  }

  ShimProcessFolder folder() {
    return folder;
  }

  int pid() {
    return pid;
  }

  private void become(State next) {
    lock.lock();
    try {
      state = next;
    } finally {
      lock.unlock();
    }
  }

  private State state() {
    lock.lock();
    try {
      return state;
    } finally {
      lock.unlock();
    }
  }

  boolean isFree() {
    lock.lock();
    try {
      return state instanceof State.Free && !silent;
    } finally {
      lock.unlock();
    }
  }

  /** Whether it answers: one that does not gets no task until it does. */
  void answers(boolean yes) {
    lock.lock();
    try {
      silent = !yes;
    } finally {
      lock.unlock();
    }
  }

  boolean isDraining() {
    return state() instanceof State.Draining;
  }

  /** Whether it is still counted among the living. */
  public boolean isAlive() {
    return !(state() instanceof State.Gone);
  }

  /**
   * Whether it shares its memory with tasks of this namespace, and has room for one more. The
   * warm-up's containers are nobody's, and share it with all.
   */
  boolean hasRoomFor(String namespace, int most) {
    lock.lock();
    try {
      return state instanceof State.Bound(String own, boolean exclusive)
          && !exclusive
          && !silent
          && (own.equals(namespace) || namespace.equals(Identifier.WARM_UP_NAMESPACE))
          && tasks.size() < most;
    } finally {
      lock.unlock();
    }
  }

  /** The namespace of its tasks, also of those to come; empty if it takes none, or any. */
  String namespace() {
    return state() instanceof State.Bound bound ? bound.namespace() : "";
  }

  /** Whether it was made for one task. */
  boolean isExclusive() {
    return state() instanceof State.Bound bound && bound.exclusive();
  }

  /** Whether it belongs to a namespace and has no task. */
  boolean isIdle() {
    lock.lock();
    try {
      return state instanceof State.Bound && tasks.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  long idleSinceNanos() {
    lock.lock();
    try {
      return idleSinceNanos;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The task is placed on it, or was found there. Containers of the warm-up belong to no client: a
   * process that had one is as free as before.
   */
  void take(TaskKey key, boolean exclusive) {
    lock.lock();
    try {
      tasks.add(key);
      if (key.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
        return;
      }
      state =
          switch (state) {
            case State.Free _ -> new State.Bound(key.namespace(), exclusive);
            case State.Bound bound ->
                new State.Bound(bound.namespace(), bound.exclusive() || exclusive);
            case State.Draining draining -> draining;
            case State.Gone gone -> gone;
          };
    } finally {
      lock.unlock();
    }
  }

  /** The task has left; answers whether the process has to end for that. */
  boolean release(TaskKey key) {
    lock.lock();
    try {
      tasks.remove(key);
      idleSinceNanos = System.nanoTime();
      boolean ends = state instanceof State.Bound bound && bound.exclusive() && tasks.isEmpty();
      if (ends) {
        state = new State.Draining();
      }
      return ends;
    } finally {
      lock.unlock();
    }
  }

  void beginDraining() {
    become(new State.Draining());
  }

  /** It has ended; answers the tasks that it had. */
  Set<TaskKey> end() {
    lock.lock();
    try {
      state = new State.Gone();
      return Set.copyOf(tasks);
    } finally {
      lock.unlock();
    }
  }

  /** Its warm-up is over. */
  void warmUpEnded(boolean succeeded) {
    lock.lock();
    try {
      warmUpIsOver = true;
      warmedUp |= succeeded;
    } finally {
      lock.unlock();
    }
  }

  /** Whether it has run a container of its own, and takes tasks. */
  boolean isWarmedUp() {
    lock.lock();
    try {
      return warmedUp && !(state instanceof State.Draining);
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is nothing to wait for before it is as fast as it gets. */
  boolean isWarmUpOver() {
    lock.lock();
    try {
      return warmUpIsOver && !(state instanceof State.Draining);
    } finally {
      lock.unlock();
    }
  }

  /** Whether it takes tasks without having run a container of its own. */
  boolean needsWarmUp() {
    lock.lock();
    try {
      return !warmUpIsOver && !(state instanceof State.Draining);
    } finally {
      lock.unlock();
    }
  }

  /** The last line of its log. */
  static String lastWords(ShimProcessFolder folder) {
    try {
      List<String> lines = Files.readAllLines(folder.log());
      return lines.isEmpty() ? "it said nothing" : lines.getLast();
    } catch (IOException e) {
      return "it said nothing";
    }
  }

  /** Its stream has repeated everything old. */
  void caughtUp() {
    watched.countDown();
  }

  /**
   * Waits until its stream has repeated everything old, or two seconds: exits are repeated to any
   * later stream as well, only a kill for want of memory would be missed.
   */
  void awaitCaughtUp() throws InterruptedException {
    var _ = watched.await(WATCH_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  static String name(int number) {
    return "shim process " + number;
  }

  @Override
  public String toString() {
    return name(number);
  }
}
