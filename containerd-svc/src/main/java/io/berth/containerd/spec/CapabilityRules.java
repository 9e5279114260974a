package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.oci.runtime.ProcessSpec;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** Decides which capabilities a container has (capabilities(7)). */
final class CapabilityRules {
  /** All names, in the order of their numbers in the kernel's linux/capability.h. */
  static final List<String> KNOWN =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_DAC_READ_SEARCH",
          "CAP_FOWNER",
          "CAP_FSETID",
          "CAP_KILL",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETPCAP",
          "CAP_LINUX_IMMUTABLE",
          "CAP_NET_BIND_SERVICE",
          "CAP_NET_BROADCAST",
          "CAP_NET_ADMIN",
          "CAP_NET_RAW",
          "CAP_IPC_LOCK",
          "CAP_IPC_OWNER",
          "CAP_SYS_MODULE",
          "CAP_SYS_RAWIO",
          "CAP_SYS_CHROOT",
          "CAP_SYS_PTRACE",
          "CAP_SYS_PACCT",
          "CAP_SYS_ADMIN",
          "CAP_SYS_BOOT",
          "CAP_SYS_NICE",
          "CAP_SYS_RESOURCE",
          "CAP_SYS_TIME",
          "CAP_SYS_TTY_CONFIG",
          "CAP_MKNOD",
          "CAP_LEASE",
          "CAP_AUDIT_WRITE",
          "CAP_AUDIT_CONTROL",
          "CAP_SETFCAP",
          "CAP_MAC_OVERRIDE",
          "CAP_MAC_ADMIN",
          "CAP_SYSLOG",
          "CAP_WAKE_ALARM",
          "CAP_BLOCK_SUSPEND",
          "CAP_AUDIT_READ",
          "CAP_PERFMON",
          "CAP_BPF",
          "CAP_CHECKPOINT_RESTORE");

  /** The capabilities that images expect; the set is docker's. */
  static final Set<String> DEFAULT =
      Set.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FOWNER",
          "CAP_FSETID",
          "CAP_KILL",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_NET_RAW",
          "CAP_SYS_CHROOT",
          "CAP_MKNOD",
          "CAP_AUDIT_WRITE",
          "CAP_SETFCAP");

  private static final String ALL = "ALL";

  private CapabilityRules() {}

  /**
   * The names of the set, in the order of their numbers. INVALID_ARGUMENT for a name that no kernel
   * has, and for an added one that this host cannot give.
   *
   * @param available the capabilities that the host can give
   */
  static List<String> of(
      List<String> add, List<String> drop, boolean privileged, Set<String> available) {
    Set<String> added = names("cap-add", add);
    Set<String> dropped = names("cap-drop", drop);
    if (privileged) {
      return KNOWN.stream().filter(available::contains).toList();
    }
    for (String name : added) {
      if (!name.equals(ALL) && !available.contains(name)) {
        throw new BerthException.InvalidArgument(
            "cap-add `" + name + "`: this host cannot give it, its own set lacks it");
      }
    }
    return KNOWN.stream()
        .filter(available::contains)
        .filter(name -> has(name, added, dropped))
        .toList();
  }

  private static boolean has(String name, Set<String> added, Set<String> dropped) {
    if (added.contains(ALL)) {
      return !dropped.contains(name);
    }
    if (dropped.contains(ALL)) {
      return added.contains(name);
    }
    return added.contains(name) || (DEFAULT.contains(name) && !dropped.contains(name));
  }

  private static Set<String> names(String option, List<String> given) {
    Set<String> result = new TreeSet<>();
    for (String text : given) {
      String upper = text.toUpperCase(Locale.ROOT);
      String name = upper.equals(ALL) || upper.startsWith("CAP_") ? upper : "CAP_" + upper;
      if (!name.equals(ALL) && !KNOWN.contains(name)) {
        throw new BerthException.InvalidArgument(
            option + " `" + text + "`: there is no such capability; see capabilities(7)");
      }
      result.add(name);
    }
    return result;
  }

  /**
   * The sets of a process. Another user than root has the bounding set only, as execve(2) would
   * leave it (capabilities(7), transformation of capabilities during execve).
   */
  static ProcessSpec.Capabilities sets(List<String> names, long uid) {
    List<String> active = uid == 0 ? names : List.of();
    return new ProcessSpec.Capabilities(names, active, List.of(), active, List.of());
  }
}
