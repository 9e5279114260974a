package io.berth.oci.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Capabilities by name as bits of a set (capabilities(7), linux/capability.h). */
public final class Capabilities {
  /** By number. */
  private static final List<String> NAMES =
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

  /** The set of CAP_SYS_ADMIN alone. */
  public static final long SYS_ADMIN = 1L << NAMES.indexOf("SYS_ADMIN");

  private static final String PREFIX = "CAP_";

  private Capabilities() {}

  /**
   * The set of these names, with or without {@code CAP_}. Unknown names are left out: clients send
   * all that the newest kernel knows.
   *
   * @param available what the caller itself has; the rest cannot be given and is left out, too
   */
  public static long of(List<String> names, long available) {
    long set = 0;
    for (String name : names) {
      String upper = name.toUpperCase(Locale.ROOT);
      int number =
          NAMES.indexOf(upper.startsWith(PREFIX) ? upper.substring(PREFIX.length()) : upper);
      if (number >= 0) {
        set |= 1L << number;
      }
    }
    return set & available;
  }

  /** The names of a set, with {@code CAP_}, by number; bits without a name are left out. */
  public static List<String> names(long set) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < NAMES.size(); i++) {
      if ((set >>> i & 1) != 0) {
        names.add(PREFIX + NAMES.get(i));
      }
    }
    return names;
  }
}
