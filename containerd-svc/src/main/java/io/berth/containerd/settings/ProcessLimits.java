package io.berth.containerd.settings;

import java.util.List;

/**
 * Limits of a container's processes that no control group keeps, and what the kernel does when
 * memory runs out.
 *
 * @param ulimits limits of setrlimit(2); the last of a name counts
 * @param oomScoreAdjust -1000 to 1000 (proc_pid_oom_score_adj(5))
 * @param oomKillDisable whether processes that want more memory than the limit wait instead of
 *     being killed; control groups of version 1 only
 */
public record ProcessLimits(List<Ulimit> ulimits, int oomScoreAdjust, boolean oomKillDisable) {
  public ProcessLimits {
    ulimits = List.copyOf(ulimits);
  }

  /** The same, with or without the kernel's killing. */
  public ProcessLimits withOomKillDisable(boolean changed) {
    return new ProcessLimits(ulimits, oomScoreAdjust, changed);
  }
}
