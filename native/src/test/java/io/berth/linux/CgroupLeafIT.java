package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Processes enter leaves of the hierarchies that this machine has. */
@Tag("root")
class CgroupLeafIT {
  private final String path = "berth-leaf-test-" + ProcessHandle.current().pid() + "/deep/leaf";
  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void removeAll() throws Exception {
    for (Process process : started) {
      process.destroyForcibly().waitFor();
    }
    for (Path folder : CgroupLeaf.at(path).folders()) {
      for (Path each = folder; each.toString().contains("leaf-test"); each = parent(each)) {
        Files.deleteIfExists(each);
      }
    }
  }

  private static Path parent(Path path) {
    Path parent = path.getParent();
    return parent == null ? Path.of("/") : parent;
  }

  @Test
  void movesAProcessInEveryHierarchyThatCounts() throws Exception {
    Process process = start();
    CgroupLeaf leaf = CgroupLeaf.at(path);
    assertFalse(leaf.folders().isEmpty());

    leaf.enter((int) process.pid());

    List<String> where = Files.readAllLines(Path.of("/proc", "" + process.pid(), "cgroup"));
    assertEquals(
        leaf.folders().size(),
        where.stream().filter(line -> line.endsWith(":/" + path)).count(),
        String.join("\n", where));
  }

  @Test
  void leavesOthersWhereTheyAre() throws Exception {
    Process other = start();
    Path file = Path.of("/proc", "" + other.pid(), "cgroup");
    String before = Files.readString(file);

    CgroupLeaf.at(path).enter((int) start().pid());

    assertEquals(before, Files.readString(file));
  }

  @Test
  void saysThatAProcessIsGone() throws Exception {
    Process process = start();
    process.destroyForcibly().waitFor();
    IOException failure =
        assertThrows(IOException.class, () -> CgroupLeaf.at(path).enter((int) process.pid()));
    assertTrue(((SyscallException) failure).is(Errno.ESRCH), failure.getMessage());
  }

  @Test
  void choosesTheHierarchiesByWhatTheyHave() throws Exception {
    Path mounts = Files.createTempFile("mountinfo", "");
    try {
      Files.writeString(
          mounts,
          """
          30 25 0:26 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw
          31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
          32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
          33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
          34 30 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
          35 30 0:30 /part /elsewhere rw - cgroup cgroup rw,pids
          """);
      assertEquals(
          Set.of(
              "/sys/fs/cgroup/unified/a/b",
              "/sys/fs/cgroup/systemd/a/b",
              "/sys/fs/cgroup/pids/a/b"),
          CgroupLeaf.at("a/b", MountInfo.read(mounts)).folders().stream()
              .map(Path::toString)
              .collect(Collectors.toSet()));
    } finally {
      Files.delete(mounts);
    }
  }

  private Process start() throws IOException {
    Process process = new ProcessBuilder("sleep", "60").start();
    started.add(process);
    return process;
  }
}
