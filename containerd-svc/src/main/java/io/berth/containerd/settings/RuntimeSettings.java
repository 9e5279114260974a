package io.berth.containerd.settings;

import java.util.Map;

/**
 * How a container is run beside what its processes see.
 *
 * @param runtime an absolute path or a configured name of a foreign OCI runtime; empty for ours
 * @param init whether a small program is process 1 inside and reaps what is orphaned
 * @param cgroupParent the group above the container's own; relative to the instance's, or absolute;
 *     empty for the instance's
 * @param sysctls parameters of sysctl(8) that belong to the container's namespaces
 * @param annotations words for runtimes and hooks, put into the specification as they are
 */
public record RuntimeSettings(
    String runtime,
    boolean init,
    String cgroupParent,
    Map<String, String> sysctls,
    Map<String, String> annotations) {
  public RuntimeSettings {
    sysctls = Ordered.copy(sysctls);
    annotations = Ordered.copy(annotations);
  }
}
