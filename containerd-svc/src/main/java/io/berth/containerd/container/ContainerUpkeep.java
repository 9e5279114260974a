package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.container.BackgroundWork.Kind;
import io.berth.containerd.settings.RestartRule;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/**
 * What containers need without any client: after an exit, and after a start of this service, they
 * rest, run again by their policy, or remove themselves.
 */
@Singleton
final class ContainerUpkeep {
  private static final Logger LOG = System.getLogger(ContainerUpkeep.class.getName());

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final StartPreparation preparation;
  private final ContainerLaunch launch;
  private final ContainerRemoval removal;
  private final ContainerHealth health;
  private final Tasks tasks;
  private final Waits waits;
  private final KeyLocks locks;
  private final BackgroundWork background;
  private final InstantSource clock;

  @Inject
  ContainerUpkeep(
      NamedContainers containers,
      Surroundings surroundings,
      StartPreparation preparation,
      ContainerLaunch launch,
      ContainerRemoval removal,
      ContainerHealth health,
      Tasks tasks,
      Waits waits,
      KeyLocks locks,
      BackgroundWork background,
      InstantSource clock) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.preparation = preparation;
    this.launch = launch;
    this.removal = removal;
    this.health = health;
    this.tasks = tasks;
    this.waits = waits;
    this.locks = locks;
    this.background = background;
    this.clock = clock;
  }

  /** The init has ended, and that is on disk. */
  void ended(TaskKey key, Exit exit) {
    health.ends(key);
    NamedContainer container =
        containers.lastingProgress(
            key, old -> old.ended(exit.at(), exit.status(), exit.oomKilled()));
    if (container == null) {
      return;
    }
    waits.exited(key, ContainerLife.response(container.progress()));
    settled(key);
  }

  void settled(TaskKey key) {
    locks.with(
        key,
        () -> {
          settle(key);
          return null;
        });
  }

  private void settle(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container == null || launch.isRunning(key)) {
      return;
    }
    try {
      if (tasks.isPresent(key)) {
        var _ = tasks.delete(key);
      }
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "task {0} was deleted by somebody else", key);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "delete task {0}: {1}", key, e.getMessage());
    }
    Progress progress = container.progress();
    if (container.isEphemeral()) {
      removeItself(container);
    } else if (rule(container).after(run(progress, uptime(progress)))
        instanceof RestartRule.Again again) {
      startLater(container, new Attempt(again.restarts(), again.delay()), again.delay());
    } else {
      giveBack(container);
    }
  }

  /** Of a task that was created and is not to run. */
  void undoCreate(TaskKey key) {
    try {
      var _ = tasks.delete(key);
      NamedContainer container = containers.find(key);
      if (container != null) {
        giveBack(container);
      }
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "undo the start of {0}: {1}", key, e.getMessage());
    }
  }

  private static RestartRule rule(NamedContainer container) {
    var policy = container.described().getHost().getRestart();
    return RestartRule.of(policy.getName(), policy.getMaximumRetries(), container.isEphemeral());
  }

  private static Duration uptime(Progress progress) {
    return Duration.ofNanos(Math.max(0, progress.finishedAt() - progress.startedAt()));
  }

  private static RestartRule.Ended run(Progress progress, Duration uptime) {
    return new RestartRule.Ended(
        progress.exitCode(),
        progress.restarts(),
        progress.stopped(),
        uptime,
        Duration.ofMillis(progress.lastDelayMillis()));
  }

  /** Of one that does not run: its address and ports are free for others. The lock is held. */
  void giveBack(NamedContainer container) {
    List<PeerService> needs =
        container.hasEndpoint() ? List.of(surroundings.networks().service()) : List.of();
    TaskKey key = container.key();
    try {
      background.nowOrLater(
          Kind.RELEASE,
          key,
          needs,
          _ -> {
            if (!tasks.isPresent(key)) {
              preparation.giveBack(container);
            }
          });
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "give back the endpoint of {0}: {1}", container, e.getMessage());
    }
  }

  /** With its volumes. The lock is held. */
  void removeItself(NamedContainer container) {
    TaskKey key = container.key();
    background.nowOrLater(
        Kind.REMOVAL,
        key,
        surroundings.needsOf(container),
        claim -> {
          NamedContainer now = containers.find(key);
          if (now == null || launch.isRunning(key) || !claim.take()) {
            return;
          }
          try {
            removal.remove(now, /* volumes= */ true);
          } catch (BerthException.Absent e) {
            throw e;
          } catch (BerthException e) {
            LOG.log(Level.WARNING, "{0} removes itself: {1}", now, e.getMessage());
          }
        });
  }

  /** A start by a policy: what is on record once it was made. */
  private record Attempt(int restarts, Duration delay) {
    Progress counted(Progress progress) {
      return progress.restarting(restarts, delay.toMillis());
    }
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

  // Of an absent service nothing is recorded: it is waited for, and was no attempt.
  private void start(TaskKey key, Attempt attempt, BackgroundWork.Claim claim) {
    NamedContainer container = containers.find(key);
    if (container == null || launch.isRunning(key)) {
      return;
    }
    if (rule(container).policy() == RestartRule.Policy.NO) {
      // An update took its policy away meanwhile.
      stays(key);
      giveBack(container);
      return;
    }
    try {
      var _ = launch.create(container);
      if (!claim.take()) {
        undoCreate(key);
        return;
      }
      launch.begin(key, attempt::counted);
    } catch (BerthException.Absent e) {
      throw e;
    } catch (BerthException e) {
      if (!background.isStopped()) {
        notStarted(container, attempt, e);
      }
    }
  }

  // As docker: the attempt is counted, the exit code and its time stay the program's.
  private void notStarted(NamedContainer before, Attempt attempt, BerthException e) {
    LOG.log(Level.WARNING, "restart {0}: {1}", before, e.getMessage());
    TaskKey key = before.key();
    NamedContainer now =
        containers.progress(
            key, _ -> attempt.counted(before.progress()).notStarted(e.getMessage()));
    if (now == null) {
      return;
    }
    giveBack(now);
    if (rule(now).after(run(now.progress(), Duration.ZERO)) instanceof RestartRule.Again again) {
      startLater(now, new Attempt(again.restarts(), again.delay()), again.delay());
    } else {
      stays(key);
    }
  }

  // Whoever waits for the end of a container that was to run again has it now.
  private void stays(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container != null) {
      waits.exited(key, ContainerLife.response(container.progress()));
    }
  }

  /** Whether its policy is about to start it again. */
  boolean isRestarting(TaskKey key) {
    return background.has(key, Kind.START);
  }

  /** Its policy has nothing to start; who waits for its end goes on waiting. */
  void startedByPerson(TaskKey key) {
    var _ = background.callOff(key, Kind.START);
  }

  /**
   * A start that its policy wants does not happen. False if none was waiting; one that is being
   * made is done when this returns.
   */
  boolean callOffStart(TaskKey key) {
    if (background.callOff(key, Kind.START)) {
      stays(key);
      return true;
    }
    if (isRestarting(key)) {
      locks.with(key, () -> null);
    }
    return false;
  }

  // --- the service itself

  /** After tasks are known: claims are checked, and policies are kept. Row DN-21. */
  void resume() {
    for (NamedContainer container : containers.list(null)) {
      Thread.ofVirtual()
          .name("resume-" + container.key().id())
          .start(() -> {
            try {
              resume(container);
            } catch (RuntimeException e) {
              LOG.log(Level.ERROR, "resume " + container, e);
            }
          });
    }
  }

  private void resume(NamedContainer container) {
    TaskKey key = container.key();
    if (tasks.isPresent(key)) {
      Exit exit = tasks.exitOf(key);
      if (exit != null) {
        ended(key, exit);
      } else {
        health.goesOn(container);
      }
      return;
    }
    locks.with(
        key,
        () -> {
          NamedContainer now = containers.find(key);
          if (now == null || tasks.isPresent(key)) {
            return null;
          }
          Progress progress = now.progress();
          boolean cutOff = progress.running();
          if (cutOff) {
            // The machine went down, or somebody else deleted the task: how it ended is not known.
            Instant at = clock.instant();
            now = containers.progress(key, old -> old.ended(at, Exit.UNKNOWN, false));
          }
          if (now == null) {
            return null;
          }
          progress = now.progress();
          if (now.isEphemeral() && progress.wasStarted()) {
            removeItself(now);
          } else if (!cutOff
              && rule(now).after(run(progress, uptime(progress)))
                  instanceof RestartRule.Again again) {
            // It ended by itself, and was about to run again when this service went down.
            startLater(now, new Attempt(again.restarts(), again.delay()), again.delay());
          } else if (rule(now)
              .atServiceStart(
                  progress.wasStarted(),
                  progress.exitCode(),
                  progress.restarts(),
                  progress.stopped())) {
            // Not counted: it was not the program that ended.
            Duration last = Duration.ofMillis(progress.lastDelayMillis());
            startLater(now, new Attempt(progress.restarts(), last), Duration.ZERO);
          } else if (progress.wasStarted()) {
            giveBack(now);
          }
          return null;
        });
  }

  /** No policy starts anything any more. */
  void stop() {
    background.stop();
    health.stop();
  }
}
