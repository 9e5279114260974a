package io.berth.containerd.container;

import io.berth.containerd.spec.CgroupMode;
import io.berth.containerd.spec.ControlGroups;
import io.berth.linux.MountInfo;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds out what the host's control groups can bound. */
final class ControlGroupProbe {
  private ControlGroupProbe() {}

  static ControlGroups look() throws IOException {
    return of(MountInfo.ofSelf());
  }

  static ControlGroups of(List<MountInfo> mounts) throws IOException {
    boolean version1 = false;
    Path unified = null;
    Set<String> controllers = new HashSet<>();
    Path disks = null;
    Path processors = null;
    for (MountInfo mount : mounts) {
      Path target = Path.of(mount.target());
      if (mount.type().equals("cgroup2") && unified == null) {
        unified = target;
      } else if (mount.type().equals("cgroup")) {
        version1 = true;
        List<String> options = mount.superOptions();
        options.stream().map(one -> one.equals("blkio") ? "io" : one).forEach(controllers::add);
        disks = options.contains("blkio") ? target : disks;
        processors = options.contains("cpu") ? target : processors;
      }
    }
    if (version1 || unified == null) {
      return new ControlGroups(
          unified == null ? CgroupMode.V1 : CgroupMode.HYBRID,
          controllers,
          has(disks, "blkio.weight") || has(disks, "blkio.bfq.weight"),
          has(processors, "cpu.rt_runtime_us"));
    }
    controllers.addAll(
        List.of(Files.readString(unified.resolve("cgroup.controllers")).strip().split(" ", -1)));
    return new ControlGroups(CgroupMode.V2, controllers, weighs(unified), /* realtime= */ false);
  }

  private static boolean has(@Nullable Path folder, String file) {
    return folder != null && Files.exists(folder.resolve(file));
  }

  /**
   * Weights are not among the files of the root. Where no group has the controller yet it is taken
   * that there are some: what is not there is left out when a container's group is made.
   */
  private static boolean weighs(Path unified) throws IOException {
    try (DirectoryStream<Path> groups =
        Files.newDirectoryStream(unified, group -> has(group, "io.stat") && has(group, "io.max"))) {
      for (Path group : groups) {
        return has(group, "io.weight") || has(group, "io.bfq.weight");
      }
    }
    return true;
  }
}
