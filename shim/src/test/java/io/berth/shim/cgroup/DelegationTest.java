package io.berth.shim.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.oci.runtime.Resources;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders of version 2 in a tree that only looks like it. */
final class DelegationTest {
  @TempDir Path root;

  private Path group(String name, String controllers, String passedOn) throws IOException {
    Path folder = Files.createDirectories(root.resolve(name));
    Files.writeString(folder.resolve("cgroup.controllers"), controllers + "\n");
    Files.writeString(folder.resolve("cgroup.subtree_control"), passedOn + "\n");
    return folder;
  }

  private static String passedOn(Path folder) throws IOException {
    return Files.readString(folder.resolve("cgroup.subtree_control")).strip();
  }

  private Cgroup create(String path) throws IOException {
    return Cgroup.create(new CgroupLayout(List.of(), root.toString(), true), new CgroupPath(path));
  }

  @Test
  void whatAServiceManagerHasNotPassedOnIsPassedOnFromTheRoot() throws Exception {
    Path top = group("", "cpu memory", "cpu");
    Path slice = group("my.slice", "cpu", "");
    create("/my.slice/c1");
    assertEquals("+memory", passedOn(top));
    assertEquals("+cpu", passedOn(slice));
  }

  @Test
  void whatIsPassedOnAlreadyIsNotTouched() throws Exception {
    Path top = group("", "cpu memory", "cpu memory");
    Path slice = group("my.slice", "memory cpu", "memory cpu");
    create("/my.slice/c1");
    assertEquals("cpu memory", passedOn(top));
    assertEquals("memory cpu", passedOn(slice));
  }

  @Test // case V7
  void aControllerThatIsLackingIsNamed() throws Exception {
    group("", "cpu memory", "cpu memory");
    Cgroup cgroup = create("/c1");
    group("c1", "cpu", "");
    Resources cpus = resources("{\"cpu\":{\"cpus\":\"0\"}}");
    BerthException e =
        assertThrows(BerthException.FailedPrecondition.class, () -> cgroup.update(cpus));
    assertEquals(
        "limit cpuset.cpus: this kernel has no cpuset controller; leave it out", e.getMessage());
    Resources memory = resources("{\"memory\":{\"limit\":1000}}");
    e = assertThrows(BerthException.FailedPrecondition.class, () -> cgroup.update(memory));
    assertEquals(
        "limit memory.max: the cgroups above `"
            + root
            + "/c1` do not pass the memory controller on",
        e.getMessage());
  }

  private static Resources resources(String json) {
    return Resources.read(json.getBytes(StandardCharsets.UTF_8), "resources");
  }

  @Test
  void limitsAreWrittenIntoItsFiles() throws Exception {
    group("", "cpu memory io pids cpuset", "cpu memory io pids cpuset");
    Cgroup cgroup = create("/c1");
    Path folder = root.resolve("c1");
    List<String> files =
        List.of("memory.max", "memory.swap.max", "cpu.weight", "cpu.max", "pids.max", "io.weight");
    for (String file : files) {
      Files.writeString(folder.resolve(file), "");
    }
    Files.writeString(folder.resolve("memory.high"), "");
    cgroup.update(
        Resources.read(
            ("{\"memory\":{\"limit\":1000,\"swap\":3000},\"cpu\":{\"shares\":1024,\"quota\":5},"
                    + "\"pids\":{\"limit\":9},\"blockIO\":{\"weight\":10},"
                    + "\"unified\":{\"memory.high\":\"900\"}}")
                .getBytes(StandardCharsets.UTF_8),
            "resources"));
    StringBuilder written = new StringBuilder();
    for (String file : files) {
      written.append(Files.readString(folder.resolve(file))).append(';');
    }
    assertEquals("1000;2000;100;5;9;default 1;", written.toString());
    assertEquals("900", Files.readString(folder.resolve("memory.high")));
  }
}
