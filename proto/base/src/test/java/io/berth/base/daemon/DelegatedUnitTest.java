package io.berth.base.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.FileStatus;
import io.berth.linux.MountInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Case V4: whether the unit in which containers live is up, in trees that look like cgroups. */
final class DelegatedUnitTest {
  private static final String PARENT = "berth.slice/berth-tasks.service";

  @TempDir Path root;

  private MountInfo mount(String name, String type, String... options) {
    return new MountInfo(
        1,
        1,
        new FileStatus.Device(0, 1),
        "/",
        root.resolve(name).toString(),
        List.of(),
        List.of(),
        type,
        "cgroup",
        List.of(options));
  }

  @Test
  void itIsUpFromItsStartToTheBeginningOfItsStop() throws IOException {
    DelegatedUnit unit = DelegatedUnit.of(PARENT, List.of(mount("v2", "cgroup2", "rw")));
    BerthException e = assertThrows(BerthException.Absent.class, unit::check);
    assertEquals(
        "berth-tasks.service, in whose cgroup containers live, is down; start it: systemctl start"
            + " berth-tasks",
        e.getMessage());
    Path folder = Files.createDirectories(root.resolve("v2").resolve(PARENT));
    unit.check();
    Files.createDirectory(folder.resolve("stopping"));
    assertFalse(unit.isUp());
  }

  @Test
  void inVersion1_itsCgroupIsInTheManagersOwnHierarchy() throws IOException {
    DelegatedUnit unit =
        DelegatedUnit.of(
            PARENT,
            List.of(
                mount("memory", "cgroup", "rw", "memory"),
                mount("systemd", "cgroup", "rw", "name=systemd"),
                mount("unified", "cgroup2", "rw")));
    Files.createDirectories(root.resolve("unified").resolve(PARENT));
    assertFalse(unit.isUp());
    Files.createDirectories(root.resolve("systemd").resolve(PARENT));
    assertTrue(unit.isUp());
  }

  @Test
  void whereNoManagerHasGivenOneThereIsNothingToWaitFor() {
    assertTrue(DelegatedUnit.of("berth-0a1b2c", List.of(mount("v2", "cgroup2"))).isUp());
    assertTrue(DelegatedUnit.of("my.slice", List.of(mount("v2", "cgroup2"))).isUp());
    assertTrue(DelegatedUnit.of(PARENT, List.of(mount("memory", "cgroup", "memory"))).isUp());
  }
}
