package io.berth.containerd.settings;

import org.jspecify.annotations.Nullable;

/**
 * How a container is asked to end.
 *
 * @param signal by name or number; empty for SIGTERM
 * @param timeoutSeconds how long the end is waited for before SIGKILL; 0 kills at once, a negative
 *     number waits for ever, null is the configured default
 */
public record StopSettings(String signal, @Nullable Integer timeoutSeconds) {
  /** Nothing was said. */
  public static final StopSettings NONE = new StopSettings("", null);
}
