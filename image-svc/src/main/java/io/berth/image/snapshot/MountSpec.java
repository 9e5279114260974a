package io.berth.image.snapshot;

import java.util.List;

/**
 * A mount as mount(8) would be told: plain host paths and kernel options, for whoever wants to
 * mount it.
 */
public record MountSpec(String type, String source, List<String> options) {
  public MountSpec {
    options = List.copyOf(options);
  }

  /** The value of an option {@code name=value}; empty if there is none. */
  public String option(String name) {
    for (String option : options) {
      if (option.startsWith(name + "=")) {
        return option.substring(name.length() + 1);
      }
    }
    return "";
  }
}
