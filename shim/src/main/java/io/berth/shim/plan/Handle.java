package io.berth.shim.plan;

/** What a plan needs open from the host, by name. */
public sealed interface Handle {
  /** A namespace to be joined. */
  record NamespaceFile(String path) implements Handle {}

  /** The container's init. */
  record InitProcess() implements Handle {}

  /** The host's procfs. */
  record HostProc() implements Handle {}

  /** The file by which a thread moves to the container's cgroup of a version 1 hierarchy. */
  record CgroupTasks(String folder) implements Handle {}

  /** The container's cgroup in the version 2 hierarchy. */
  record Cgroup2(String folder) implements Handle {}

  /** The file with the counter of processes killed for want of memory. */
  record OomCounter(String file) implements Handle {}

  /** A mount that the client gave as a part of the root file system, by its place in the list. */
  record GivenMount(int index) implements Handle {}

  /** A detached copy of what is at a path of the host's. */
  record Clone(String path, boolean recursive) implements Handle {}
}
