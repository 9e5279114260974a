package io.berth.containerd.task;

import io.berth.containerd.shimprocess.ShimProcess;

/** How a task's shim is reached. */
sealed interface ShimLink {
  /** No process is known to have the shim; the next call has one take the task over. */
  record None() implements ShimLink {}

  /** The supervisor is gone, or the task is deleted: nobody can be asked any more. */
  record Lost() implements ShimLink {}

  /**
   * A process has the shim. Two of these are the same only if they are one object: a process that
   * lost the shim may take the task over again, which is another link.
   */
  final class To implements ShimLink {
    private final ShimProcess process;

    To(ShimProcess process) {
      this.process = process;
    }

    ShimProcess process() {
      return process;
    }
  }
}
