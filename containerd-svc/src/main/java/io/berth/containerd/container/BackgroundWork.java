package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What is done to containers with no client waiting for it. For each at most one thing at a time:
 * it waits for its moment and for the services that it needs, and holds nothing meanwhile; then it
 * is done under the container's lock. A service that is absent is waited for, however long.
 *
 * <p>None of this is stored: what is to be done follows from the containers' rows, and is found
 * again at the next start of this service.
 */
@Singleton
final class BackgroundWork {
  private static final Logger LOG = System.getLogger(BackgroundWork.class.getName());

  /** Between two attempts while a service answers and yet cannot do its work; doubled each time. */
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  /** What there is to do. */
  enum Kind {
    START,
    REMOVAL,
    /** Of what a container that rests, or is gone, does not need any more. */
    RELEASE
  }

  /** The doing, under the container's lock. */
  interface Step {
    /** Throws {@link BerthException.Absent} to be called again when that service is back. */
    void run(Claim claim);
  }

  /** Who is about to do what takes effect asks first. */
  interface Claim {
    /** False if it was called off; after true that is too late. */
    boolean take();
  }

  private final KeyLocks locks;
  private final Map<TaskKey, Work> works = new ConcurrentHashMap<>();
  private volatile boolean stopped;

  @Inject
  BackgroundWork(KeyLocks locks) {
    this.locks = locks;
  }

  /**
   * Does it now, or, if a service is absent, when that is back. The container's lock is held.
   *
   * @param needs services that are asked
   */
  void nowOrLater(Kind kind, TaskKey key, List<PeerService> needs, Step step) {
    if (needs.stream().noneMatch(PeerService::isAbsent)) {
      try {
        step.run(() -> true);
        return;
      } catch (BerthException.Absent e) {
        LOG.log(Level.DEBUG, "{0}", e.getMessage());
      }
    }
    later(kind, key, Duration.ZERO, needs, step);
  }

  /** Does it after a while, in place of what was to be done before. */
  void later(Kind kind, TaskKey key, Duration delay, List<PeerService> needs, Step step) {
    if (stopped) {
      return;
    }
    Work work = new Work(kind, key, delay, needs, step);
    Work before = works.put(key, work);
    if (before != null) {
      var _ = before.callOff();
    }
    work.thread.start();
  }

  /** Whether such a thing is waiting, or is being done. */
  boolean has(TaskKey key, Kind kind) {
    Work work = works.get(key);
    return work != null && work.kind == kind;
  }

  /** Which service is waited for and what can be done; empty if none. */
  String why(TaskKey key) {
    Work work = works.get(key);
    return work == null ? "" : work.why;
  }

  /** It is not to be done. False if there is none, and if it is too late. */
  boolean callOff(TaskKey key, Kind kind) {
    Work work = works.get(key);
    if (work == null || work.kind != kind || !work.callOff()) {
      return false;
    }
    // Perhaps it has taken itself out already.
    works.remove(key, work);
    return true;
  }

  boolean isStopped() {
    return stopped;
  }

  /** Nothing is begun any more. */
  void stop() {
    stopped = true;
    works
        .values()
        .forEach(work -> {
          var _ = work.callOff();
        });
    works.clear();
  }

  private final class Work {
    private final Kind kind;
    private final TaskKey key;
    private final Duration delay;
    private final List<PeerService> needs;
    private final Step step;
    private final Thread thread;
    private volatile String why = "";
    private boolean attempting;
    private boolean claimed;
    private boolean calledOff;

    Work(Kind kind, TaskKey key, Duration delay, List<PeerService> needs, Step step) {
      this.kind = kind;
      this.key = key;
      this.delay = delay;
      this.needs = List.copyOf(needs);
      this.step = step;
      this.thread =
          Thread.ofVirtual()
              .name(kind.name().toLowerCase(Locale.ROOT) + "-" + key.id())
              .unstarted(this::run);
    }

    private void run() {
      try {
        Thread.sleep(delay);
        Duration pause = FIRST_PAUSE;
        while (true) {
          for (PeerService each : needs) {
            each.await(this::waits);
          }
          if (locks.with(key, this::attempt)) {
            return;
          }
          Thread.sleep(pause);
          pause = longer(pause);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        // What is closed behind its back while this service ends is no fault.
        LOG.log(stopped ? Level.DEBUG : Level.ERROR, kind + " of " + key, e);
      } finally {
        works.remove(key, this);
      }
    }

    private static Duration longer(Duration pause) {
      Duration twice = pause.multipliedBy(2);
      return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
    }

    private void waits(String reason) {
      if (why.isEmpty()) {
        LOG.log(Level.INFO, "{0} of {1}: {2}", kind, key, reason);
      }
      why = reason;
    }

    /** Whether it is over. */
    private boolean attempt() {
      synchronized (this) {
        if (calledOff) {
          return true;
        }
        attempting = true;
      }
      try {
        step.run(this::claim);
        return true;
      } catch (BerthException.Absent e) {
        waits(e.getMessage());
      }
      synchronized (this) {
        attempting = false;
        claimed = false;
        return calledOff;
      }
    }

    private synchronized boolean claim() {
      claimed = !calledOff;
      return claimed;
    }

    // Who waits is woken; calls that an attempt has begun are left alone.
    synchronized boolean callOff() {
      if (claimed) {
        return false;
      }
      calledOff = true;
      if (!attempting) {
        thread.interrupt();
      }
      return true;
    }
  }
}
