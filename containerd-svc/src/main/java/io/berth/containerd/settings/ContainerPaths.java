package io.berth.containerd.settings;

/**
 * Where a container's files lie on the host; absolute paths.
 *
 * @param log empty where the output is kept nowhere
 * @param hosts bound at {@code /etc/hosts}
 * @param hostname bound at {@code /etc/hostname}
 * @param resolvConf bound at {@code /etc/resolv.conf}
 * @param taskFolder the folder of its task below the state folder
 */
public record ContainerPaths(
    String log, String hosts, String hostname, String resolvConf, String taskFolder) {}
