package io.berth.image.api;

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
  private final Map<String, Told> told = new HashMap<>();

  ProgressStream(BlockingSender<Progress> sender) {
    this.sender = sender;
  }

  @Override
  public void step(String part, String status, long current, long total) {
    long now = System.nanoTime();
    synchronized (told) {
      Told last = told.get(part);
      if (last != null
          && last.status.equals(status)
          && now - last.at < INTERVAL_NANOS
          && (total == 0 || current < total)) {
        return;
      }
      told.put(part, new Told(status, now));
    }
    sender.send(
        Progress.newBuilder()
            .setId(part)
            .setStatus(status)
            .setCurrent(current)
            .setTotal(total)
            .build());
  }
}
