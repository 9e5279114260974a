package io.berth.shim.run;

import io.berth.base.id.TaskKey;

/** Something that happened to a task without anybody having asked for it. */
public sealed interface Happening {
  /** The task that it happened to. */
  TaskKey task();

  /**
   * A process has ended.
   *
   * @param execId empty for the init
   */
  record Exit(TaskKey task, String execId, int pid, ContainerProcess.Ended how)
      implements Happening {}

  /** The kernel killed a process of the task for want of memory. */
  record OutOfMemory(TaskKey task) implements Happening {}

  /** The task's supervisor has died. */
  record SupervisorLost(TaskKey task, String cause) implements Happening {}
}
