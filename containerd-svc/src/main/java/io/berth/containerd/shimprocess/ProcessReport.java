package io.berth.containerd.shimprocess;

import io.berth.base.layout.Stdio;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is said of one process of a task, by its shim or from the record of its exit.
 *
 * @param pid as the machine numbers it; 0 before there is one
 * @param exitStatus means something only once it has stopped
 * @param exitedAt null while it has not stopped
 */
public record ProcessReport(
    int pid, Phase phase, Stdio stdio, int exitStatus, @Nullable Instant exitedAt) {
  /** Where a process is in its life, in containerd's words. */
  public enum Phase {
    UNKNOWN,
    CREATED,
    RUNNING,
    STOPPED,
    PAUSED,
    PAUSING
  }

  /** The same, known to have ended in this way. */
  public ProcessReport ended(int lastPid, int status, Instant at) {
    return new ProcessReport(lastPid, Phase.STOPPED, stdio, status, at);
  }
}
