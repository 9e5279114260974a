package io.berth.containerd.settings;

import java.util.List;

/**
 * What the processes of a container may do.
 *
 * @param privileged whether all capabilities and devices are given and nothing is masked
 * @param capAdd names of capabilities(7), with or without {@code CAP_}, or {@code ALL}
 * @param capDrop the same
 * @param seccomp empty for the default profile, {@code unconfined}, or the text of a profile
 * @param noNewPrivileges whether execve(2) never gives more rights (prctl(2), PR_SET_NO_NEW_PRIVS)
 * @param groupAdd further groups of the first process, names or numbers
 * @param apparmor empty for the default profile, {@code unconfined}, or the name of one that is
 *     loaded (apparmor(7))
 * @param devices of the host, in addition to those that every container has
 * @param deviceRules which nodes may be used beside those, as {@code c 42:* rmw}
 */
public record Privileges(
    boolean privileged,
    List<String> capAdd,
    List<String> capDrop,
    String seccomp,
    boolean noNewPrivileges,
    List<String> groupAdd,
    String apparmor,
    List<Device> devices,
    List<String> deviceRules) {
  public Privileges {
    capAdd = List.copyOf(capAdd);
    capDrop = List.copyOf(capDrop);
    groupAdd = List.copyOf(groupAdd);
    devices = List.copyOf(devices);
    deviceRules = List.copyOf(deviceRules);
  }

  /** The same with another profile of AppArmor. */
  public Privileges withApparmor(String changed) {
    return new Privileges(
        privileged,
        capAdd,
        capDrop,
        seccomp,
        noNewPrivileges,
        groupAdd,
        changed,
        devices,
        deviceRules);
  }
}
