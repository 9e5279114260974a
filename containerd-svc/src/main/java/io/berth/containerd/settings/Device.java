package io.berth.containerd.settings;

/**
 * A device node, or a folder of them, of the host that a container may use.
 *
 * @param hostPath absolute
 * @param containerPath absolute; empty for the same as on the host
 * @param permissions some of {@code r}, {@code w} and {@code m} (mknod); empty for all
 */
public record Device(String hostPath, String containerPath, String permissions) {}
