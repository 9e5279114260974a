package io.berth.containerd.container;

import io.berth.base.config.Config;
import io.berth.containerd.spec.CgroupMode;
import io.berth.containerd.spec.DeviceFolder;
import io.berth.containerd.spec.HostFacts;
import io.berth.linux.MountInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Looks at the host once, at the first container. */
final class HostProbe {
  /** By number (linux/capability.h). */
  private static final List<String> CAPABILITIES =
      List.of(
          "CHOWN",
          "DAC_OVERRIDE",
          "DAC_READ_SEARCH",
          "FOWNER",
          "FSETID",
          "KILL",
          "SETGID",
          "SETUID",
          "SETPCAP",
          "LINUX_IMMUTABLE",
          "NET_BIND_SERVICE",
          "NET_BROADCAST",
          "NET_ADMIN",
          "NET_RAW",
          "IPC_LOCK",
          "IPC_OWNER",
          "SYS_MODULE",
          "SYS_RAWIO",
          "SYS_CHROOT",
          "SYS_PTRACE",
          "SYS_PACCT",
          "SYS_ADMIN",
          "SYS_BOOT",
          "SYS_NICE",
          "SYS_RESOURCE",
          "SYS_TIME",
          "SYS_TTY_CONFIG",
          "MKNOD",
          "LEASE",
          "AUDIT_WRITE",
          "AUDIT_CONTROL",
          "SETFCAP",
          "MAC_OVERRIDE",
          "MAC_ADMIN",
          "SYSLOG",
          "WAKE_ALARM",
          "BLOCK_SUSPEND",
          "AUDIT_READ",
          "PERFMON",
          "BPF",
          "CHECKPOINT_RESTORE");

  private HostProbe() {}

  static HostFacts look(Config config) {
    try {
      String architecture = System.getProperty("os.arch");
      return new HostFacts(
          architecture.equals("amd64") ? "x86_64" : architecture,
          Runtime.getRuntime().availableProcessors(),
          Files.readString(Path.of("/proc/sys/kernel/hostname")).strip(),
          cgroups(),
          config.cgroupParent(),
          capabilities(),
          Map.of("RLIMIT_NOFILE", kernelNumber(Path.of("/proc/sys/fs/nr_open"))),
          new DeviceFolder(Path.of("/dev")),
          Files::exists,
          null);
    } catch (IOException e) {
      throw new UncheckedIOException("look at the host", e);
    }
  }

  // Line by line: the kernel gives a number to the first read only, and readString, which finds the
  // size to be zero, makes that a read of one byte.
  private static long kernelNumber(Path file) throws IOException {
    return Long.parseLong(Files.readAllLines(file).getFirst().strip());
  }

  static CgroupMode cgroups() throws IOException {
    boolean version1 = false;
    boolean version2 = false;
    for (MountInfo mount : MountInfo.ofSelf()) {
      version1 |= mount.type().equals("cgroup");
      version2 |= mount.type().equals("cgroup2");
    }
    return version1 ? (version2 ? CgroupMode.HYBRID : CgroupMode.V1) : CgroupMode.V2;
  }

  // What this service's bounding set has, its children can be given.
  private static Set<String> capabilities() throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(each -> each.startsWith("CapBnd:"))
            .findFirst()
            .orElse("CapBnd:\t0");
    long bits = Long.parseUnsignedLong(line.substring("CapBnd:".length()).strip(), 16);
    Set<String> result = new LinkedHashSet<>();
    for (int i = 0; i < CAPABILITIES.size(); i++) {
      if ((bits >>> i & 1) != 0) {
        result.add("CAP_" + CAPABILITIES.get(i));
      }
    }
    return result;
  }
}
