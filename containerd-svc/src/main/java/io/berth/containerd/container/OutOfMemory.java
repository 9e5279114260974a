package io.berth.containerd.container;

import io.berth.base.text.ByteSize;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.MemorySettings;
import io.berth.containerd.task.Exit;

/** The word for a program that the kernel killed because the memory that it may use was used up. */
final class OutOfMemory {
  /** As a shell tells SIGKILL. */
  private static final int KILLED = 137;

  private OutOfMemory() {}

  /**
   * The word, in which the container's own limit stands; empty for any other end. A container of
   * which only a further process was killed ended by itself.
   */
  static String word(Exit exit, HostSettings host) {
    if (!exit.oomKilled() || exit.status() != KILLED) {
      return "";
    }
    MemorySettings memory = host.resources().memory();
    if (memory.limit() <= 0) {
      return "killed: out of memory (it has no limit of its own: the host's or its cgroup parent's"
          + " memory is used up)";
    }
    String swap =
        memory.swap() > memory.limit()
            ? "with swap " + ByteSize.format(memory.swap())
            : memory.swap() < 0 ? "with all of the host's swap" : "without swap";
    return "killed: out of memory (limit " + ByteSize.format(memory.limit()) + ", " + swap + ")";
  }
}
