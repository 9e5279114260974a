package io.berth.containerd.settings;

import java.util.Map;

/**
 * Where the output of a container goes.
 *
 * @param driver empty or {@code local}: rotated files; {@code none}: nowhere
 * @param maxSize bytes above which a file is rotated; 0 for the configured default
 * @param maxFiles how many files are kept, unsigned; 0 for the configured default
 * @param options which labels and variables of the container each line carries, and its tag
 */
public record LogSettings(String driver, long maxSize, int maxFiles, Map<String, String> options) {
  public LogSettings {
    options = Ordered.copy(options);
  }
}
