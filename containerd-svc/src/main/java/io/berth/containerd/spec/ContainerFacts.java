package io.berth.containerd.spec;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a container's files and folders lie on the host. The paths are the same at every start, so
 * a specification that names them stays valid.
 *
 * @param id 64 hex digits
 * @param taskFolder below the state folder; holds {@code netns}
 * @param files folder of {@code hosts}, {@code hostname} and {@code resolv.conf}
 * @param volumes the volumes' folders by the path inside, as {@link MountTable#volumesOf} names it
 * @param joined files of namespaces of other containers to be joined, by {@code pid} and {@code
 *     ipc}
 * @param sharedMemory folder of {@code /dev/shm} that others have too: its own for a shareable
 *     container, the other's for one that joins; else null
 */
public record ContainerFacts(
    String id,
    Path taskFolder,
    Path files,
    Map<String, Path> volumes,
    Map<String, Path> joined,
    @Nullable Path sharedMemory) {
  /** How many digits of an id people are shown. */
  private static final int SHORT = 12;

  public ContainerFacts {
    volumes = Map.copyOf(volumes);
    joined = Map.copyOf(joined);
  }

  /** The first twelve digits of the id. */
  String shortId() {
    return id.substring(0, Math.min(SHORT, id.length()));
  }
}
