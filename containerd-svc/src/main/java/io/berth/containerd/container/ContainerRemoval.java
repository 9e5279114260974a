package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;

/** Removes containers by a person's wish. Thread-safe; methods block until they are gone. */
@Singleton
public final class ContainerRemoval {
  private final NamedContainers containers;
  private final ContainerStops stops;
  private final ContainerRestarts restarts;
  private final ContainerTeardown teardown;
  private final ContainerQueries queries;
  private final Surroundings surroundings;
  private final Tasks tasks;

  @Inject
  ContainerRemoval(
      NamedContainers containers,
      ContainerStops stops,
      ContainerRestarts restarts,
      ContainerTeardown teardown,
      ContainerQueries queries,
      Surroundings surroundings,
      Tasks tasks) {
    this.containers = containers;
    this.stops = stops;
    this.restarts = restarts;
    this.teardown = teardown;
    this.queries = queries;
    this.surroundings = surroundings;
    this.tasks = tasks;
  }

  /**
   * Removes a container.
   *
   * @param force whether one that runs is ended first; else FAILED_PRECONDITION
   * @param volumes whether its volumes go too that nobody named
   */
  public void remove(NamedContainer container, boolean force, boolean volumes) {
    TaskKey key = container.key();
    Tasks.Glance glance = tasks.glance(key);
    if (glance != null && glance.running()) {
      if (!force) {
        throw new BerthException.FailedPrecondition(
                "remove container `"
                    + container.name()
                    + "`: You cannot remove a running container "
                    + container.key().id()
                    + ". Stop the container before attempting removal or force remove")
            .with(
                Obstacle.of(
                    Obstacle.Reason.CONTAINER_RUNNING, Obstacle.Kind.CONTAINER, container.name()));
      }
      stops.stop(container, 0, "SIGKILL");
    }
    restarts.callOff(key);
    containers.runLocked(
        key,
        () -> {
          NamedContainer now = containers.find(key);
          if (now != null) {
            teardown.remove(now, volumes);
          } else if (!container.isEphemeral()) {
            throw new BerthException.NotFound("No such container: " + container.name());
          }
          // An ephemeral container that is not there has removed itself meanwhile.
        });
  }

  /**
   * What pruning removed.
   *
   * @param ids of the containers
   * @param bytes of their snapshots
   */
  public record Pruned(List<String> ids, long bytes) {
    public Pruned {
      ids = List.copyOf(ids);
    }
  }

  /** Removes the containers of a namespace that rest and that fit the filters. */
  public Pruned prune(String namespace, List<String> filters) {
    ContainerFilter wanted = queries.prunable(filters);
    List<String> ids = new ArrayList<>();
    long bytes = 0;
    for (NamedContainer container : containers.list(namespace)) {
      ContainerStatus seen = queries.get(container, /* size= */ false, /* mounts= */ false);
      if (seen.state().isResting() && wanted.matches(seen)) {
        bytes += size(container);
        remove(container, /* force= */ false, /* volumes= */ false);
        ids.add(container.key().id());
      }
    }
    surroundings.chronicle().pruned(namespace, bytes);
    return new Pruned(ids, bytes);
  }

  private long size(NamedContainer container) {
    RootFilesystem root = container.described().root();
    try {
      return root.isSnapshot()
          ? surroundings.images().ownSize(container.key().namespace(), root)
          : 0;
    } catch (BerthException.NotFound e) {
      return 0;
    }
  }
}
