package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Mount;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.containerd.metadata.ContainerRecords;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Takes a container away with all that was made for it, in the reverse order. What fails half-way
 * can be tried again: the record goes last.
 */
@Singleton
final class ContainerRemoval {
  private static final Logger LOG = System.getLogger(ContainerRemoval.class.getName());

  private final Surroundings surroundings;
  private final StartPreparation preparation;
  private final ContainerRecords records;
  private final Tasks tasks;
  private final Waits waits;
  private final BackgroundWork background;
  private final Set<TaskKey> removing = ConcurrentHashMap.newKeySet();

  @Inject
  ContainerRemoval(
      Surroundings surroundings,
      StartPreparation preparation,
      ContainerRecords records,
      Tasks tasks,
      Waits waits,
      BackgroundWork background) {
    this.surroundings = surroundings;
    this.preparation = preparation;
    this.records = records;
    this.tasks = tasks;
    this.waits = waits;
    this.background = background;
  }

  boolean isRemoving(TaskKey key) {
    return removing.contains(key);
  }

  /**
   * Of a container that does not run; its lock is held. Without network-svc its endpoint, and
   * without image-svc its volumes, follow when that is back.
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
    try {
      if (tasks.isPresent(key)) {
        var _ = tasks.delete(key);
      }
      boolean rest = !releases(() -> preparation.giveBack(container));
      String snapshot = container.described().getSnapshotKey();
      if (!snapshot.isEmpty()) {
        try {
          surroundings
              .images()
              .remove(key.namespace(), container.described().getSnapshotter(), snapshot);
        } catch (BerthException.NotFound e) {
          LOG.log(Level.DEBUG, "snapshot of {0} is gone already", container);
        }
      }
      records.delete(key, !container.isEphemeral());
      surroundings.files(key).delete();
      rest |= volumes && !releases(() -> removeVolumes(container));
      if (rest) {
        releaseLater(container, volumes);
      }
      waits.removed(key, ContainerLife.response(container.progress()));
    } finally {
      removing.remove(key);
    }
  }

  /** False if the service that is asked is absent. */
  private static boolean releases(Runnable work) {
    try {
      work.run();
      return true;
    } catch (BerthException.Absent e) {
      LOG.log(Level.DEBUG, "{0}", e.getMessage());
      return false;
    }
  }

  private void releaseLater(NamedContainer container, boolean volumes) {
    List<PeerService> needs = new ArrayList<>();
    if (container.hasEndpoint()) {
      needs.add(surroundings.networks().service());
    }
    if (volumes) {
      needs.add(surroundings.images().service());
    }
    background.later(
        BackgroundWork.Kind.RELEASE,
        container.key(),
        Duration.ZERO,
        needs,
        _ -> {
          if (!records.contains(container.key())) {
            preparation.giveBack(container);
            if (volumes) {
              removeVolumes(container);
            }
          }
        });
  }

  // Only those that nobody named.
  private void removeVolumes(NamedContainer container) {
    for (Mount mount : container.described().getHost().getMountsList()) {
      if (mount.getType().equals("volume")) {
        try {
          surroundings.images().removeAnonymous(container.key().namespace(), mount.getSource());
        } catch (BerthException.Absent e) {
          throw e;
        } catch (BerthException e) {
          LOG.log(Level.WARNING, "volume of {0}: {1}", container, e.getMessage());
        }
      }
    }
  }
}
