package io.berth.containerd.health;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.base.time.Sleeper;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Has containers probed while they run. Thread-safe; no method blocks for a probe. Where the disk
 * fails, checking goes on, and only what would have been remembered over a restart is lost.
 */
@Singleton
public final class HealthMonitor {
  private static final Logger LOG = System.getLogger(HealthMonitor.class.getName());

  private final InstantSource clock;
  private final Map<TaskKey, Watch> watches = new ConcurrentHashMap<>();

  @Inject
  public HealthMonitor(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * Begins to have a container probed, or goes on where the file says that the same run of the
   * container was.
   *
   * @param startedAt by which the run is known, in nanoseconds since 1970
   * @param file where the state is kept; its folder is there
   */
  public void watch(TaskKey key, HealthCheck check, long startedAt, Path file, Prober prober) {
    HealthState kept = read(file);
    HealthState state =
        kept != null && kept.startedAt() == startedAt ? kept : HealthState.starting(startedAt);
    Watch watch = new Watch(key, check, file, prober, state);
    watch.keep(state);
    Watch old = watches.put(key, watch);
    if (old != null) {
      old.end();
    }
    watch.thread.start();
  }

  /**
   * Ends the probing of a container; the result of a probe that is under way is dropped. A
   * container that is not watched is left as it is.
   */
  public void end(TaskKey key) {
    Watch watch = watches.remove(key);
    if (watch != null) {
      watch.end();
    }
  }

  /** Ends the probing of all containers, because this service ends. */
  public void stop() {
    watches.keySet().forEach(this::end);
  }

  /**
   * What is known of a container's health; for one that is not watched, what its file says. Null
   * where nothing is known.
   */
  public @Nullable HealthState state(TaskKey key, Path file) {
    Watch watch = watches.get(key);
    return watch == null ? read(file) : watch.state;
  }

  private static @Nullable HealthState read(Path file) {
    try {
      return Json.read(Files.readAllBytes(file), HealthState.class, "state of health");
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException | BerthException e) {
      LOG.log(Level.WARNING, "read `{0}`: {1}", file, e.getMessage());
      return null;
    }
  }

  private final class Watch {
    private final TaskKey key;
    private final HealthCheck check;
    private final Path file;
    private final Prober prober;
    private final Thread thread;
    private volatile HealthState state;

    @GuardedBy("this")
    private boolean ended;

    Watch(TaskKey key, HealthCheck check, Path file, Prober prober, HealthState state) {
      this.key = key;
      this.check = check;
      this.file = file;
      this.prober = prober;
      this.state = state;
      this.thread = Thread.ofVirtual().name("health-" + key.id()).unstarted(this::run);
    }

    private void run() {
      try {
        Sleeper.SYSTEM.sleep(check.interval().minus(sinceLastEnd()));
        while (true) {
          HealthState.Result result = probed();
          if (result != null) {
            found(result);
          }
          Sleeper.SYSTEM.sleep(check.interval());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    /**
     * How long ago the last probe was, perhaps by an earlier life of this service, which only the
     * clock of the wall can tell. That it was set back since then counts as no time, so that the
     * wait gets no longer than the interval.
     */
    private Duration sinceLastEnd() {
      long passed = HealthState.nanos(clock.instant()) - state.lastEnd();
      return Duration.ofNanos(Math.max(0, passed));
    }

    private HealthState.@Nullable Result probed() throws InterruptedException {
      try {
        return prober.probe(key, check);
      } catch (RuntimeException e) {
        LOG.log(Level.ERROR, "probe the health of " + key, e);
        return null;
      }
    }

    private void found(HealthState.Result result) {
      HealthState old = state;
      HealthState now = old.after(result, check);
      synchronized (this) {
        if (ended) {
          return;
        }
        state = now;
        keep(now);
      }
      if (now.status() != old.status()) {
        prober.changed(key, now.status());
      }
    }

    private void keep(HealthState now) {
      try {
        AtomicFile.write(file, Json.bytes(now), "rw-------");
      } catch (IOException e) {
        LOG.log(Level.WARNING, "write `{0}`: {1}", file, e.getMessage());
      }
    }

    private void end() {
      synchronized (this) {
        ended = true;
      }
      thread.interrupt();
    }
  }
}
