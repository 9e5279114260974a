package io.berth.containerd.settings;

/**
 * The wish for a root file system that is to be prepared on an image.
 *
 * @param ref as a person types it: a name, an id, or the begin of one
 * @param platform {@code linux/arm64} and the like; empty for this machine's
 */
public record FromImage(String ref, String platform) {}
