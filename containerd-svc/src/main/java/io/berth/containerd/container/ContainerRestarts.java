package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.container.BackgroundWork.Kind;
import io.berth.containerd.settings.RestartRule;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;

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
    Duration uptime = Duration.ofNanos(Math.max(0, progress.finishedAt() - progress.startedAt()));
    return again(container, uptime);
  }

  private boolean again(NamedContainer container, Duration uptime) {
    if (!(rule(container).after(run(container.progress(), uptime))
        instanceof RestartRule.Again again)) {
      return false;
    }
    if (suspension.isOn()) {
      // All containers are being ended: that was not the program's doing, so it is not counted.
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
    Progress progress = container.progress();
    boolean wanted =
        rule(container)
            .atServiceStart(
                progress.wasStarted(),
                progress.exitCode(),
                progress.restarts(),
                progress.stopped());
    if (wanted) {
      startLater(container, uncounted(progress), Duration.ZERO);
    }
    return wanted;
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

  /** Whether the container's policy is about to start it again. */
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
