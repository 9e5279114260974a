package io.berth.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A cgroup for processes that outlive the service that started them: in the unified hierarchy, and
 * in those of version 1 by which a service manager counts. A manager that finds strangers in the
 * cgroup of a service when it starts it again calls them left over.
 *
 * @param folders the absolute path of one folder in each hierarchy
 */
public record CgroupLeaf(Set<Path> folders) {
  private static final Set<String> COUNTING = Set.of("memory", "pids", "name=systemd");

  public CgroupLeaf {
    folders = Collections.unmodifiableSet(new LinkedHashSet<>(folders));
  }

  /**
   * The leaf of a path that is relative to the root of every hierarchy. Reads this process's
   * mounts: not for hot paths.
   */
  public static CgroupLeaf at(String path) throws SyscallException {
    return at(path, MountInfo.ofSelf());
  }

  static CgroupLeaf at(String path, List<MountInfo> mounts) {
    Set<Path> folders = new LinkedHashSet<>();
    for (MountInfo mount : mounts) {
      boolean counting =
          mount.type().equals("cgroup2")
              || (mount.type().equals("cgroup")
                  && mount.superOptions().stream().anyMatch(COUNTING::contains));
      if (counting && mount.root().equals("/")) {
        folders.add(Path.of(mount.target(), path));
      }
    }
    return new CgroupLeaf(folders);
  }

  /**
   * Moves a process there with all its threads; the cgroup is made when absent. Waits for the
   * kernel, up to 15 ms in each hierarchy.
   *
   * @throws IOException of the first hierarchy that refuses, ESRCH if the process is gone
   */
  public void enter(int pid) throws IOException {
    for (Path folder : folders) {
      Files.createDirectories(folder);
      try (Fd processes = Fd.open(folder.resolve("cgroup.procs"), OpenFlags.O_WRONLY)) {
        processes.writeOnce(Integer.toString(pid));
      }
    }
  }
}
