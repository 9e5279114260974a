package io.berth.containerd.log;

import java.time.Duration;

/** How a reader waits for more. */
@FunctionalInterface
public interface Sleeper {
  /** Blocks the calling thread for about so long. */
  void sleep(Duration time) throws InterruptedException;
}
