package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.task.Tasks;
import io.berth.containerd.timing.Timing;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Takes a container away with all that was made for it, in the reverse order. A removal that fails
 * half-way can be tried again, because the record goes last. Thread-safe.
 */
@Singleton
final class ContainerTeardown {
  private static final Logger LOG = System.getLogger(ContainerRemoval.class.getName());

  private final Surroundings surroundings;
  private final StartPreparation preparation;
  private final ContainerRecords records;
  private final Gates gates;
  private final Tasks tasks;
  private final Waits waits;
  private final BackgroundWork background;
  private final Set<TaskKey> removing = ConcurrentHashMap.newKeySet();

  @Inject
  ContainerTeardown(
      Surroundings surroundings,
      StartPreparation preparation,
      ContainerRecords records,
      Gates gates,
      Tasks tasks,
      Waits waits,
      BackgroundWork background) {
    this.surroundings = surroundings;
    this.preparation = preparation;
    this.records = records;
    this.gates = gates;
    this.tasks = tasks;
    this.waits = waits;
    this.background = background;
  }

  boolean isRemoving(TaskKey key) {
    return removing.contains(key);
  }

  /**
   * Removes a container that does not run; the caller holds its lock. Where network-svc is absent
   * the container's place on its network is given back when that is back: by this service, or by
   * that one, which finds that there is no record any more.
   */
  void remove(NamedContainer container, boolean volumes) {
    TaskKey key = container.key();
    if (!removing.add(key)) {
      throw new BerthException.FailedPrecondition(
              "remove container `" + container.name() + "`: its removal is under way")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_BEING_REMOVED,
                  Obstacle.Kind.CONTAINER,
                  container.name()));
    }
    gates.shut(key, "run container `" + container.name() + "`: somebody has removed it");
    try {
      Timing.perform("remove it", () -> takeAway(container, volumes));
      surroundings.chronicle().tell(container, "destroy");
      waits.removed(key, Ending.of(container.progress()));
    } finally {
      removing.remove(key);
    }
  }

  /** Nobody waits any longer for the end of a container that could not be removed; it is there. */
  void stays(NamedContainer container) {
    waits.stays(container.key(), Ending.of(container.progress()));
  }

  private void takeAway(NamedContainer container, boolean volumes) {
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    if (glance != null && glance.exit() == null) {
      // Somebody may have started it meanwhile: that is refused, and then all of it has to stay.
      var _ = tasks.delete(key);
    }
    // Three services have something of it, and none needs to wait for another: its program has
    // ended, and with that nothing of the container uses its network or its files any more.
    boolean rest;
    try (Beside place =
            Beside.begin("place", () -> releases(() -> preparation.giveBack(container)));
        Beside root = Beside.begin("root", () -> removeRoot(container))) {
      if (tasks.isPresent(key)) {
        var _ = tasks.delete(key);
      }
      var _ = root.result();
      rest = !place.result();
    }
    if (volumes) {
      releaseVolumes(container);
    }
    surroundings.files(key).delete();
    // Who does not find the container any more finds nothing of it, and whatever an end of this
    // service interrupts is found by its next life.
    records.delete(key, !container.isEphemeral());
    if (rest) {
      releaseLater(container);
    }
  }

  private boolean removeRoot(NamedContainer container) {
    RootFilesystem root = container.described().root();
    if (root.isSnapshot()) {
      try {
        surroundings.images().remove(container.key().namespace(), root);
      } catch (BerthException.NotFound e) {
        LOG.log(Level.DEBUG, "snapshot of {0} is gone already", container);
      }
    }
    return true;
  }

  /** Does the work; false if the service that it asks is absent. */
  private static boolean releases(Runnable work) {
    try {
      work.run();
      return true;
    } catch (BerthException.Absent e) {
      LOG.log(Level.DEBUG, "{0}", e.getMessage());
      return false;
    }
  }

  private void releaseLater(NamedContainer container) {
    background.later(
        BackgroundWork.Kind.RELEASE,
        container.key(),
        Duration.ZERO,
        preparation.neededToGiveBack(container),
        _ -> {
          if (!records.contains(container.key())) {
            preparation.giveBack(container);
          }
        });
  }

  // Volumes that a person named stay, for they are more than this container's.
  private void releaseVolumes(NamedContainer container) {
    for (Mount mount : container.described().host().storage().mounts()) {
      if (mount.isVolume()) {
        try {
          surroundings.images().releaseVolume(container.key(), mount.source());
        } catch (BerthException.Absent e) {
          throw e;
        } catch (BerthException e) {
          LOG.log(Level.WARNING, "volume of {0}: {1}", container, e.getMessage());
        }
      }
    }
  }
}
