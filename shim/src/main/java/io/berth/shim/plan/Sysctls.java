package io.berth.shim.plan;

import io.berth.base.error.BerthException;
import io.berth.linux.supervisor.Step;
import io.berth.oci.runtime.Linux;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Kernel parameters, of which only those of a namespace of the container's own may be set. */
final class Sysctls {
  private static final Set<String> IPC =
      Set.of(
          "kernel/msgmax",
          "kernel/msgmnb",
          "kernel/msgmni",
          "kernel/sem",
          "kernel/shmall",
          "kernel/shmmax",
          "kernel/shmmni",
          "kernel/shm_rmid_forced");

  private Sysctls() {}

  static List<Step> steps(Linux linux) {
    List<Step> steps = new ArrayList<>();
    linux
        .sysctl()
        .forEach((key, value) -> {
          String path = path(key);
          String type = namespaceOf(path);
          if (type.isEmpty()) {
            throw new BerthException.InvalidArgument(
                "sysctl `" + key + "`: it is not in a separate kernel namespace");
          }
          if (linux.namespace(type) == null) {
            throw new BerthException.InvalidArgument(
                "sysctl `" + key + "`: not allowed in the host's " + type + " namespace");
          }
          steps.add(new Step.Sysctl(path, value));
        });
    return steps;
  }

  /**
   * Dots and slashes both part the words, and whichever comes first is the separator (sysctl.d(5)):
   * in {@code net/ipv4/conf/eth0.1/forwarding} the dot is a part of a name.
   */
  private static String path(String key) {
    int dot = key.indexOf('.');
    int slash = key.indexOf('/');
    String path = key;
    if (dot >= 0 && (slash < 0 || dot < slash)) {
      path = key.replace('/', '\0').replace('.', '/').replace('\0', '.');
    }
    for (String word : path.split("/", -1)) {
      if (word.isEmpty() || word.equals(".") || word.equals("..")) {
        throw new BerthException.InvalidArgument("sysctl `" + key + "`: no such name");
      }
    }
    return path;
  }

  private static String namespaceOf(String path) {
    if (IPC.contains(path) || path.startsWith("fs/mqueue/")) {
      return "ipc";
    }
    if (path.startsWith("net/")) {
      return "network";
    }
    return path.equals("kernel/domainname") ? "uts" : "";
  }
}
