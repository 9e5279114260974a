package io.berth.linux.supervisor;

import io.berth.linux.Fd;

/**
 * What a step needs open. A plan can so be made, compared and printed without opening anything:
 * most handles only name a file, and whoever encodes the plan opens it then.
 */
public sealed interface Handle {
  /** What is open already. It is borrowed, and stays open until the plan has been carried out. */
  record Open(Fd fd) implements Handle {}

  /** What {@link LaunchPlan.Descriptors} opens. */
  sealed interface Named extends Handle {}

  /** A namespace to be joined, by the path of its file. */
  record NamespaceFile(String path) implements Named {}

  /** The init of the container, as a pidfd. */
  record InitProcess() implements Named {}

  /** The machine's own procfs. */
  record HostProc() implements Named {}

  /** The file {@code tasks} of a cgroup of version 1, by which a thread moves there. */
  record CgroupTasks(String folder) implements Named {}

  /** The folder of a cgroup of version 2. */
  record Cgroup2(String folder) implements Named {}

  /** The file that counts the processes of a cgroup that were killed for want of memory. */
  record OomCounter(String file) implements Named {}

  /**
   * A mount that the client gave as a part of the root file system, by its place in the client's
   * list.
   */
  record GivenMount(int index) implements Named {}

  /** A detached copy, see open_tree(2), of what is mounted at a path of the machine. */
  record Clone(String path, boolean recursive) implements Named {}

  /**
   * The same with ids mapped (mount_setattr(2), {@code MOUNT_ATTR_IDMAP}).
   *
   * @param everywhere whether the mounts below are mapped as well
   */
  record MappedClone(String path, boolean recursive, IdMap map, boolean everywhere)
      implements Named {}

  /**
   * A detached mount of a new tmpfs with ids mapped.
   *
   * @param data what the file system is told, comma separated
   */
  record MappedTmpfs(String data, IdMap map) implements Named {}

  /** Which ids a mount shows for which. */
  sealed interface IdMap {
    /** Maps as user_namespaces(7) has them, a line for each range: on the file system, shown. */
    record Maps(String uids, String gids) implements IdMap {}

    /** Those of a user namespace that there is, by the path of its file. */
    record OfNamespace(String path) implements IdMap {}
  }
}
