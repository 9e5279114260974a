package io.berth.shim.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CgroupPathTest {
  private static String path(String given, boolean systemd) {
    return CgroupPath.of(given, systemd, "berth-1", new TaskKey("ns", "c")).text();
  }

  @ParameterizedTest
  @CsvSource({
    "'', false, /berth-1/ns/c",
    "/docker/abc, false, /docker/abc",
    "//docker//abc/, false, /docker/abc",
    "pods/abc, false, /berth-1/pods/abc",
    "system.slice:docker:abc, true, /system.slice/docker-abc.scope",
    ":docker:abc, true, /system.slice/docker-abc.scope",
    "a-b-c.slice:cri:x, false, /a.slice/a-b.slice/a-b-c.slice/cri-x.scope",
    "-.slice:p:x, true, /p-x.scope",
    "/odd:path:here, false, /odd:path:here",
  })
  void isWhereTheClientSays(String given, boolean systemd, String expected) {
    // No two containers share one.
    assertEquals(expected, path(given, systemd));
  }

  @ParameterizedTest // case V6
  @CsvSource({
    "/default/x, /berth.slice/berth-tasks.service/default/x",
    "/x, /berth.slice/berth-tasks.service/x",
    "/berth.slice/x, /berth.slice/berth-tasks.service/berth.slice/x",
    "/berth.slice/berth-tasks.service/abc, /berth.slice/berth-tasks.service/abc",
    "/kubepods/pod1/x, /kubepods/pod1/x",
    "/kubepods/pod2/x, /berth.slice/berth-tasks.service/kubepods/pod2/x",
  })
  void isBelowWhatWasHandedOverUnlessItsParentIsThere(String given, String expected) {
    assertEquals(
        expected,
        new CgroupPath(given)
            .delegated("berth.slice/berth-tasks.service", "/kubepods/pod1"::equals)
            .text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/..", "/a/../b", "../x", "/a/./b", "no-slice:a:b"})
  void refusesWhatLeadsElsewhere(String given) {
    assertThrows(BerthException.InvalidArgument.class, () -> path(given, true));
  }
}
