package io.berth.shim.cgroup;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container's cgroup in each hierarchy, as absolute paths of the host's.
 *
 * @param version2 null where the host has no unified hierarchy
 * @param memoryInVersion2 whether that one counts memory
 */
public record CgroupFolders(
    List<Folder> version1, @Nullable String version2, boolean memoryInVersion2) {
  /** A folder in one hierarchy of version 1. */
  public record Folder(CgroupLayout.Hierarchy hierarchy, String path) {
    /** The file to which a thread writes {@code 0} in order to move there. */
    public String tasks() {
      return path + "/tasks";
    }
  }

  public CgroupFolders {
    version1 = List.copyOf(version1);
  }

  /** The folders of a path in all hierarchies. */
  public static CgroupFolders of(CgroupLayout layout, CgroupPath path) {
    String version2 = layout.version2();
    return new CgroupFolders(
        layout.version1().stream()
            .map(hierarchy -> new Folder(hierarchy, path.in(hierarchy.mount())))
            .toList(),
        version2 == null ? null : path.in(version2),
        layout.memoryInVersion2());
  }

  /** The same with another folder in the unified hierarchy. */
  public CgroupFolders withVersion2(String folder) {
    return new CgroupFolders(version1, folder, memoryInVersion2);
  }

  /** The folder of a controller of version 1, or null. */
  public @Nullable String of(String controller) {
    for (Folder folder : version1) {
      if (folder.hierarchy.controllers().contains(controller)) {
        return folder.path;
      }
    }
    return null;
  }

  /** Whether version 2 does everything. */
  public boolean unified() {
    return version1.isEmpty() && version2 != null;
  }

  /** The file that counts processes killed for want of memory; null if there is none. */
  public @Nullable String oomCounter() {
    String memory = of("memory");
    if (memory != null) {
      return memory + "/memory.oom_control";
    }
    return memoryInVersion2 && version2 != null ? version2 + "/memory.events" : null;
  }
}
