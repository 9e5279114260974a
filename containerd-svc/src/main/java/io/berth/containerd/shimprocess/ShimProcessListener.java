package io.berth.containerd.shimprocess;

import io.berth.base.id.TaskKey;
import java.util.Set;

/** Hears what happens to tasks and to the shim processes that have their shims. */
public interface ShimProcessListener {
  /** In the order in which the process told it. Must not block for long. */
  void occurred(ShimProcess process, ShimProcessEvent.OfTask event);

  /**
   * The process is gone. Its tasks live on under their supervisors and need another process to take
   * them over.
   */
  void lost(ShimProcess process, Set<TaskKey> tasks);
}
