package io.berth.containerd.settings;

import org.jspecify.annotations.Nullable;

/**
 * Limits of memory. Zero means that nothing was said.
 *
 * @param limit bytes
 * @param swap bytes of memory and swap together; -1 for no limit of swap
 * @param reservation bytes that are kept when the host's memory runs short
 * @param swappiness how readily the kernel swaps, 0 to 100; null where nothing was said
 */
public record MemorySettings(
    long limit, long swap, long reservation, @Nullable Integer swappiness) {
  static final MemorySettings NONE = new MemorySettings(0, 0, 0, null);

  /** The same with another limit of memory and swap together. */
  public MemorySettings withSwap(long changed) {
    return new MemorySettings(limit, changed, reservation, swappiness);
  }

  /** The same, and nothing said of how readily the kernel swaps. */
  public MemorySettings withoutSwappiness() {
    return new MemorySettings(limit, swap, reservation, null);
  }

  MemorySettings overlaidBy(MemorySettings change) {
    return new MemorySettings(
        ResourceSettings.chosen(change.limit, limit),
        ResourceSettings.chosen(change.swap, swap),
        ResourceSettings.chosen(change.reservation, reservation),
        change.swappiness == null ? swappiness : change.swappiness);
  }
}
