package io.berth.image.gc;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** Asks containerd-svc what its containers use. */
public interface ContainerRoots {
  /** What the collector has to know of a container. */
  record Root(
      String namespace,
      String id,
      String snapshotter,
      String snapshotKey,
      Map<String, String> labels) {}

  /**
   * All containers of some namespaces.
   *
   * @throws io.berth.base.error.BerthException when there is no answer: then nothing may be deleted
   */
  List<Root> containers(Set<String> namespaces);
}
