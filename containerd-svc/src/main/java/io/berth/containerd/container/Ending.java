package io.berth.containerd.container;

import io.berth.containerd.task.Exit;
import java.time.Instant;

/**
 * How a container, or a process in one, ended.
 *
 * @param status as a shell tells it: the exit code, or 128 and the number of the signal
 * @param at when
 * @param error why the last start failed, or what the kernel killed the program for; else empty
 * @param oomKilled whether the kernel ended it for want of memory
 */
public record Ending(int status, Instant at, String error, boolean oomKilled) {
  static Ending of(Progress progress) {
    return new Ending(
        progress.exitCode(),
        Progress.instant(progress.finishedAt()),
        progress.error(),
        progress.oomKilled());
  }

  static Ending of(Exit exit) {
    return new Ending(exit.status(), exit.at(), "", exit.oomKilled());
  }
}
