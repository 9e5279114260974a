package io.berth.shim.run;

import io.berth.base.id.TaskKey;

/** Something that happened to a task without anybody having asked for it. */
public sealed interface Happening {
  /** Whose. */
  TaskKey task();

  /** A process has ended; empty id: the init. */
  record Exit(TaskKey task, String execId, int pid, ContainerProcess.Ended how)
      implements Happening {}

  /** The kernel killed something of it for want of memory. */
  record OutOfMemory(TaskKey task) implements Happening {}

  /** The supervisor is gone. */
  record SupervisorLost(TaskKey task, String cause) implements Happening {}
}
