package io.berth.image.library;

import io.berth.image.gc.ContainerRoots;
import io.berth.image.snapshot.SnapshotInfo;
import io.berth.image.snapshot.Snapshots;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Tells which containers stand on which stacks of layers. */
@Singleton
public final class Users {
  private final ContainerRoots containers;
  private final Snapshots snapshots;

  @Inject
  public Users(ContainerRoots containers, Snapshots snapshots) {
    this.containers = containers;
    this.snapshots = snapshots;
  }

  /**
   * The id of one container for each stack that is in use.
   *
   * @throws io.berth.base.error.BerthException UNAVAILABLE when containerd-svc does not answer
   */
  public Map<String, String> containersByChain(String namespace) {
    Map<String, String> result = new HashMap<>();
    for (ContainerRoots.Root container : containers.containers(Set.of(namespace))) {
      if (!container.snapshotter().isEmpty()) {
        SnapshotInfo info =
            snapshots.find(
                new Snapshots.Key(namespace, container.snapshotter(), container.snapshotKey()));
        if (info != null) {
          result.put(InitLayer.chainOf(info.parent()), container.id());
        }
      }
    }
    return result;
  }
}
