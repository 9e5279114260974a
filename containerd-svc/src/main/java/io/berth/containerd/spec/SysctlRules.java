package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import java.util.Map;
import java.util.Set;

/**
 * Checks the kernel parameters of a container: it may have only those that belong to namespaces of
 * its own (sysctl(8)).
 */
final class SysctlRules {
  private static final Set<String> IPC =
      Set.of(
          "kernel.msgmax",
          "kernel.msgmnb",
          "kernel.msgmni",
          "kernel.sem",
          "kernel.shmall",
          "kernel.shmmax",
          "kernel.shmmni",
          "kernel.shm_rmid_forced");

  private SysctlRules() {}

  static void check(
      Map<String, String> sysctls, boolean hostNetwork, boolean hostIpc, boolean hostUts) {
    sysctls.forEach((key, value) -> {
      Texts.withoutNul("sysctl", value);
      String dotted = dotted(key);
      if (dotted.startsWith("net.")) {
        own(key, "network", hostNetwork);
      } else if (IPC.contains(dotted) || dotted.startsWith("fs.mqueue.")) {
        own(key, "ipc", hostIpc);
      } else if (dotted.equals("kernel.domainname")) {
        own(key, "uts", hostUts);
      } else {
        throw new BerthException.InvalidArgument(
            "sysctl `" + key + "`: belongs to the whole host, not to a container; set it there");
      }
    });
  }

  /**
   * A name with slashes as separators. Where a name has dots and slashes, the first of them is the
   * separator (sysctl.d(5)).
   */
  private static String dotted(String key) {
    int slash = key.indexOf('/');
    int dot = key.indexOf('.');
    String dotted =
        slash >= 0 && (dot < 0 || slash < dot)
            ? key.replace('.', '\0').replace('/', '.').replace('\0', '/')
            : key;
    for (String word : dotted.split("\\.", -1)) {
      if (word.isEmpty() || word.equals("/") || word.equals("//") || word.indexOf('\0') >= 0) {
        throw new BerthException.InvalidArgument(
            "sysctl `" + key.replace('\0', '?') + "`: is no name of a kernel parameter");
      }
    }
    return dotted;
  }

  private static void own(String key, String type, boolean host) {
    if (host) {
      throw new BerthException.InvalidArgument(
          "sysctl `"
              + key
              + "`: the container shares the host's "
              + type
              + " namespace; set it on the host");
    }
  }
}
