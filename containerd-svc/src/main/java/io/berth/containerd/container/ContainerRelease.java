package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.client.PeerService;
import io.berth.containerd.container.BackgroundWork.Kind;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;

/**
 * Releases what a container does not need any more that has ended: its place on its network, or all
 * of it where it removes itself. A service that is absent is waited for in the background. The
 * caller holds the container's lock.
 */
@Singleton
final class ContainerRelease {
  private static final Logger LOG = System.getLogger(ContainerRelease.class.getName());

  private final NamedContainers containers;
  private final Surroundings surroundings;
  private final StartPreparation preparation;
  private final ContainerTeardown teardown;
  private final Tasks tasks;
  private final BackgroundWork background;

  @Inject
  ContainerRelease(
      NamedContainers containers,
      Surroundings surroundings,
      StartPreparation preparation,
      ContainerTeardown teardown,
      Tasks tasks,
      BackgroundWork background) {
    this.containers = containers;
    this.surroundings = surroundings;
    this.preparation = preparation;
    this.teardown = teardown;
    this.tasks = tasks;
    this.background = background;
  }

  /** Frees the address, the ports and the mounts of a container that does not run. */
  void giveBack(NamedContainer container) {
    List<PeerService> needs = preparation.neededToGiveBack(container);
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
      LOG.log(Level.WARNING, "give back what {0} had: {1}", container, e.getMessage());
    }
  }

  /** Removes a container that is to remove itself, with its volumes. */
  void removeItself(NamedContainer container) {
    TaskKey key = container.key();
    List<PeerService> needs = surroundings.needsOf(container);
    if (needs.stream().anyMatch(PeerService::isAbsent)) {
      // What needs nobody else does not wait for who is absent.
      takeTaskAway(key);
    }
    background.nowOrLater(
        Kind.REMOVAL,
        key,
        needs,
        claim -> {
          NamedContainer now = containers.find(key);
          Tasks.Glance glance = tasks.glance(key);
          boolean running = glance != null && glance.running();
          if (now == null || running || !claim.take()) {
            return;
          }
          try {
            teardown.remove(now, /* volumes= */ true);
          } catch (BerthException.Absent e) {
            throw e;
          } catch (BerthException.ResourceExhausted e) {
            // It is tried again for as long as the disk is full, and nobody has to wait for that.
            teardown.stays(now);
            throw e;
          } catch (BerthException e) {
            LOG.log(Level.WARNING, "{0} removes itself: {1}", now, e.getMessage());
            teardown.stays(now);
          }
        });
  }

  /** Takes the task away of a container that has ended, if it is there. */
  void takeTaskAway(TaskKey key) {
    try {
      Tasks.Glance glance = tasks.glance(key);
      if (glance != null && !glance.running()) {
        var _ = tasks.delete(key);
      }
    } catch (BerthException.NotFound e) {
      LOG.log(Level.DEBUG, "task {0} was deleted by somebody else", key);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "delete task {0}: {1}", key, e.getMessage());
    }
  }

  /** Takes a task away that was created and is not to run. */
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

  /** Takes a task away that was created and is to be created again later. */
  void putOff(TaskKey key) {
    try {
      var _ = tasks.delete(key);
    } catch (BerthException e) {
      LOG.log(Level.WARNING, "put off the start of {0}: {1}", key, e.getMessage());
    }
  }
}
