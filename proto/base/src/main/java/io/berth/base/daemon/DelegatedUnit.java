package io.berth.base.daemon;

import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.linux.MountInfo;
import io.berth.linux.SyscallException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The unit of a service manager in whose cgroup containers live, where the configuration names one
 * as the parent of their cgroups. While it is down nothing may be made there: the manager could not
 * start it again, for it puts the unit's first process into that cgroup, and the kernel has no
 * processes where controllers are passed on (cgroup-v2.rst).
 */
public final class DelegatedUnit {
  /** A cgroup below the unit's that says that it is being stopped. */
  private static final String STOPPING = "stopping";

  private final String parent;
  private final @Nullable Path folder;

  private DelegatedUnit(String parent, @Nullable Path folder) {
    this.parent = parent;
    this.folder = folder;
  }

  /** That of the configuration. Reads this process's mounts: once for each process. */
  public static DelegatedUnit of(Config config) throws SyscallException {
    return at(config.cgroupParent());
  }

  /** The same for a parent of cgroups, relative to the root. */
  public static DelegatedUnit at(String parent) throws SyscallException {
    return of(parent, MountInfo.ofSelf());
  }

  static DelegatedUnit of(String parent, List<MountInfo> mounts) {
    // Slices and other folders hold no processes of their own, and may be made by anybody.
    if (!parent.endsWith(".service") && !parent.endsWith(".scope")) {
      return new DelegatedUnit(parent, null);
    }
    Path unified = null;
    Path named = null;
    boolean version1 = false;
    for (MountInfo mount : mounts) {
      if (!mount.root().equals("/")) {
        continue;
      }
      if (mount.type().equals("cgroup2") && unified == null) {
        unified = Path.of(mount.target(), parent);
      } else if (mount.type().equals("cgroup")) {
        version1 = true;
        named =
            mount.superOptions().contains("name=systemd") ? Path.of(mount.target(), parent) : named;
      }
    }
    return new DelegatedUnit(parent, version1 ? named : unified);
  }

  /** Whether containers may live in it now. */
  public boolean isUp() {
    return folder == null || (Files.isDirectory(folder) && !Files.exists(folder.resolve(STOPPING)));
  }

  /** ABSENT, which says what to do, while it is down. */
  public void check() {
    if (!isUp()) {
      String unit = parent.substring(parent.lastIndexOf('/') + 1);
      throw new BerthException.Absent(
          unit
              + ", in whose cgroup containers live, is down; start it: systemctl start "
              + unit.replaceFirst("\\.service$", ""),
          null);
    }
  }
}
