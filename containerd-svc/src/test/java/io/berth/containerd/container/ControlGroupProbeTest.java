package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.containerd.spec.CgroupMode;
import io.berth.containerd.spec.ControlGroups;
import io.berth.linux.FileStatus;
import io.berth.linux.MountInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Case V7: what the control groups of a host can bound, found in trees that look like them. */
final class ControlGroupProbeTest {
  @TempDir Path root;

  private MountInfo mount(String name, String type, String... options) throws IOException {
    Path folder = Files.createDirectories(root.resolve(name));
    return new MountInfo(
        1,
        1,
        new FileStatus.Device(0, 1),
        "/",
        folder.toString(),
        List.of(),
        List.of(),
        type,
        "cgroup",
        List.of(options));
  }

  private void file(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @Test
  void version2_hasTheControllersOfItsRoot() throws IOException {
    List<MountInfo> mounts = List.of(mount("v2", "cgroup2", "rw"));
    file("v2/cgroup.controllers", "cpu memory pids\n");
    assertEquals(
        new ControlGroups(CgroupMode.V2, Set.of("cpu", "memory", "pids"), true, false),
        ControlGroupProbe.of(mounts));
    file("v2/a.slice/io.stat", "");
    file("v2/a.slice/io.max", "");
    assertEquals(false, ControlGroupProbe.of(mounts).weighsDisks());
    file("v2/a.slice/io.bfq.weight", "");
    assertEquals(true, ControlGroupProbe.of(mounts).weighsDisks());
  }

  @Test
  void version1_hasAFolderForEachController() throws IOException {
    List<MountInfo> mounts =
        List.of(
            mount("cpu", "cgroup", "rw", "cpu", "cpuacct"),
            mount("blkio", "cgroup", "rw", "blkio"),
            mount("unified", "cgroup2", "rw"));
    ControlGroups groups = ControlGroupProbe.of(mounts);
    assertEquals(CgroupMode.HYBRID, groups.mode());
    assertEquals(true, groups.controllers().containsAll(Set.of("cpu", "io")));
    assertEquals(false, groups.controllers().contains("cpuset"));
    assertEquals(false, groups.weighsDisks() || groups.realtime());
    file("cpu/cpu.rt_runtime_us", "950000");
    file("blkio/blkio.bfq.weight", "100");
    groups = ControlGroupProbe.of(mounts);
    assertEquals(true, groups.weighsDisks() && groups.realtime());
  }
}
