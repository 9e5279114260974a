package io.berth.image.api;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.api.berth.image.v1.Progress;
import io.berth.base.rpc.BlockingSender;
import java.util.HashMap;
import java.util.Map;

/**
 * Progress as messages: a part's steps at most every 100 ms, its changes of status at once.
 * Thread-safe.
 */
final class ProgressStream implements io.berth.image.library.ProgressListener {
  private static final long INTERVAL_NANOS = 100_000_000;

  private record Told(String status, long at) {}

  private final BlockingSender<Progress> sender;

  /** What was sent last of each part. */
  @GuardedBy("this")
  private final Map<String, Told> told = new HashMap<>();

  ProgressStream(BlockingSender<Progress> sender) {
    this.sender = sender;
  }

  @Override
  public void step(String part, String status, long current, long total) {
    if (!isDue(part, status, total != 0 && current >= total)) {
      return;
    }
    // Outside the lock, for it waits while the client is slow.
    sender.send(
        Progress.newBuilder()
            .setId(part)
            .setStatus(status)
            .setCurrent(current)
            .setTotal(total)
            .build());
  }

  private synchronized boolean isDue(String part, String status, boolean complete) {
    long now = System.nanoTime();
    Told last = told.get(part);
    boolean repeated =
        last != null && last.status.equals(status) && now - last.at < INTERVAL_NANOS && !complete;
    if (!repeated) {
      told.put(part, new Told(status, now));
    }
    return !repeated;
  }
}
