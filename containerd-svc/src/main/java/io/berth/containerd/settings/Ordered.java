package io.berth.containerd.settings;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Copies of maps that keep the order of their entries, which {@link Map#copyOf} does not: a stored
 * container and what clients are shown list labels in the order in which they were given.
 */
final class Ordered {
  private Ordered() {}

  /** An unmodifiable copy in the same order. */
  static <K, V> Map<K, V> copy(Map<K, V> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
