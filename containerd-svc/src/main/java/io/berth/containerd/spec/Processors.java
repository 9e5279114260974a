package io.berth.containerd.spec;

/**
 * What the host can compute with.
 *
 * @param count of processors that this service may use
 * @param cpus the numbers of those that are online
 * @param nodes the numbers of the memory nodes that are
 */
public record Processors(int count, NumberSet cpus, NumberSet nodes) {
  /** So many with the numbers from zero on, and one memory node. */
  public static Processors of(int count) {
    return new Processors(count, NumberSet.below(count), NumberSet.below(1));
  }
}
