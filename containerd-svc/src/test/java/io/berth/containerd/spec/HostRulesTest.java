package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.DeviceWeight;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.Rlimit;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.api.message.LimitMessages;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.ResourceSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class HostRulesTest {
  private static final long MEBI = 1L << 20;

  @Test
  void whatIsNotGiven_isCompletedSoThatItShows() {
    HostSettings host =
        complete(
            HostConfig.newBuilder()
                .setResources(Resources.newBuilder().setMemory(64 * MEBI).setCpuShares(1))
                .build());
    assertEquals(128 * MEBI, host.resources().memory().swap());
    assertEquals(2, host.resources().cpu().shares());
    assertEquals(64 * MEBI, host.storage().sharedMemory());
    assertEquals("private", host.namespaces().ipc());
    assertEquals(host, complete(HostMessages.write(host)), "complete is complete");
  }

  /** What is given for memory and swap together, and what is written. */
  record Swap(long memory, long swap, Long written) {}

  static List<Swap> swaps() {
    return List.of(
        new Swap(0, 0, null),
        new Swap(64 * MEBI, 0, 128 * MEBI),
        new Swap(64 * MEBI, 96 * MEBI, 96 * MEBI),
        new Swap(64 * MEBI, 64 * MEBI, 64 * MEBI),
        new Swap(64 * MEBI, -1, -1L),
        new Swap(0, -1, -1L));
  }

  @ParameterizedTest
  @MethodSource("swaps")
  void swap(Swap row) {
    ResourceSettings complete =
        ResourceRules.complete(
            LimitMessages.read(
                Resources.newBuilder().setMemory(row.memory()).setMemorySwap(row.swap()).build()),
            Processors.of(4));
    assertEquals(
        row.written(), ResourceRules.runtime(complete, Requests.facts().devices()).memory().swap());
  }

  /** A request that is refused, and the line that says why. */
  record Refused(String line, UnaryOperator<HostConfig.Builder> wish) {
    @Override
    public String toString() {
      return line;
    }
  }

  static List<Refused> refusedLimits() {
    return List.of(
        limits("memory limit `4096`: below the least, 6 MiB", r -> r.setMemory(4096)),
        limits("memory limit `-1`: below the least, 6 MiB", r -> r.setMemory(-1)),
        limits(
            "memory reservation `20971520`: above the memory limit 10485760",
            r -> r.setMemory(10 * MEBI).setMemoryReservation(20 * MEBI)),
        limits(
            "swap limit `10485760`: counts memory and swap together; give a memory limit as well",
            r -> r.setMemorySwap(10 * MEBI)),
        limits(
            "swap limit `10485760`: counts memory and swap together; must not be below the memory"
                + " limit 20971520",
            r -> r.setMemory(20 * MEBI).setMemorySwap(10 * MEBI)),
        limits(
            "cpus: and cpu period or quota exclude each other; give one",
            r -> r.setNanoCpus(1_000_000_000).setCpuQuota(1000)),
        limits(
            "cpus `4.5`: must be from 0.01 to 4, for there are no more",
            r -> r.setNanoCpus(4_500_000_000L)),
        limits(
            "cpu period `999`: must be from 1000 to 1000000 microseconds",
            r -> r.setCpuPeriod(999)),
        limits("cpu quota `999`: must be 1000 microseconds or more", r -> r.setCpuQuota(999)),
        limits("blkio weight `9`: must be from 10 to 1000", r -> r.setBlkioWeight(9)),
        limits("pids limit `-2`: must be above 0, or -1 for none", r -> r.setPids(-2)),
        limits("memory swappiness `101`: must be from 0 to 100", r -> r.setMemorySwappiness(101)),
        limits(
            "blkio weight of `/dev/disks` `9`: must be from 10 to 1000",
            r ->
                r.addBlkioWeightDevice(
                    DeviceWeight.newBuilder().setPath("/dev/disks").setWeight(9))),
        limits("cpuset cpus `0;1`: is no list; write 0-2,7", r -> r.setCpusetCpus("0;1")));
  }

  static List<Refused> refusedWishes() {
    return List.of(
        new Refused("shm size `-1`: must not be negative", h -> h.setShmSize(-1)),
        new Refused("oom score `1001`: must be from -1000 to 1000", h -> h.setOomScoreAdj(1001)),
        new Refused(
            "cap-add `CAP_FLY`: there is no such capability; see capabilities(7)",
            h -> h.addCapAdd("CAP_FLY")),
        new Refused(
            "ulimit `fly`: there is none of that name; write nofile=1024:2048",
            h -> h.addRlimits(Rlimit.newBuilder().setName("fly"))),
        new Refused(
            "ulimit `nofile`: the soft limit is above the hard one",
            h -> h.addRlimits(Rlimit.newBuilder().setName("nofile").setSoft(-1).setHard(5))),
        new Refused(
            "ulimit `nofile`: the host gives at most 1048576",
            h -> h.addRlimits(Rlimit.newBuilder().setName("nofile").setHard(-1))),
        new Refused(
            "pid mode `container:`: names no container; write container:NAME",
            h -> h.setPidMode("container:")),
        new Refused(
            "uts mode `none`: there is none of that name; write host or private",
            h -> h.setUtsMode("none")),
        new Refused(
            "cgroup mode `shareable`: there is none of that name; write host or private",
            h -> h.setCgroupnsMode("shareable")),
        new Refused(
            "device rule `c 1`: is none; write TYPE MAJOR:MINOR RIGHTS, such as `c 42:* rmw`",
            h -> h.addDeviceCgroupRules("c 1")),
        new Refused(
            "sysctl `kernel.panic`: belongs to the whole host, not to a container; set it there",
            h -> h.putSysctls("kernel.panic", "1")),
        new Refused(
            "sysctl `net/../kernel/panic`: is no name of a kernel parameter",
            h -> h.putSysctls("net/../kernel/panic", "1")),
        new Refused(
            "sysctl `kernel/shmmax`: the container shares the host's ipc namespace; set it on the"
                + " host",
            h -> h.setIpcMode("host").putSysctls("kernel/shmmax", "1")),
        new Refused(
            "can't create 'AutoRemove' container with restart policy; leave one of the two out",
            h -> h.setAutoRemove(true).setRestart(RestartPolicy.newBuilder().setName("always"))));
  }

  private static Refused limits(String line, UnaryOperator<Resources.Builder> wish) {
    return new Refused(line, h -> h.setResources(wish.apply(Resources.newBuilder())));
  }

  @ParameterizedTest
  @MethodSource({"refusedLimits", "refusedWishes"})
  void contradictions_areRefusedInOneLine(Refused row) {
    HostConfig wish = row.wish().apply(HostConfig.newBuilder()).build();
    BerthException e = assertThrows(BerthException.InvalidArgument.class, () -> complete(wish));
    assertEquals(row.line(), e.getMessage());
  }

  @Test
  void sysctlsOfTheHostsNetwork_areRefused() {
    HostConfig host = HostConfig.newBuilder().putSysctls("net.core.somaxconn", "9").build();
    complete(host);
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Requests.complete(Requests.shell(), host, network("host"), Requests.facts()));
    assertEquals(
        "sysctl `net.core.somaxconn`: the container shares the host's network namespace; set it on"
            + " the host",
        e.getMessage());
  }

  @Test
  void aHostnameBesideTheHostsName_isRefused() {
    Config config = Requests.shell().toBuilder().setHostname("mine").build();
    HostConfig host = HostConfig.newBuilder().setUtsMode("host").build();
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> Requests.complete(config, host, network(""), Requests.facts()));
    assertThrows(
        BerthException.InvalidArgument.class,
        () ->
            Requests.complete(
                config, HostConfig.getDefaultInstance(), network("container:x"), Requests.facts()));
  }

  @Test
  void portsOnTheHostsNetwork_areDiscardedAloud() {
    NetworkConfig network =
        network("host").toBuilder().addPorts(PortBinding.newBuilder().setContainerPort(80)).build();
    assertEquals(
        List.of("published ports are discarded when using host network mode"),
        Requests.complete(
                Requests.shell(), HostConfig.getDefaultInstance(), network, Requests.facts())
            .warnings());
  }

  @ParameterizedTest // case N12
  @CsvSource({
    "container:x, port",
    "container:x, all",
    "container:x, ip",
    "container:x, mac",
    "container:x, alias",
    "host, ip",
    "host, mac",
    "host, alias",
    "none, ip",
    "none, alias",
    "bridge, alias",
    "'', alias"
  })
  void wishesThatANetworkModeCannotGrant_areRefused(String mode, String wish) {
    NetworkConfig.Builder network = network(mode).toBuilder();
    switch (wish) {
      case "port" -> network.addPorts(PortBinding.newBuilder().setContainerPort(80));
      case "all" -> network.setPublishAll(true);
      case "ip" -> network.setAddress("10.1.0.9");
      case "mac" -> network.setMac("02:00:00:00:00:09");
      default -> network.addAliases("db");
    }
    BerthException refused =
        assertThrows(
            BerthException.InvalidArgument.class,
            () ->
                Requests.complete(
                    Requests.shell(),
                    HostConfig.getDefaultInstance(),
                    network.build(),
                    Requests.facts()));
    assertTrue(
        refused.getMessage().startsWith("network mode `" + (mode.isEmpty() ? "bridge" : mode)),
        refused.getMessage());
    // On a network that a user made, each of them has a meaning.
    var _ =
        Requests.complete(
            Requests.shell(),
            HostConfig.getDefaultInstance(),
            network.setMode("mine").build(),
            Requests.facts());
  }

  @Test
  void oomKillDisable_isForVersion1Only() {
    HostConfig host = HostConfig.newBuilder().setOomKillDisable(true).build();
    HostRules.Completed on2 =
        Requests.complete(Requests.shell(), host, network(""), Requests.facts());
    assertEquals(false, on2.host().limits().oomKillDisable());
    assertEquals(1, on2.warnings().size());
    HostRules.Completed on1 =
        Requests.complete(Requests.shell(), host, network(""), Requests.facts(CgroupMode.V1));
    assertEquals(true, on1.host().limits().oomKillDisable());
    assertEquals(1, on1.warnings().size(), "without a memory limit it is dangerous");
  }

  /** Case L25. */
  @Test
  void processorsThatTheHostDoesNotHave_areNamed() {
    for (String[] row :
        new String[][] {
          {"99", "requested 99, available 0-3"},
          {"0,3-5,2", "requested 0,2-5, available 0-3"},
          {"3-2", "is no list; write 0-2,7"},
          {"1,", "is no list; write 0-2,7"},
        }) {
      ResourceSettings given = read(Resources.newBuilder().setCpusetCpus(row[0]));
      BerthException e =
          assertThrows(
              BerthException.InvalidArgument.class,
              () -> ResourceRules.complete(given, Processors.of(4)));
      assertEquals("cpuset cpus `" + row[0] + "`: " + row[1], e.getMessage());
    }
    ResourceSettings node = read(Resources.newBuilder().setCpusetMems("1"));
    assertThrows(
        BerthException.InvalidArgument.class,
        () ->
            ResourceRules.update(ResourceSettings.NONE, node, Requests.facts(), new ArrayList<>()));
    ResourceSettings all = read(Resources.newBuilder().setCpusetCpus("3,0-2").setCpusetMems("0"));
    assertEquals(all, ResourceRules.complete(all, Processors.of(4)));
  }

  // case L23: what a change does not name stays, also a limit that was the default.
  @Test
  void update_changesWhatIsGivenAlone() {
    ResourceSettings now =
        ResourceRules.complete(
            read(Resources.newBuilder().setMemory(64 * MEBI).setNanoCpus(500_000_000).setPids(5)),
            Processors.of(4));
    ResourceSettings next =
        ResourceRules.update(
            now,
            read(Resources.newBuilder().setMemory(32 * MEBI).setCpuQuota(7000)),
            Requests.facts(),
            new ArrayList<>());
    assertEquals(
        read(
            Resources.newBuilder()
                .setMemory(32 * MEBI)
                .setMemorySwap(128 * MEBI)
                .setCpuQuota(7000)
                .setPids(5)),
        next);
    ResourceSettings explicit = now.withMemory(now.memory().withSwap(80 * MEBI));
    ResourceSettings more = read(Resources.newBuilder().setMemory(96 * MEBI));
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> ResourceRules.update(explicit, more, Requests.facts(), new ArrayList<>()));
    ResourceSettings both = read(Resources.newBuilder().setMemory(96 * MEBI).setMemorySwap(-1));
    assertEquals(
        -1,
        ResourceRules.update(explicit, both, Requests.facts(), new ArrayList<>()).memory().swap());
  }

  private static NetworkConfig network(String mode) {
    return NetworkConfig.newBuilder().setMode(mode).build();
  }

  private static ResourceSettings read(Resources.Builder limits) {
    return LimitMessages.read(limits.build());
  }

  private static HostSettings complete(HostConfig host) {
    return Requests.complete(
            Requests.shell(), host, NetworkConfig.getDefaultInstance(), Requests.facts())
        .host();
  }
}
