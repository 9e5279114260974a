package io.berth.containerd.shimprocess;

import io.berth.base.id.TaskKey;
import java.time.Instant;

/** What a shim process tells on its stream, in the order in which it happened there. */
public sealed interface ShimProcessEvent {
  /** What happened to one task. */
  sealed interface OfTask extends ShimProcessEvent {
    /** The task to which it happened. */
    TaskKey key();
  }

  /**
   * A process of a task ended. It is told again by each shim process that takes the task over,
   * until it is acknowledged.
   *
   * @param execId empty for the init
   * @param pid 0 if it was never known
   * @param status exit code, 128 + signal for a signalled process, 255 if never learned
   * @param unknown the status was never learned, because the supervisor died first
   */
  record Exited(
      TaskKey key,
      String execId,
      int pid,
      int status,
      Instant at,
      boolean oomKilled,
      boolean unknown)
      implements OfTask {}

  /** The kernel killed a process of the task because its memory limit was reached. */
  record OutOfMemory(TaskKey key) implements OfTask {}

  /** The supervisor of the task is gone. If its init's exit was not recorded, that follows. */
  record SupervisorLost(TaskKey key, String cause) implements OfTask {}

  /** Everything that was not acknowledged has been repeated; what follows is new. */
  record CaughtUp() implements ShimProcessEvent {}
}
