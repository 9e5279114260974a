package io.berth.containerd.health;

import io.berth.base.id.TaskKey;
import org.jspecify.annotations.Nullable;

/** Runs probes in containers, and is told what they showed. */
public interface Prober {
  /**
   * Runs one to its end, and kills it at its timeout. Null when nothing can be said: the container
   * is paused or does not run, or the engine itself could not.
   */
  HealthState.@Nullable Result probe(TaskKey key, HealthCheck check) throws InterruptedException;

  /** The status is another one now. */
  void changed(TaskKey key, HealthState.Status status);
}
