package io.berth.containerd.log;

import io.berth.base.error.BerthException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a log. Row MB-26.
 *
 * @param follow whether to go on with what is written from now on
 * @param since entries before are left out; null: none
 * @param until entries after are left out, and following ends there; null: none
 * @param tail so many last lines of the chosen streams; negative: all
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
