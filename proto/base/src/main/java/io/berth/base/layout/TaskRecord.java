package io.berth.base.layout;

import io.berth.base.id.TaskKey;
import java.util.List;

/**
 * The record {@code shim.json}: what a shim process needs to know of a task that another one made,
 * written by the first before it does anything.
 *
 * @param request number of the call that made the task, 16 hex digits
 * @param bundle the folder with the specification, as the client named it
 * @param cgroup path below the root of each hierarchy
 * @param rootPath where the root file system is attached
 * @param hostRootfs a root that is mounted in the mount namespace of the machine and has to be
 *     unmounted when the task goes; empty if there is none
 * @param noPivot whether the root is changed by chroot(2) instead of pivot_root(2)
 * @param noKeyring whether the processes share the session keyring (keyrings(7)) of the engine
 * @param ephemeral whether what the container writes may be lost
 */
public record TaskRecord(
    String namespace,
    String id,
    String request,
    String bundle,
    Stdio stdio,
    String cgroup,
    String rootPath,
    String hostRootfs,
    List<RootfsMount> mounts,
    boolean noPivot,
    boolean noKeyring,
    boolean ephemeral) {
  public TaskRecord {
    mounts = List.copyOf(mounts);
  }

  /** The name of the task. */
  public TaskKey key() {
    return new TaskKey(namespace, id);
  }
}
