package io.berth.oci.runtime;

import io.berth.base.error.BerthException;
import java.nio.file.Path;
import java.util.Set;

/**
 * What may be mounted over procfs. Whoever covers it, or a part that steers the kernel or a
 * process's labels, has a container whose masks and read-only paths lie in front of nothing, and
 * whose security labels are written into a file of its own.
 */
public final class ProcPlaces {
  private static final Path PROC = Path.of("/proc");

  /** Files that only tell something, which lxcfs and others replace by the container's own view. */
  private static final Set<Path> READ_BY_PROGRAMS =
      Set.of(
          Path.of("/proc/cpuinfo"),
          Path.of("/proc/diskstats"),
          Path.of("/proc/loadavg"),
          Path.of("/proc/meminfo"),
          Path.of("/proc/net/dev"),
          Path.of("/proc/slabinfo"),
          Path.of("/proc/stat"),
          Path.of("/proc/swaps"),
          Path.of("/proc/sys/crypto/fips_enabled"),
          Path.of("/proc/sys/kernel/ns_last_pid"),
          Path.of("/proc/uptime"));

  private ProcPlaces() {}

  /**
   * INVALID_ARGUMENT for a mount that would cover procfs.
   *
   * @param target absolute, inside
   * @param type of the file system; a bind's source decides instead
   */
  public static void check(String target, String type, String source) {
    Path place = Path.of(target).normalize();
    if (!place.startsWith(PROC) || READ_BY_PROGRAMS.contains(place)) {
      return;
    }
    boolean proc =
        type.equals("proc") || (source.startsWith("/") && Path.of(source).normalize().equals(PROC));
    if (!place.equals(PROC)) {
      throw new BerthException.InvalidArgument(
          "mount `"
              + target
              + "`: it lies in /proc, which steers the kernel; choose another place");
    }
    if (!proc) {
      throw new BerthException.InvalidArgument(
          "mount `" + target + "`: only procfs can be mounted there; choose another place");
    }
  }
}
