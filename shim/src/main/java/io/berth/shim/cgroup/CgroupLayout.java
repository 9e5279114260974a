package io.berth.shim.cgroup;

import io.berth.linux.MountInfo;
import io.berth.linux.SyscallException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The cgroup hierarchies of the host.
 *
 * @param version1 in the order in which they are mounted
 * @param version2 where the unified hierarchy is mounted; null if it is not
 * @param memoryInVersion2 whether the unified hierarchy counts memory
 */
public record CgroupLayout(
    List<Hierarchy> version1, @Nullable String version2, boolean memoryInVersion2) {
  /**
   * One of version 1.
   *
   * @param mount where it is
   * @param controllers {@code cpu}, {@code memory}, ...; {@code name=systemd} for one without any
   */
  public record Hierarchy(String mount, List<String> controllers) {
    public Hierarchy {
      controllers = List.copyOf(controllers);
    }

    /** The last part of its path: what it is called inside containers, too. */
    public String folderName() {
      return mount.substring(mount.lastIndexOf('/') + 1);
    }
  }

  public CgroupLayout {
    version1 = List.copyOf(version1);
  }

  /** Whether version 2 does everything: there is no hierarchy of version 1 with a controller. */
  public boolean unified() {
    return version1.isEmpty() && version2 != null;
  }

  /** Where a controller's hierarchy of version 1 is, or null. */
  public @Nullable Hierarchy with(String controller) {
    for (Hierarchy hierarchy : version1) {
      if (hierarchy.controllers.contains(controller)) {
        return hierarchy;
      }
    }
    return null;
  }

  /** Whether there is a cgroup of this path, which begins with a slash. */
  public boolean has(String path) {
    Hierarchy memory = with("memory");
    String mount =
        unified() || version1.isEmpty()
            ? version2
            : memory != null ? memory.mount() : version1.getFirst().mount();
    return mount != null && Files.isDirectory(Path.of(mount + path));
  }

  /**
   * Reads the mounts of this process. It takes some 10 µs for each of them, so a process does it
   * once.
   */
  public static CgroupLayout ofHost() throws SyscallException {
    CgroupLayout mounted = of(MountInfo.ofSelf());
    String controllers =
        mounted.version2 == null
            ? null
            : ControlFiles.readIfThere(mounted.version2, "cgroup.controllers");
    boolean memory = controllers != null && List.of(controllers.split(" ", -1)).contains("memory");
    return new CgroupLayout(mounted.version1, mounted.version2, memory);
  }

  static CgroupLayout of(List<MountInfo> mounts) {
    Map<List<String>, Hierarchy> version1 = new LinkedHashMap<>();
    String version2 = null;
    for (MountInfo mount : mounts) {
      if (!mount.root().equals("/")) {
        continue;
      }
      if (mount.type().equals("cgroup2") && version2 == null) {
        version2 = mount.target();
      } else if (mount.type().equals("cgroup")) {
        List<String> controllers = controllers(mount.superOptions());
        version1.putIfAbsent(controllers, new Hierarchy(mount.target(), controllers));
      }
    }
    return new CgroupLayout(
        List.copyOf(version1.values()), version2, /* memoryInVersion2= */ false);
  }

  private static List<String> controllers(List<String> options) {
    List<String> controllers = new ArrayList<>();
    for (String option : options) {
      switch (option) {
        case "rw", "ro", "xattr", "none", "clone_children", "noprefix", "cpuset_v2_mode" -> {
          // This word says how the hierarchy is mounted, not what it counts.
        }
        default -> {
          if (!option.startsWith("release_agent=")) {
            controllers.add(option);
          }
        }
      }
    }
    return controllers;
  }
}
