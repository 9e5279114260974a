package io.berth.shim.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.oci.runtime.Resources;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

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
            "hugetlb.2MB.limit_in_bytes=4"),
        lines(Limits.version1(all)));
    assertEquals(
        List.of(
            "memory.swap.max=max",
            "memory.max=max",
            "cpu.weight=20",
            "cpu.max=50000 100000",
            "cpuset.cpus=0-1",
            "cpuset.mems=0",
            "pids.max=max",
            "io.max=8:0 rbps=1048576",
            "hugetlb.2MB.max=4",
            "memory.high=5"),
        lines(Limits.version2(all)));
  }

  @Test
  void deviceRulesKeepTheirOrderAndTheUsualNodesAreAllowed() {
    List<String> rules =
        lines(
            Limits.devices1(
                resources(
                    "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,"
                        + "\"type\":\"b\",\"major\":8,\"access\":\"r\"}]}")));
    assertEquals("devices.deny=a", rules.get(0));
    assertEquals("devices.allow=b 8:* r", rules.get(1));
    assertEquals(true, rules.contains("devices.allow=c 1:3 rwm"));
  }
}
