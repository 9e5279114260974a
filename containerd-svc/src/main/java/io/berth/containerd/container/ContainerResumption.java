package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes containers up again when this service starts: what their rows claim is compared with what
 * their tasks say, and their policies are kept.
 */
@Singleton
final class ContainerResumption {
  private static final Logger LOG = System.getLogger(ContainerResumption.class.getName());

  private final NamedContainers containers;
  private final ContainerEndings endings;
  private final ContainerRestarts restarts;
  private final ContainerRelease release;
  private final ContainerHealth health;
  private final Tasks tasks;
  private final InstantSource clock;

  /** Those that are not taken up yet. */
  private final Map<TaskKey, ContainerRestarts.Undecided> undecided = new ConcurrentHashMap<>();

  @Inject
  ContainerResumption(
      NamedContainers containers,
      ContainerEndings endings,
      ContainerRestarts restarts,
      ContainerRelease release,
      ContainerHealth health,
      Tasks tasks,
      InstantSource clock) {
    this.containers = containers;
    this.endings = endings;
    this.restarts = restarts;
    this.release = release;
    this.health = health;
    this.tasks = tasks;
    this.clock = clock;
  }

  /** Called before any client is: what becomes of the containers is not decided until then. */
  void attend() {
    containers
        .list(null)
        .forEach(found -> undecided.put(found.key(), restarts.undecided(found.key())));
  }

  /**
   * Takes up each container in a thread of its own, and returns at once. Tasks must be known.
   *
   * @param left the containers whose clients went away with this service, before their programs ran
   * @param undo takes away what was begun for such a client
   */
  void resume(Set<TaskKey> left, Consumer<TaskKey> undo) {
    for (NamedContainer container : containers.list(null)) {
      Thread.ofVirtual()
          .name("resume-" + container.key().id())
          .start(() -> {
            try {
              if (left.contains(container.key())) {
                undo.accept(container.key());
              }
              resume(container.key());
            } catch (RuntimeException e) {
              LOG.log(Level.ERROR, "resume " + container, e);
            } finally {
              decided(container.key());
            }
          });
    }
  }

  private void decided(TaskKey key) {
    ContainerRestarts.Undecided open = undecided.remove(key);
    if (open != null) {
      open.close();
    }
  }

  private void resume(TaskKey key) {
    NamedContainer container = containers.find(key);
    if (container == null || container.progress().pending() != null) {
      // It is gone, is about to be, or has a client of this life.
      return;
    }
    // This waits until it is known: a task may be half made, and gone in a moment.
    Tasks.Glance glance = tasks.glance(key);
    Exit exit = glance == null ? null : glance.exit();
    if (exit != null) {
      endings.ended(key, exit);
    } else if (isBegun(glance)) {
      health.goesOn(container);
    } else {
      containers.runLocked(key, () -> resumeWithoutProgram(key));
    }
  }

  private static boolean isBegun(Tasks.@Nullable Glance glance) {
    return glance != null && glance.started();
  }

  // There is no task, or one that a start has made which this service did not live to finish.
  private void resumeWithoutProgram(TaskKey key) {
    NamedContainer found = containers.find(key);
    if (found == null || isBegun(tasks.glance(key))) {
      return;
    }
    boolean cutOff = found.progress().running();
    NamedContainer now = found;
    if (cutOff) {
      // The machine went down, or another client deleted the task: how it ended is not known.
      Instant at = clock.instant();
      now = containers.note(key, old -> old.ended(at, Exit.UNKNOWN, false, "").cutOff(true));
    }
    if (now == null) {
      return;
    }
    boolean started = now.progress().wasStarted();
    if (now.isEphemeral() && started) {
      release.removeItself(now);
      return;
    }
    // A container that was not cut off ended by itself before this service went down, and may have
    // been about to run again.
    boolean runsAgain = restarts.afterEnd(now) || restarts.atServiceStart(now);
    if (!runsAgain && started) {
      if (cutOff) {
        release.takeTaskAway(key);
      }
      release.giveBack(now);
    }
  }
}
