package io.berth.containerd.settings;

/**
 * Where the output of a container goes.
 *
 * @param driver empty or {@code local}: rotated files; {@code none}: nowhere
 * @param maxSize bytes above which a file is rotated; 0 for the configured default
 * @param maxFiles how many files are kept, unsigned; 0 for the configured default
 */
public record LogSettings(String driver, long maxSize, int maxFiles) {}
