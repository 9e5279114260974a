package io.berth.cli.containerd;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Shows labels in one cell of a table. */
final class LabelWords {
  private LabelWords() {}

  static String of(Map<String, String> labels) {
    return labels.isEmpty()
        ? "-"
        : new TreeMap<>(labels)
            .entrySet().stream()
                .map(label -> label.getKey() + "=" + label.getValue())
                .collect(Collectors.joining(","));
  }
}
