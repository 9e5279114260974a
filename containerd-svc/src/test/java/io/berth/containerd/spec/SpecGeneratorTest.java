package io.berth.containerd.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Device;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.base.error.BerthException;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.ResolvedUser;
import io.berth.oci.runtime.Linux;
import io.berth.oci.runtime.ProcessSpec;
import io.berth.oci.runtime.Resources;
import io.berth.oci.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class SpecGeneratorTest {
  @Test
  void environment_userOverImageOverDefaults_nothingOfTheHost() {
    Config user =
        Config.newBuilder()
            .addEnv("PATH=/x")
            .addEnv("HOME=/h")
            .addEnv("A=1")
            .addEnv("A=2")
            .addEnv("LANG")
            .addCmd("env")
            .build();
    ProcessSpec process =
        process(ConfigMessages.write(Requests.merge(user, Requests.IMAGE, label -> false)));
    assertEquals(List.of("PATH=/x", "HOSTNAME=4f6a0c2b9d1e", "HOME=/h", "A=2"), process.env());
  }

  @Test
  void aVariableWithoutName_isRefused() {
    Config config = Requests.shell().toBuilder().addEnv("=x").build();
    BerthException e = assertThrows(BerthException.InvalidArgument.class, () -> process(config));
    assertEquals("environment `=x`: the variable has no name; write NAME=VALUE", e.getMessage());
  }

  @Test
  void hostname_ownOrTheHostsOrTheFirstDigits() {
    assertEquals("4f6a0c2b9d1e", hostname("", ""));
    assertEquals("theirs.example", hostname("", "host"));
    assertEquals("own", hostname("own", "host"));
    assertEquals("own", hostname("own", ""));
    for (String bad : List.of("a b", "a\nb", "x".repeat(65), "a/b")) {
      assertThrows(BerthException.InvalidArgument.class, () -> hostname(bad, ""), bad);
    }
  }

  private static String hostname(String given, String network) {
    Config config = Requests.shell().toBuilder().setHostname(given).build();
    SpecRequest request =
        Requests.request(
            config,
            HostConfig.getDefaultInstance(),
            NetworkConfig.newBuilder().setMode(network).build());
    return Requests.generate(request).spec().hostname();
  }

  @Test
  void namespaces_followTheModes() {
    assertEquals(
        Map.of(
            "mount",
            "",
            "network",
            "/run/berth/t/0123456789ab/netns",
            "uts",
            "",
            "pid",
            "",
            "ipc",
            ""),
        namespaces(CgroupMode.V1, HostConfig.getDefaultInstance(), "bridge"),
        "no cgroup one on v1");
    assertEquals(
        Set.of("mount", "cgroup"),
        namespaces(
                CgroupMode.V2,
                HostConfig.newBuilder()
                    .setPidMode("host")
                    .setIpcMode("host")
                    .setUtsMode("host")
                    .build(),
                "host")
            .keySet());
  }

  @Test // case V7
  void whoseControlGroupsAreSeen_canBeChosen() {
    HostConfig own = HostConfig.newBuilder().setCgroupnsMode("private").build();
    HostConfig hosts = HostConfig.newBuilder().setCgroupnsMode("host").build();
    assertTrue(namespaces(CgroupMode.V1, own, "host").containsKey("cgroup"));
    assertTrue(!namespaces(CgroupMode.V2, hosts, "host").containsKey("cgroup"));
  }

  @Test // case V7
  void rulesForDevices_followThoseOfTheNodes() {
    HostConfig host =
        HostConfig.newBuilder()
            .addDevices(Device.newBuilder().setHostPath("/dev/fuse").setPermissions("r"))
            .addDeviceCgroupRules("c 42:* rmw")
            .addDeviceCgroupRules("b *:3 r")
            .build();
    List<Resources.DeviceRule> rules = Requests.generate(host).spec().linux().resources().devices();
    assertEquals(
        List.of(
            new Resources.DeviceRule(true, "c", 42L, null, "rmw"),
            new Resources.DeviceRule(true, "b", null, 3L, "r")),
        rules.subList(rules.size() - 2, rules.size()));
    HostConfig bare = host.toBuilder().clearDeviceCgroupRules().build();
    assertEquals(
        rules.subList(0, rules.size() - 2),
        Requests.generate(bare).spec().linux().resources().devices());
  }

  private static Map<String, String> namespaces(CgroupMode mode, HostConfig host, String network) {
    SpecRequest request =
        Requests.request(
            Requests.shell(),
            host,
            NetworkConfig.newBuilder().setMode(network).build(),
            Requests.facts(mode));
    RuntimeSpec spec =
        new SpecGenerator(Requests.facts(mode))
            .generate(request, Requests.container(Map.of()))
            .spec();
    return spec.linux().namespaces().stream()
        .collect(java.util.stream.Collectors.toMap(Linux.Namespace::type, Linux.Namespace::path));
  }

  @Test
  void anothersPids_areJoinedByPath_orRefusedWhileItDoesNotRun() {
    SpecRequest request =
        Requests.request(HostConfig.newBuilder().setPidMode("container:web").build());
    BerthException e =
        assertThrows(BerthException.FailedPrecondition.class, () -> Requests.generate(request));
    assertEquals(
        "pid mode `container:web`: that container is not running; start it", e.getMessage());
    ContainerFacts container = Requests.container(Map.of());
    ContainerFacts joining =
        new ContainerFacts(
            container.id(),
            container.taskFolder(),
            container.files(),
            Map.of(),
            Map.of("pid", Path.of("/proc/7/ns/pid")),
            null);
    assertEquals(
        new Linux.Namespace("pid", "/proc/7/ns/pid"),
        new SpecGenerator(Requests.facts())
            .generate(request, joining)
            .spec()
            .linux()
            .namespace("pid"));
  }

  @Test
  void cgroup_belowTheInstances_orWhereThePersonSays() {
    assertEquals("/berth-0a1b2c/" + Requests.ID, cgroup(""));
    assertEquals("/berth-0a1b2c/a/b/" + Requests.ID, cgroup("a//b"));
    assertEquals("/berth-0a1b2c/x/" + Requests.ID, cgroup("../../x"));
    assertEquals("/a/" + Requests.ID, cgroup("/a/./"));
    assertEquals("/" + Requests.ID, cgroup("/"));
  }

  private static String cgroup(String parent) {
    return Requests.generate(HostConfig.newBuilder().setCgroupParent(parent).build())
        .spec()
        .linux()
        .cgroupsPath();
  }

  @Test
  void theWorkingFolder_isCleanAndAbsolute() {
    assertEquals("/", process(Requests.shell()).cwd());
    assertEquals(
        "/a/c", process(Requests.shell().toBuilder().setWorkingDir("/a/b/../c/").build()).cwd());
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> process(Requests.shell().toBuilder().setWorkingDir("a").build()));
  }

  @Test
  void devicePermissions_areOfThreeLetters() {
    for (String bad : List.of("rr", "x", "rwmr")) {
      HostConfig host =
          HostConfig.newBuilder()
              .addDevices(Device.newBuilder().setHostPath("/dev/fuse").setPermissions(bad))
              .build();
      assertThrows(BerthException.InvalidArgument.class, () -> Requests.generate(host), bad);
    }
  }

  @Test
  void theReaper_needsItsProgram() {
    HostFacts facts = Requests.facts();
    HostFacts without =
        new HostFacts(
            facts.architecture(),
            facts.processors(),
            facts.hostname(),
            facts.cgroups(),
            facts.cgroupParent(),
            facts.capabilities(),
            facts.hardLimits(),
            facts.devices(),
            facts.present(),
            facts.appArmor(),
            null);
    SpecRequest request = Requests.request(HostConfig.newBuilder().setInit(true).build());
    assertThrows(
        BerthException.FailedPrecondition.class,
        () -> new SpecGenerator(without).generate(request, Requests.container(Map.of())));
  }

  @Test // case S16
  void theHeatOfEachProcessor_isMasked() {
    HostFacts facts = Requests.facts();
    String cpu = "/sys/devices/system/cpu/cpu";
    Set<String> there = Set.of(cpu + "0", cpu + "0/thermal_throttle", cpu + "1", cpu + "3");
    HostFacts warm =
        new HostFacts(
            facts.architecture(),
            facts.processors(),
            facts.hostname(),
            facts.cgroups(),
            facts.cgroupParent(),
            facts.capabilities(),
            facts.hardLimits(),
            facts.devices(),
            path -> facts.present().test(path) || there.contains(path.toString()),
            AppArmorFacts.OFF,
            null);
    List<String> masked =
        new SpecGenerator(warm)
            .generate(
                Requests.request(HostConfig.getDefaultInstance()), Requests.container(Map.of()))
            .spec()
            .linux()
            .maskedPaths();
    assertTrue(masked.contains(cpu + "0/thermal_throttle"), masked.toString());
    assertTrue(masked.contains("/sys/devices/virtual/powercap"), masked.toString());
    assertTrue(masked.contains("/proc/interrupts"), masked.toString());
    assertTrue(masked.stream().noneMatch(path -> path.startsWith(cpu + "1")), masked.toString());
  }

  // --- a process run later

  @Test
  void exec_hasTheContainersEnvironmentAndItsOwn() {
    Config config = Requests.shell().toBuilder().addEnv("A=container").addEnv("B=b").build();
    ProcessSpec init = process(config);
    ProcessSpec exec =
        exec(
            ExecCreateRequest.newBuilder()
                .addCmd("id")
                .addEnv("A=exec")
                .setTty(true)
                .setRows(24)
                .setColumns(80)
                .build(),
            init,
            config,
            Requests.user(0),
            Set.of());
    assertEquals(
        List.of(Environment.PATH, "HOSTNAME=4f6a0c2b9d1e", "A=exec", "B=b", "TERM=xterm"),
        exec.env());
    assertEquals(new ProcessSpec.Size(24, 80), exec.consoleSize());
    assertEquals(init.capabilities(), exec.capabilities());
    assertEquals(List.of("id"), exec.args());
  }

  @Test // case L6: who launches it finds the home, by the passwd file inside.
  void exec_ofAnotherUser_hasNotTheHomeOfTheFirstAndNoActiveCapabilities() {
    Config config = Requests.shell();
    ProcessSpec init = process(config);
    ExecCreateRequest request =
        ExecCreateRequest.newBuilder().addCmd("id").setWorkingDir("/tmp").build();
    ProcessSpec exec = exec(request, init, config, Requests.user(1000), Set.of());
    assertEquals(List.of(Environment.PATH, "HOSTNAME=4f6a0c2b9d1e"), exec.env());
    assertEquals(1000, exec.user().uid());
    assertEquals("/tmp", exec.cwd());
    assertNotNull(exec.capabilities());
    assertEquals(List.of(), exec.capabilities().effective());
    assertEquals(14, exec.capabilities().bounding().size());
    ProcessSpec all =
        exec(
            request.toBuilder().setPrivileged(true).build(),
            init,
            config,
            Requests.user(1000),
            Set.of("CAP_SYS_ADMIN"));
    assertNotNull(all.capabilities());
    assertEquals(List.of("CAP_SYS_ADMIN"), all.capabilities().effective());
  }

  // The primary group is among the supplementary ones, of the first process and of execs.
  @Test // case S2
  void thePrimaryGroup_isAmongTheSupplementaryOnes() {
    ResolvedUser bare = new ResolvedUser(1234, 10, List.of(), "");
    SpecRequest wish = Requests.request(HostConfig.newBuilder().addGroupAdd("77").build());
    ProcessSpec init =
        Requests.generate(
                new SpecRequest(
                    wish.config(), wish.host(), wish.network(), ImageSettings.NONE, bare))
            .spec()
            .process();
    assertNotNull(init);
    assertEquals(new ProcessSpec.User(1234, 10, null, List.of(10L, 77L)), init.user());
    ProcessSpec exec =
        ExecProcess.of(
            ConfigMessages.read(ExecCreateRequest.newBuilder().addCmd("id").build()),
            init,
            wish.config(),
            bare,
            Set.of());
    assertEquals(new ProcessSpec.User(1234, 10, null, List.of(10L)), exec.user());
  }

  @Test // case S18
  void aGroupOutOfRange_isRefused() {
    for (String group : List.of("4294967297", "2147483648", "99999999999", "-1")) {
      BerthException e =
          assertThrows(
              BerthException.InvalidArgument.class,
              () -> Requests.generate(HostConfig.newBuilder().addGroupAdd(group).build()),
              group);
      assertEquals("group " + group + ": not between 0 and 2147483647", e.getMessage());
    }
  }

  @Test
  void exec_withoutCommand_isRefused() {
    ProcessSpec init = process(Requests.shell());
    assertThrows(
        BerthException.InvalidArgument.class,
        () ->
            exec(
                ExecCreateRequest.getDefaultInstance(),
                init,
                Requests.shell(),
                Requests.user(0),
                Set.of()));
    assertNull(init.consoleSize());
  }

  private static ProcessSpec exec(
      ExecCreateRequest request,
      ProcessSpec init,
      Config config,
      ResolvedUser user,
      Set<String> available) {
    return ExecProcess.of(
        ConfigMessages.read(request), init, ConfigMessages.read(config), user, available);
  }

  private static ProcessSpec process(Config config) {
    ProcessSpec process =
        Requests.generate(
                Requests.request(
                    config, HostConfig.getDefaultInstance(), NetworkConfig.getDefaultInstance()))
            .spec()
            .process();
    assertNotNull(process);
    return process;
  }
}
