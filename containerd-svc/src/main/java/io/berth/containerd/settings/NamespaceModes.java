package io.berth.containerd.settings;

import org.jspecify.annotations.Nullable;

/**
 * Which namespaces(7) a container has for itself: {@code host}, {@code private}, {@code
 * container:REF}, or empty where nothing was said; for ipc {@code none} and {@code shareable} too.
 * The words are checked when the host's side of a request is.
 *
 * @param pid processes
 * @param ipc message queues and shared memory
 * @param uts host name
 * @param cgroup the roots of control groups
 */
public record NamespaceModes(String pid, String ipc, String uts, String cgroup) {
  private static final String OF_CONTAINER = "container:";

  /** The container that a mode names by {@code container:REF}, or null. */
  public static @Nullable String containerOf(String mode) {
    return mode.startsWith(OF_CONTAINER) ? mode.substring(OF_CONTAINER.length()) : null;
  }

  /** The mode that names this container. */
  public static String ofContainer(String id) {
    return OF_CONTAINER + id;
  }

  /** Whether other containers may join the ipc namespace. */
  public boolean isIpcShareable() {
    return ipc.equals("shareable");
  }

  /** The same with another ipc mode. */
  public NamespaceModes withIpc(String changed) {
    return new NamespaceModes(pid, changed, uts, cgroup);
  }

  /** The same with another cgroup mode. */
  public NamespaceModes withCgroup(String changed) {
    return new NamespaceModes(pid, ipc, uts, changed);
  }
}
