package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.DeviceRate;
import io.berth.api.berth.container.v1.DeviceWeight;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.LimitMessages;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.ResourceSettings;
import io.berth.oci.runtime.Resources.BlockIo;
import io.berth.oci.runtime.Resources.ThrottleDevice;
import io.berth.oci.runtime.Resources.WeightDevice;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of wishes that not every kernel can grant. */
final class ControllerRulesTest {
  private static final long MEBI = 1L << 20;

  /** A bound that this kernel cannot keep, and the line that says so. */
  record Lacking(String controller, String line, UnaryOperator<Resources.Builder> wish) {}

  static List<Lacking> lacking() {
    DeviceRate.Builder rate = DeviceRate.newBuilder().setPath("/dev/disks").setRate(9);
    return List.of(
        new Lacking(
            "cpuset",
            "cpuset cpus `0`: this kernel has no cpuset controller; leave it out",
            r -> r.setCpusetCpus("0")),
        new Lacking(
            "cpuset",
            "cpuset mems `0`: this kernel has no cpuset controller; leave it out",
            r -> r.setCpusetMems("0")),
        new Lacking(
            "memory",
            "memory limit `67108864`: this kernel has no memory controller; leave it out",
            r -> r.setMemory(64 * MEBI)),
        new Lacking(
            "cpu",
            "limit of cpus `0.5`: this kernel has no cpu controller; leave it out",
            r -> r.setNanoCpus(500_000_000)),
        new Lacking(
            "cpu",
            "cpu quota `5000`: this kernel has no cpu controller; leave it out",
            r -> r.setCpuQuota(5000)),
        new Lacking(
            "cpu",
            "cpu period `50000`: this kernel has no cpu controller; leave it out",
            r -> r.setCpuPeriod(50_000)),
        new Lacking(
            "memory",
            "memory reservation `6291456`: this kernel has no memory controller; leave it out",
            r -> r.setMemoryReservation(6 * MEBI)),
        new Lacking(
            "pids",
            "pids limit `5`: this kernel has no pids controller; leave it out",
            r -> r.setPids(5)),
        new Lacking(
            "io",
            "device read bps `/dev/disks`: this kernel has no io controller; leave it out",
            r -> r.addDeviceReadBps(rate)),
        new Lacking(
            "none",
            "cpu real-time period or runtime: cgroup v2 has none; leave them out",
            r -> r.setCpuRealtimeRuntime(1)));
  }

  @ParameterizedTest // case V7
  @MethodSource("lacking")
  void aBoundThatTheKernelCannotKeep_isRefused(Lacking row) {
    ControlGroups all = Requests.facts().cgroups();
    Set<String> rest = new HashSet<>(all.controllers());
    rest.remove(row.controller());
    HostFacts facts =
        Requests.facts(new ControlGroups(CgroupMode.V2, rest, all.weighsDisks(), all.realtime()));
    HostConfig wish =
        HostConfig.newBuilder().setResources(row.wish().apply(Resources.newBuilder())).build();
    BerthException e =
        assertThrows(
            BerthException.FailedPrecondition.class,
            () -> Requests.complete(Requests.shell(), wish, network(""), facts));
    assertEquals(row.line(), e.getMessage());
    // So does a change of what there is.
    assertThrows(
        BerthException.FailedPrecondition.class,
        () ->
            ResourceRules.update(
                ResourceSettings.NONE,
                LimitMessages.read(wish.getResources()),
                facts,
                new ArrayList<>()));
  }

  @Test // case V7
  void noLimit_needsNoController() {
    HostFacts facts =
        Requests.facts(new ControlGroups(CgroupMode.V2, Set.of("io", "cpuset"), true, false));
    HostConfig wish =
        HostConfig.newBuilder()
            .setResources(
                Resources.newBuilder()
                    .setPids(-1)
                    .setMemorySwap(-1)
                    .setCpuQuota(-1)
                    .setCpuPeriod(100_000))
            .build();
    HostRules.Completed completed = Requests.complete(Requests.shell(), wish, network(""), facts);
    assertEquals(ResourceSettings.NONE, completed.host().resources());
    assertEquals(List.of(), completed.warnings());
    HostRules.Completed kept =
        Requests.complete(Requests.shell(), wish, network(""), Requests.facts());
    assertEquals(LimitMessages.read(wish.getResources()), kept.host().resources());
  }

  @Test // case V7
  void aPreferenceThatTheKernelDoesNotKnow_isDiscardedAloud() {
    HostConfig wish =
        HostConfig.newBuilder()
            .setResources(Resources.newBuilder().setBlkioWeight(500).setMemorySwappiness(0))
            .build();
    HostFacts facts =
        Requests.facts(
            new ControlGroups(
                CgroupMode.V2, Requests.facts().cgroups().controllers(), false, false));
    HostRules.Completed completed = Requests.complete(Requests.shell(), wish, network(""), facts);
    assertEquals(
        List.of(
            "blkio weight: no scheduler of disks of this kernel heeds it; discarded",
            "memory swappiness: cgroup v2 has no such setting; discarded"),
        completed.warnings());
    assertEquals(ResourceSettings.NONE, completed.host().resources());
    HostRules.Completed kept =
        Requests.complete(Requests.shell(), wish, network(""), Requests.facts(CgroupMode.V1));
    assertEquals(List.of(), kept.warnings());
    assertEquals(LimitMessages.read(wish.getResources()), kept.host().resources());
  }

  @Test // case V7
  void limitsOfDisks_areWrittenByTheirNumbers() {
    String disk = "/dev/disks";
    DeviceRate.Builder rate = DeviceRate.newBuilder().setPath(disk);
    ResourceSettings given =
        read(
            Resources.newBuilder()
                .setBlkioWeight(300)
                .addBlkioWeightDevice(DeviceWeight.newBuilder().setPath(disk).setWeight(200))
                .addDeviceReadBps(rate.setRate(1))
                .addDeviceWriteBps(rate.setRate(2))
                .addDeviceReadIops(rate.setRate(3))
                .addDeviceWriteIops(rate.setRate(4)));
    DeviceSource devices = Requests.facts().devices();
    assertEquals(
        new BlockIo(
            300,
            null,
            List.of(new WeightDevice(8, 16, 200, null)),
            List.of(new ThrottleDevice(8, 16, 1)),
            List.of(new ThrottleDevice(8, 16, 2)),
            List.of(new ThrottleDevice(8, 16, 3)),
            List.of(new ThrottleDevice(8, 16, 4))),
        ResourceRules.runtime(given, devices).blockIo());
    // A change of the weight leaves what is said of single disks.
    ResourceSettings lighter =
        ResourceRules.update(
            given,
            read(Resources.newBuilder().setBlkioWeight(100)),
            Requests.facts(),
            new ArrayList<>());
    assertEquals(given.blockIo().readBps(), lighter.blockIo().readBps());
    assertEquals(100, lighter.blockIo().weight());
    ResourceSettings noDisk =
        read(Resources.newBuilder().addDeviceReadBps(rate.setPath("/dev/fuse")));
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class, () -> ResourceRules.runtime(noDisk, devices));
    assertEquals(
        "limit of device `/dev/fuse`: is no disk; name the node of one, such as /dev/sda",
        e.getMessage());
  }

  @ParameterizedTest // case V9
  @CsvSource({
    "true, berth-default, false, '', berth-default",
    "true, berth-default, true, '', unconfined",
    "true, berth-default, true, mine, mine",
    "true, berth-default, false, unconfined, unconfined",
    "true, berth-default, false, mine, mine",
    "true, '', false, '', unconfined",
    "false, '', false, '', ''",
    "false, '', false, unconfined, ''",
    "false, '', false, mine, refused"
  })
  void theProfileOfAppArmor_isTheDefaultOneUnlessItIsChosen(
      boolean enabled, String loaded, boolean privileged, String given, String expected) {
    HostFacts facts =
        Requests.facts(Requests.facts().cgroups(), new AppArmorFacts(enabled, loaded, "as it is"));
    HostConfig wish = HostConfig.newBuilder().setPrivileged(privileged).setApparmor(given).build();
    if (expected.equals("refused")) {
      BerthException e =
          assertThrows(
              BerthException.FailedPrecondition.class,
              () -> Requests.complete(Requests.shell(), wish, network(""), facts));
      assertEquals(
          "apparmor profile `mine`: AppArmor is not enabled on this host; leave it out",
          e.getMessage());
      return;
    }
    HostSettings complete = Requests.complete(Requests.shell(), wish, network(""), facts).host();
    assertEquals(expected, complete.privileges().apparmor());
    SpecRequest request = Requests.request(Requests.shell(), wish, network(""), facts);
    String named =
        new SpecGenerator(facts)
            .generate(request, Requests.container(Map.of()))
            .spec()
            .process()
            .apparmorProfile();
    assertEquals(expected.equals("unconfined") ? "" : expected, named);
  }

  private static NetworkConfig network(String mode) {
    return NetworkConfig.newBuilder().setMode(mode).build();
  }

  private static ResourceSettings read(Resources.Builder limits) {
    return LimitMessages.read(limits.build());
  }
}
