package io.berth.containerd.log;

import io.berth.base.error.BerthException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a log is read.
 *
 * @param follow whether to go on with what is written from now on
 * @param stdout whether standard output is wanted
 * @param stderr whether standard error is wanted
 * @param since entries before this time are left out; null for no such bound
 * @param until entries after this time are left out, and following ends there; null for no such
 *     bound
 * @param tail how many last lines of the chosen streams are wanted; a negative number for all
 */
public record LogQuery(
    boolean follow,
    boolean stdout,
    boolean stderr,
    @Nullable Instant since,
    @Nullable Instant until,
    long tail) {
  public LogQuery {
    if (!stdout && !stderr) {
      throw new BerthException.InvalidArgument(
          "read log: no stream is chosen; choose stdout, stderr or both");
    }
  }

  boolean wants(boolean fromStderr) {
    return fromStderr ? stderr : stdout;
  }

  boolean wants(LogEntry entry) {
    return wants(entry.stderr())
        && (since == null || !entry.at().isBefore(since))
        && (until == null || !entry.at().isAfter(until));
  }
}
