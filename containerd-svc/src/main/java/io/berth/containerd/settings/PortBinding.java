package io.berth.containerd.settings;

/**
 * A port of the host that leads into a container.
 *
 * @param hostIp the host's address; empty for all
 * @param hostPort 0 for any free one
 * @param containerPort 1 to 65535
 * @param protocol {@code tcp}, {@code udp} or {@code sctp}; empty for tcp
 */
public record PortBinding(String hostIp, int hostPort, int containerPort, String protocol) {}
