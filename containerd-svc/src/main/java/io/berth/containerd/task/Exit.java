package io.berth.containerd.task;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param pid as the machine numbered it; 0 if it was never known
 * @param status exit code, 128 + signal for a signalled one, 255 if never learned
 * @param oomKilled the kernel killed a process of the task because its memory limit was reached
 * @param unknown the code was never learned: its supervisor died first
 */
public record Exit(int pid, int status, Instant at, boolean oomKilled, boolean unknown) {
  /** The status of a process that ended in a way that nobody learned. */
  public static final int UNKNOWN = 255;
}
