package io.berth.shim.run;

import io.berth.base.id.TaskKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What happens to the tasks of this process, for those who watch. Exits are kept until they are
 * acknowledged and repeated to everyone who begins to watch; the rest is told to whoever watches at
 * the time.
 *
 * <p>A watcher that does not take what it is told ends: what it missed is repeated when it comes
 * back.
 */
public final class Happenings {
  private static final int MAX_WAITING = 16_384;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Name, Happening.Exit> kept = new LinkedHashMap<>();
  private final List<Watcher> watchers = new ArrayList<>();

  private record Name(TaskKey task, String execId) {}

  /** Takes what happens while somebody watches. */
  public final class Watcher implements AutoCloseable {
    private final BlockingQueue<Happening> queue = new LinkedBlockingQueue<>(MAX_WAITING);
    private final List<Happening.Exit> missed;
    private volatile boolean overrun;

    Watcher(List<Happening.Exit> missed) {
      this.missed = missed;
    }

    /** What was not acknowledged when the watching began, oldest first. */
    public List<Happening.Exit> missed() {
      return missed;
    }

    /** The next happening; waits for it. */
    public Happening next() throws InterruptedException {
      return queue.take();
    }

    /** Whether something was left out, because it was not taken in time. */
    public boolean isOverrun() {
      return overrun;
    }

    @Override
    public void close() {
      lock.lock();
      try {
        watchers.remove(this);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Begins to watch. */
  public Watcher watch() {
    lock.lock();
    try {
      Watcher watcher = new Watcher(List.copyOf(kept.values()));
      watchers.add(watcher);
      return watcher;
    } finally {
      lock.unlock();
    }
  }

  void tell(Happening happening) {
    lock.lock();
    try {
      if (happening instanceof Happening.Exit exit) {
        kept.put(new Name(exit.task(), exit.execId()), exit);
      }
      for (Watcher watcher : watchers) {
        if (!watcher.queue.offer(happening)) {
          watcher.overrun = true;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** An exit has been recorded elsewhere and need not be repeated. */
  public void acknowledge(TaskKey task, String execId) {
    lock.lock();
    try {
      kept.remove(new Name(task, execId));
    } finally {
      lock.unlock();
    }
  }

  /** A task is no longer in this process: its exits are repeated by the one that has it. */
  void forget(TaskKey task) {
    lock.lock();
    try {
      kept.keySet().removeIf(name -> name.task.equals(task));
    } finally {
      lock.unlock();
    }
  }
}
