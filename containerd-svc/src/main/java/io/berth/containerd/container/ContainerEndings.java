package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.timing.Timing;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.CompletableFuture;

/**
 * Follows the ends of containers' first processes: the end is recorded and told, the task is taken
 * away, and the container rests, runs again by its policy, or removes itself. Thread-safe.
 */
@Singleton
final class ContainerEndings {

  private final NamedContainers containers;
  private final ContainerRestarts restarts;
  private final ContainerRelease release;
  private final ContainerHealth health;
  private final Tasks tasks;
  private final Waits waits;
  private final ContainerChronicle chronicle;

  @Inject
  ContainerEndings(
      NamedContainers containers,
      ContainerRestarts restarts,
      ContainerRelease release,
      ContainerHealth health,
      Tasks tasks,
      Waits waits,
      ContainerChronicle chronicle) {
    this.chronicle = chronicle;
    this.containers = containers;
    this.restarts = restarts;
    this.release = release;
    this.health = health;
    this.tasks = tasks;
    this.waits = waits;
  }

  /** The first process has ended, and that is on disk. */
  void ended(TaskKey key, Exit exit) {
    health.ends(key);
    try (ContainerRestarts.Undecided _ = restarts.undecided(key)) {
      settleEnded(key, exit);
    }
  }

  private void settleEnded(TaskKey key, Exit exit) {
    NamedContainer running = containers.find(key);
    String why = running == null ? "" : OutOfMemory.word(exit, running.described().host());
    NamedContainer container =
        Timing.step(
            "record its end",
            () ->
                containers.noteForGood(
                    key, old -> old.ended(exit.at(), exit.status(), exit.oomKilled(), why)));
    if (container == null) {
      return;
    }
    chronicle.died(container, exit.status(), exit.oomKilled());
    waits.exited(key, Ending.of(container.progress()));
    settle(key);
  }

  /**
   * Does what follows from the end of a container. Blocks until that is done; but while the disk
   * takes no record of the end, the task's folder has the only one, and all of that is done later.
   */
  void settle(TaskKey key) {
    CompletableFuture<Void> recorded = containers.recorded(key);
    if (recorded.isDone()) {
      containers.runLocked(key, () -> settleLocked(key));
    } else {
      var _ =
          recorded.thenRunAsync(
              () -> settle(key), Thread.ofVirtual().name("settle-" + key.id())::start);
    }
  }

  private void settleLocked(TaskKey key) {
    NamedContainer container = containers.find(key);
    Tasks.Glance glance = tasks.glance(key);
    if (container == null || (glance != null && glance.running())) {
      return;
    }
    if (container.isEphemeral()) {
      // Its task goes with it.
      release.removeItself(container);
      return;
    }
    Timing.perform("take its task away", () -> release.takeTaskAway(key));
    if (!restarts.afterEnd(container)) {
      release.giveBack(container);
    }
  }
}
