package io.berth.containerd.task;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param status exit code, 128 + signal for a signalled one, 255 if never learned
 * @param unknown the code was never learned: its supervisor died first
 */
public record Exit(int pid, int status, Instant at, boolean oomKilled, boolean unknown) {
  /** The status of what ended nobody knows how. */
  public static final int UNKNOWN = 255;
}
