package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.time.Sleeper;
import io.berth.containerd.client.PeerService;
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
 * Work on containers that no client waits for. Each container has at most one piece of work: it
 * waits for its moment and for the services that it needs, and holds no lock meanwhile; then it is
 * done under the container's lock. A service that is absent is waited for, however long, and so are
 * room on a disk that is full and the end of a {@link Suspension} before a start. Thread-safe.
 *
 * <p>None of this is stored, because the work follows from the containers' rows and is found again
 * at the next start of this service.
 */
@Singleton
final class BackgroundWork {
  private static final Logger LOG = System.getLogger(BackgroundWork.class.getName());

  /**
   * The pause between two attempts while a service answers and yet cannot do its work; it doubles
   * each time.
   */
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  /** What there is to do. */
  enum Kind {
    START,
    REMOVAL,
    /** Gives back what a container that rests, or is gone, does not need any more. */
    RELEASE
  }

  /** The work itself, which is done under the container's lock. */
  interface Step {
    /**
     * Throws {@link BerthException.Absent} to be called again when that service is back, and {@link
     * BerthException.ResourceExhausted} to be called again after a while.
     */
    void run(Claim claim);
  }

  /** What the work asks before it does something that takes effect. */
  interface Claim {
    /**
     * False if the work was called off, or must wait once more; after true it cannot be called off
     * any more.
     */
    boolean take();
  }

  private final KeyLocks locks;
  private final Suspension suspension;
  private final Map<TaskKey, Work> works = new ConcurrentHashMap<>();
  private volatile boolean stopped;

  @Inject
  BackgroundWork(KeyLocks locks, Suspension suspension) {
    this.locks = locks;
    this.suspension = suspension;
  }

  /**
   * Does the work now or, if a service is absent, when that is back. The caller holds the
   * container's lock.
   *
   * @param needs the services that the work asks
   */
  void nowOrLater(Kind kind, TaskKey key, List<PeerService> needs, Step step) {
    if (needs.stream().noneMatch(PeerService::isAbsent)) {
      try {
        step.run(() -> true);
        return;
      } catch (BerthException.Absent | BerthException.ResourceExhausted e) {
        LOG.log(Level.DEBUG, "{0}", e.getMessage());
      }
    }
    later(kind, key, Duration.ZERO, needs, step);
  }

  /** Does the work after a while, in place of what was to be done before. */
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

  /** Whether work of this kind is waiting, or is being done. */
  boolean has(TaskKey key, Kind kind) {
    Work work = works.get(key);
    return work != null && work.kind == kind;
  }

  /** Which service is waited for and what can be done about it; empty if none. */
  String why(TaskKey key) {
    Work work = works.get(key);
    return work == null ? "" : work.why;
  }

  /** Calls the work off. False if there is none of this kind, and if it is too late. */
  boolean callOff(TaskKey key, Kind kind) {
    Work work = works.get(key);
    if (work == null || work.kind != kind || !work.callOff()) {
      return false;
    }
    // The work's own thread may have taken it out already.
    works.remove(key, work);
    return true;
  }

  boolean isStopped() {
    return stopped;
  }

  /** Calls everything off; nothing is begun any more. */
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

    @GuardedBy("this")
    private Stage stage = Stage.WAITING;

    /** Whether the attempt under way was refused its claim because starts are suspended. */
    @GuardedBy("this")
    private boolean held;

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
        Sleeper.SYSTEM.sleep(delay);
        Duration pause = FIRST_PAUSE;
        while (true) {
          for (PeerService each : needs) {
            each.await(this::waits);
          }
          if (isHeld()) {
            waits(Suspension.WHY);
            suspension.awaitEnd();
            why = "";
          }
          if (locks.with(key, this::attempt)) {
            return;
          }
          Sleeper.SYSTEM.sleep(pause);
          pause = longer(pause);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        // While this service ends, channels and tables are closed under work that is being done.
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

    /** One attempt. Whether the work is over. */
    private boolean attempt() {
      if (!begins()) {
        return true;
      }
      try {
        step.run(this::claim);
        if (!wasHeld()) {
          return true;
        }
      } catch (BerthException.Absent | BerthException.ResourceExhausted e) {
        waits(e.getMessage());
      }
      return !waitsAgain();
    }

    private boolean isHeld() {
      return kind == Kind.START && suspension.isOn();
    }

    private synchronized boolean wasHeld() {
      return held;
    }

    private synchronized boolean begins() {
      if (stage == Stage.CALLED_OFF) {
        return false;
      }
      stage = Stage.ATTEMPTING;
      held = false;
      return true;
    }

    private synchronized boolean waitsAgain() {
      if (stage == Stage.CALLED_OFF) {
        return false;
      }
      stage = Stage.WAITING;
      return true;
    }

    private synchronized boolean claim() {
      if (stage == Stage.CALLED_OFF) {
        return false;
      }
      if (isHeld()) {
        held = true;
        return false;
      }
      stage = Stage.CLAIMED;
      return true;
    }

    // A thread that waits is woken; calls that an attempt has begun are left alone.
    synchronized boolean callOff() {
      if (stage == Stage.CLAIMED) {
        return false;
      }
      boolean waiting = stage == Stage.WAITING;
      stage = Stage.CALLED_OFF;
      if (waiting) {
        thread.interrupt();
      }
      return true;
    }
  }

  /** How far a piece of work is. */
  private enum Stage {
    /** It waits for its moment, for a service, or for the next attempt. */
    WAITING,
    /** It is being done, and nothing of it has taken effect. */
    ATTEMPTING,
    /** It is taking effect, so it cannot be called off. */
    CLAIMED,
    CALLED_OFF
  }
}
