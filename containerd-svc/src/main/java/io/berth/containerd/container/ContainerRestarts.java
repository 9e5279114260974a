package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.container.BackgroundWork.Kind;
import io.berth.containerd.settings.RestartRule;
import io.berth.containerd.task.Exit;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Starts containers again as their policies have it. A start that needs an absent service waits for
 * that service and counts as no attempt. Thread-safe.
 */
@Singleton
final class ContainerRestarts {
  private static final Logger LOG = System.getLogger(ContainerRestarts.class.getName());

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final ContainerLaunch launch;
  private final ContainerRelease release;
  private final Waits waits;
  private final BackgroundWork background;
  private final Suspension suspension;

  /** Containers that have ended, and for how many it is not decided yet what follows. */
  private final Map<TaskKey, Integer> undecided = new ConcurrentHashMap<>();

  @Inject
  ContainerRestarts(
      NamedContainers containers,
      Surroundings surroundings,
      ContainerLaunch launch,
      ContainerRelease release,
      Waits waits,
      BackgroundWork background,
      Suspension suspension) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.launch = launch;
    this.release = release;
    this.waits = waits;
    this.background = background;
    this.suspension = suspension;
  }

  /** A start by a policy: what is recorded once it was made. */
  private record Attempt(int restarts, Duration delay) {
    Progress counted(Progress progress) {
      return progress.restarting(restarts, delay.toMillis());
    }
  }

  static RestartRule rule(NamedContainer container) {
    return container.described().host().lifecycle().rule();
  }

  private static RestartRule.Ended run(Progress progress, Duration uptime) {
    return new RestartRule.Ended(
        progress.exitCode(),
        progress.restarts(),
        progress.stopped(),
        uptime,
        Duration.ofMillis(progress.lastDelayMillis()));
  }

  /**
   * Has the container started again if its policy wants that after its end; false if it is to rest.
   * The caller holds the container's lock.
   */
  boolean afterEnd(NamedContainer container) {
    Progress progress = container.progress();
    if (progress.cutOff() || !progress.wasStarted()) {
      // An earlier life of this service has found the one; the other is no end, but a start that
      // failed, of which its client was told.
      return false;
    }
    Duration uptime = Duration.ofNanos(Math.max(0, progress.finishedAt() - progress.startedAt()));
    return again(container, uptime);
  }

  private boolean again(NamedContainer container, Duration uptime) {
    if (!(rule(container).after(run(container.progress(), uptime))
        instanceof RestartRule.Again again)) {
      return false;
    }
    if (suspension.isOn()) {
      // All containers are being ended: that was not the program's doing, so it is not counted, and
      // not by the next life of this service either.
      containers.note(container.key(), old -> old.cutOff(true));
      startLater(container, uncounted(container.progress()), Duration.ZERO);
    } else {
      startLater(container, new Attempt(again.restarts(), again.delay()), again.delay());
    }
    return true;
  }

  /**
   * Has the container started if its policy wants that when this service starts; false if it is to
   * rest. This is not counted, because it was not the program that ended. The caller holds the
   * container's lock.
   */
  boolean atServiceStart(NamedContainer container) {
    boolean wanted = isWantedAtServiceStart(container);
    if (wanted) {
      startLater(container, uncounted(container.progress()), Duration.ZERO);
    }
    return wanted;
  }

  private static boolean isWantedAtServiceStart(NamedContainer container) {
    Progress progress = container.progress();
    RestartRule rule = rule(container);
    return progress.cutOff()
        ? rule.afterCutOff(progress.wasStarted(), progress.stopped())
        : rule.atServiceStart(
            progress.wasStarted(), progress.exitCode(), progress.restarts(), progress.stopped());
  }

  private static Attempt uncounted(Progress progress) {
    return new Attempt(progress.restarts(), Duration.ofMillis(progress.lastDelayMillis()));
  }

  private void startLater(NamedContainer container, Attempt attempt, Duration delay) {
    TaskKey key = container.key();
    background.later(
        Kind.START,
        key,
        delay,
        surroundings.needsOf(container),
        claim -> start(key, attempt, claim));
  }

  private void start(TaskKey key, Attempt attempt, BackgroundWork.Claim claim) {
    NamedContainer container = containers.find(key);
    if (container == null || launch.isRunning(key)) {
      return;
    }
    if (rule(container).policy() == RestartRule.Policy.NO) {
      // An update took its policy away meanwhile.
      stays(key);
      release.giveBack(container);
      return;
    }
    try {
      var _ = launch.create(container, /* attach= */ null);
      if (!claim.take()) {
        undo(key);
        return;
      }
      launch.begin(key, attempt::counted);
    } catch (BerthException.Absent e) {
      // The service is waited for; nothing is recorded, because this was no attempt.
      throw e;
    } catch (BerthException e) {
      if (!background.isStopped()) {
        notStarted(container, attempt, e);
      }
    }
  }

  // Giving back may have to wait for a service, and that work would take this one's place. So what
  // waits once more keeps what it has, and the next attempt finds it.
  private void undo(TaskKey key) {
    if (isRestarting(key)) {
      release.putOff(key);
    } else {
      release.undoCreate(key);
    }
  }

  // The attempt is counted; exit code and time stay those of the program's last end, as docker
  // has it.
  private void notStarted(NamedContainer before, Attempt attempt, BerthException e) {
    LOG.log(Level.WARNING, "restart {0}: {1}", before, e.getMessage());
    TaskKey key = before.key();
    NamedContainer now =
        containers.progress(
            key, _ -> attempt.counted(before.progress()).notStarted(e.getMessage()));
    if (now == null) {
      return;
    }
    release.giveBack(now);
    if (!again(now, Duration.ZERO)) {
      stays(key);
    }
  }

  // A client that waits for the end of a container that was to run again has that end now.
  private void stays(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container != null) {
      waits.exited(key, Ending.of(container.progress()));
    }
  }

  /** The time from a container's end to the decision whether it runs again. */
  interface Undecided extends AutoCloseable {
    @Override
    void close();
  }

  /** Begins before the end is recorded, so that nobody takes that for the last one meanwhile. */
  Undecided undecided(TaskKey key) {
    undecided.merge(key, 1, Integer::sum);
    return () -> undecided.computeIfPresent(key, (_, count) -> count == 1 ? null : count - 1);
  }

  /**
   * Whether the container's policy starts a container again that does not run: a start is under
   * way, or its end is so young that it still has to be decided and its policy wants it.
   *
   * @param exit of its program, if its end is not recorded yet
   */
  boolean runsAgain(NamedContainer container, @Nullable Exit exit) {
    if (isRestarting(container.key())) {
      return true;
    }
    Progress progress = container.progress();
    if (progress.running() && exit != null) {
      Progress ended = progress.ended(exit.at(), exit.status(), exit.oomKilled(), "");
      return rule(container).after(run(ended, Duration.ZERO)) instanceof RestartRule.Again;
    }
    if (!undecided.containsKey(container.key())
        || !progress.wasStarted()
        || progress.pending() != null) {
      return false;
    }
    return progress.running()
        ? rule(container).afterCutOff(progress.wasStarted(), progress.stopped())
        : rule(container).after(run(progress, Duration.ZERO)) instanceof RestartRule.Again
            || isWantedAtServiceStart(container);
  }

  /** Whether a start of the container by its policy is under way. */
  boolean isRestarting(TaskKey key) {
    return background.has(key, Kind.START);
  }

  /**
   * A person has started the container, so its policy has nothing to start; clients that wait for
   * its end go on waiting.
   */
  void startedByPerson(TaskKey key) {
    var _ = background.callOff(key, Kind.START);
  }

  /**
   * Calls off a start that the container's policy wants. False if none was waiting; one that is
   * being made is done when this returns.
   */
  boolean callOff(TaskKey key) {
    if (background.callOff(key, Kind.START)) {
      stays(key);
      return true;
    }
    if (isRestarting(key)) {
      // Whoever makes the start holds the lock until it is made.
      containers.runLocked(key, () -> {});
    }
    return false;
  }
}
