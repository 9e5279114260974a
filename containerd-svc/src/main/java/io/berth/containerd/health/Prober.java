package io.berth.containerd.health;

import io.berth.base.id.TaskKey;
import org.jspecify.annotations.Nullable;

/** Runs probes in containers, and is told what they showed. */
public interface Prober {
  /**
   * Runs one probe to its end, and kills it at its timeout. Null when nothing can be said, because
   * the container is paused or does not run, or because the engine itself failed. Blocks.
   */
  HealthState.@Nullable Result probe(TaskKey key, HealthCheck check) throws InterruptedException;

  /** Called when the status has become another one. */
  void changed(TaskKey key, HealthState.Status status);
}
