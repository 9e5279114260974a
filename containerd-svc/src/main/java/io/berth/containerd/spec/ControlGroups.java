package io.berth.containerd.spec;

import java.util.Set;

/**
 * What the host's control groups can bound.
 *
 * @param controllers names as version 2 has them: {@code cpu}, {@code cpuset}, {@code io}, {@code
 *     memory}, {@code pids}
 * @param weighsDisks whether a scheduler of disks heeds weights
 * @param realtime whether tasks of a real-time class are given times (CONFIG_RT_GROUP_SCHED)
 */
public record ControlGroups(
    CgroupMode mode, Set<String> controllers, boolean weighsDisks, boolean realtime) {
  private static final Set<String> ALL = Set.of("cpu", "cpuset", "io", "memory", "pids");

  public ControlGroups {
    controllers = Set.copyOf(controllers);
  }

  /** A host that lacks nothing but what its version of control groups does not have. */
  static ControlGroups complete(CgroupMode mode) {
    return new ControlGroups(mode, ALL, true, mode != CgroupMode.V2);
  }

  /** Version 2 alone: it has no switches for swapping, for the OOM killer and for real time. */
  boolean unified() {
    return mode == CgroupMode.V2;
  }
}
