package io.berth.shim.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.oci.runtime.Resources;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LimitsTest {
  private static Resources resources(String json) {
    return Resources.read(json.getBytes(StandardCharsets.UTF_8), "resources");
  }

  private static List<String> lines(List<Limits.Write> writes) {
    return writes.stream().map(write -> write.file() + "=" + write.value()).toList();
  }

  @Test
  void zeroMeansAsItIs() {
    Resources dockerd =
        resources(
            "{\"memory\":{\"limit\":134217728,\"reservation\":0,\"swap\":134217728,\"kernel\":0},"
                + "\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0},\"blockIO\":{\"weight\":0}}");
    assertEquals(
        List.of(
            "memory.memsw.limit_in_bytes=134217728",
            "memory.limit_in_bytes=134217728",
            "memory.memsw.limit_in_bytes=134217728"),
        lines(Limits.version1(dockerd)));
    assertEquals(
        List.of("memory.swap.max=0", "memory.max=134217728"), lines(Limits.version2(dockerd)));
    assertEquals(List.of(), Limits.version1(resources("{}")));
    assertEquals(List.of(), Limits.version2(resources("{}")));
  }

  @Test // case S13
  void aSwappinessThatNoKernelTakes_isRefusedOnBothVersions() {
    Resources high = resources("{\"memory\":{\"swappiness\":300}}");
    assertThrows(BerthException.InvalidArgument.class, () -> Limits.version1(high));
    assertThrows(BerthException.InvalidArgument.class, () -> Limits.version2(high));
    assertEquals(
        List.of("memory.swappiness=60"),
        lines(Limits.version1(resources("{\"memory\":{\"swappiness\":60}}"))));
    // What docker sends when nobody asked for one.
    assertEquals(List.of(), lines(Limits.version1(resources("{\"memory\":{\"swappiness\":-1}}"))));
  }

  @Test
  void everyLimitHasItsFile() {
    Resources all =
        resources(
            "{\"cpu\":{\"shares\":512,\"quota\":50000,\"period\":100000,\"cpus\":\"0-1\","
                + "\"mems\":\"0\"},\"pids\":{\"limit\":-1},\"memory\":{\"limit\":-1,\"swap\":-1},"
                + "\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,"
                + "\"rate\":1048576}]},\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}],"
                + "\"unified\":{\"memory.high\":\"5\"}}");
    assertEquals(
        List.of(
            "memory.memsw.limit_in_bytes=-1",
            "memory.limit_in_bytes=-1",
            "memory.memsw.limit_in_bytes=-1",
            "cpu.shares=512",
            "cpu.cfs_period_us=100000",
            "cpu.cfs_quota_us=50000",
            "cpuset.cpus=0-1",
            "cpuset.mems=0",
            "pids.max=max",
            "blkio.throttle.read_bps_device=8:0 1048576",
            "hugetlb.2MB.limit_in_bytes=4",
            "hugetlb.2MB.rsvd.limit_in_bytes=4"),
        lines(Limits.version1(all)));
    assertEquals(
        List.of(
            "memory.swap.max=max",
            "memory.max=max",
            "cpu.weight=59",
            "cpu.max=50000 100000",
            "cpuset.cpus=0-1",
            "cpuset.mems=0",
            "pids.max=max",
            "io.max=8:0 rbps=1048576",
            "hugetlb.2MB.max=4",
            "hugetlb.2MB.rsvd.max=4",
            "memory.high=5"),
        lines(Limits.version2(all)));
  }

  @Test
  void memoryAndSwapOfVersion2() {
    assertEquals(
        List.of("memory.swap.max=50", "memory.max=100", "memory.low=70"),
        lines(
            Limits.version2(
                resources("{\"memory\":{\"limit\":100,\"swap\":150,\"reservation\":70}}"))));
    assertEquals(
        List.of("memory.swap.max=max", "memory.max=max"),
        lines(Limits.version2(resources("{\"memory\":{\"limit\":-1}}"))));
    for (String wrong : List.of("{\"swap\":150}", "{\"limit\":100,\"swap\":99}")) {
      Resources resources = resources("{\"memory\":" + wrong + "}");
      assertThrows(BerthException.InvalidArgument.class, () -> Limits.version2(resources), wrong);
    }
  }

  @Test
  void sharesBecomeWeights() {
    assertEquals(1, Limits.weight(0));
    assertEquals(1, Limits.weight(2));
    assertEquals(59, Limits.weight(512));
    assertEquals(100, Limits.weight(1024));
    assertEquals(10_000, Limits.weight(262_144));
    assertEquals(10_000, Limits.weight(Long.MAX_VALUE));
    for (long shares = 3; shares < 300_000; shares++) {
      assertTrue(Limits.weight(shares) >= Limits.weight(shares - 1), "" + shares);
    }
  }

  @Test
  void quotaAndPeriodOfVersion2() {
    Map.of(
            "{\"quota\":50000}", "cpu.max=50000",
            "{\"quota\":-1}", "cpu.max=max",
            "{\"quota\":-1,\"period\":5000}", "cpu.max=max 5000",
            "{\"period\":5000}", "cpu.max=max 5000",
            "{\"quota\":70,\"period\":5000}", "cpu.max=70 5000")
        .forEach((given, line) ->
            assertEquals(
                List.of(line), lines(Limits.version2(resources("{\"cpu\":" + given + "}")))));
  }

  @Test
  void weightsAndRatesOfBlockDevices() {
    Resources io =
        resources(
            "{\"blockIO\":{\"weight\":500,\"weightDevice\":[{\"major\":8,\"minor\":16,"
                + "\"weight\":10}],\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,"
                + "\"rate\":0}]}}");
    assertEquals(
        List.of(
            "io.bfq.weight=default 500",
            "io.weight=default 4950",
            "io.bfq.weight=8:16 10",
            "io.weight=8:16 1",
            "io.max=8:0 wiops=max"),
        lines(Limits.version2(io)));
  }

  @Test
  void deviceRulesKeepTheirOrderAndTheUsualNodesAreAllowed() {
    List<String> rules =
        lines(
            DeviceLimits.version1(
                resources(
                    "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,"
                        + "\"type\":\"b\",\"major\":8,\"access\":\"r\"}]}")));
    assertEquals("devices.deny=a", rules.get(0));
    assertEquals("devices.allow=b 8:* r", rules.get(1));
    assertEquals(true, rules.contains("devices.allow=c 1:3 rwm"));
    assertEquals(false, rules.subList(1, rules.size()).contains("devices.deny=a"));
  }

  @Test
  void whatNoRuleAllowsIsDenied() {
    Resources disk =
        resources("{\"devices\":[{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":-1}]}");
    assertEquals(
        List.of("devices.deny=a", "devices.allow=b 8:* rwm"),
        lines(DeviceLimits.version1(disk)).subList(0, 2));
    assertEquals("devices.deny=a", lines(DeviceLimits.version1(Resources.NONE)).getFirst());
    String program = DeviceLimits.version2(disk).listing();
    assertTrue(program.contains("if r4 != 8 goto"), program);
    assertTrue(program.endsWith("r0 = 0\n" + (program.lines().count() - 1) + ": exit\n"), program);
    String nothing = DeviceLimits.version2(Resources.NONE).listing();
    assertTrue(!nothing.contains("r4 != 8 goto"), nothing);
  }

  @Test
  void deviceRulesThatMakeNoSenseAreRefused() {
    for (String wrong : List.of("\"type\":\"x\"", "\"type\":\"c\",\"access\":\"rx\"")) {
      Resources resources = resources("{\"devices\":[{\"allow\":true," + wrong + "}]}");
      assertThrows(BerthException.InvalidArgument.class, () -> DeviceLimits.version2(resources));
    }
  }

  /** A cgroup gives real-time tasks what it has itself, and begins with nothing. */
  @Test
  void aRealTimeLimitThatTheKernelRefuses_saysWhatToDo(@TempDir Path parent) throws Exception {
    Path folder = Files.createDirectory(parent.resolve("c"));
    Files.writeString(parent.resolve("cpu.rt_runtime_us"), "0\n");
    Limits.Write write =
        Limits.version1(resources("{\"cpu\":{\"realtimeRuntime\":95000}}")).getFirst();
    BerthException refused =
        CgroupLimits.refusal(
            folder.toString(), write, new SyscallException("write", write.file(), Errno.EINVAL));
    assertTrue(refused instanceof BerthException.FailedPrecondition);
    assertEquals(
        "limit cpu.rt_runtime_us 95000: cgroup `"
            + parent
            + "` does not give so much, it has 0 itself; write more to its cpu.rt_runtime_us and to"
            + " those above it, or leave --cpu-rt-runtime and --cpu-rt-period out",
        refused.getMessage());
    Limits.Write other = new Limits.Write("cpu", "cpu.shares", "1", Limits.Write.Failure.TOLD);
    assertTrue(
        CgroupLimits.refusal(
                folder.toString(), other, new SyscallException("write", "cpu.shares", Errno.EINVAL))
            instanceof BerthException.Unknown);
  }
}
