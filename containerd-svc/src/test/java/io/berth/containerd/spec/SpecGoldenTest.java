package io.berth.containerd.spec;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Device;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.Rlimit;
import io.berth.base.json.Json;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.oci.runtime.RuntimeSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whole specifications. {@code -Dgolden.write=FOLDER} writes them anew, to be read as a diff. */
final class SpecGoldenTest {
  @Test
  void whatAnImageRunsByDefault() throws IOException {
    Config config = merged(Config.getDefaultInstance());
    check(
        "default", config, HostConfig.getDefaultInstance(), NetworkConfig.getDefaultInstance(), 0);
  }

  @Test
  void aLimitedTerminalOfAnotherUser() throws IOException {
    Config config =
        Config.newBuilder()
            .setTty(true)
            .setHostname("desk")
            .setDomainname("example.org")
            .addEnv("LANG=de_DE.UTF-8")
            .addAllCmd(java.util.List.of("sh", "-l"))
            .build();
    HostConfig host =
        HostConfig.newBuilder()
            .setResources(
                Resources.newBuilder()
                    .setMemory(64 << 20)
                    .setNanoCpus(1_500_000_000L)
                    .setCpuShares(1)
                    .setCpusetCpus("0-1,3")
                    .setPids(100)
                    .setBlkioWeight(300))
            .addRlimits(Rlimit.newBuilder().setName("nofile").setSoft(1024).setHard(4096))
            .addRlimits(Rlimit.newBuilder().setName("core").setSoft(0).setHard(-1))
            .addCapAdd("net_admin")
            .addCapDrop("CAP_MKNOD")
            .addGroupAdd("99")
            .setOomScoreAdj(500)
            .setNoNewPrivileges(true)
            .setShmSize(1 << 20)
            .putSysctls("net.ipv4.ip_forward", "1")
            .putAnnotations("org.example.who", "me")
            .setCgroupParent("mine")
            .setInit(true)
            .build();
    check("limited", merged(config), host, NetworkConfig.newBuilder().setMode("lan").build(), 1000);
  }

  @Test
  void privilegedOnTheHostsNetwork() throws IOException {
    HostConfig host =
        HostConfig.newBuilder()
            .setPrivileged(true)
            .setPidMode("host")
            .setIpcMode("host")
            .setUtsMode("host")
            .setCgroupParent("/theirs/")
            .build();
    check(
        "privileged",
        Requests.shell(),
        host,
        NetworkConfig.newBuilder().setMode("host").build(),
        0);
  }

  @Test
  void readOnlyWithMountsAndADevice() throws IOException {
    HostConfig host =
        HostConfig.newBuilder()
            .setReadOnlyRootfs(true)
            .addMounts(mount("bind", "/srv/data/conf", "/data/conf/deep").setReadOnly(true))
            .addMounts(mount("bind", "/srv/data", "/data").addOptions("rslave"))
            .addMounts(mount("bind", "/srv/new", "/new").addOptions("bind-recursive=disabled"))
            .addMounts(mount("volume", "cache", "/var/cache").addOptions("nocopy"))
            .addMounts(mount("tmpfs", "", "/run").addOptions("size=64k").addOptions("exec"))
            .addMounts(mount("bind", "/srv/data", "/etc/hosts"))
            .addDevices(Device.newBuilder().setHostPath("/dev/fuse").setPermissions("rw"))
            .addDevices(Device.newBuilder().setHostPath("/dev/disks").setContainerPath("/dev/d"))
            .build();
    check("mounts", Requests.shell(), host, NetworkConfig.newBuilder().setMode("none").build(), 0);
  }

  @Test
  void theDefaultProfile() throws IOException {
    JsonNode profile =
        Json.tree(
            SpecJson.bytes(new SeccompProfiles("x86_64").of("", CapabilityRules.DEFAULT)),
            "profile");
    compare("seccomp", Json.pretty(profile));
  }

  private static Config merged(Config config) {
    return ConfigMessages.write(Requests.merge(config, Requests.IMAGE, label -> false));
  }

  private static Mount.Builder mount(String type, String source, String target) {
    return Mount.newBuilder().setType(type).setSource(source).setTarget(target);
  }

  private static void check(
      String name, Config config, HostConfig host, NetworkConfig network, int uid)
      throws IOException {
    SpecRequest wish = Requests.request(config, host, network);
    SpecRequest request =
        new SpecRequest(
            wish.config(),
            wish.host(),
            wish.network(),
            ConfigMessages.read(Requests.IMAGE),
            Requests.user(uid));
    GeneratedSpec generated =
        new SpecGenerator(Requests.facts())
            .generate(
                request,
                Requests.container(
                    Map.of("/var/cache", Path.of("/var/lib/berth/volumes/cache/data"))));
    assertEquals(
        generated.spec(),
        RuntimeSpec.read(generated.json(), name),
        "what is written is read as the same");
    ObjectNode tree = (ObjectNode) Json.tree(generated.json(), name);
    ObjectNode linux = (ObjectNode) tree.get("linux");
    if (linux.has("seccomp")) {
      Set<String> bound = Set.copyOf(generated.spec().process().capabilities().bounding());
      assertEquals(
          Json.tree(SpecJson.bytes(new SeccompProfiles("x86_64").of("", bound)), name),
          linux.get("seccomp"));
      linux.put("seccomp", "the default profile, in a file of its own");
    }
    compare(name, Json.pretty(tree));
  }

  private static void compare(String name, String text) throws IOException {
    String write = System.getProperty("golden.write");
    if (write != null) {
      Files.writeString(Path.of(write, "spec", name + ".json"), text + "\n");
    }
    try (InputStream in =
        SpecGoldenTest.class.getResourceAsStream("/golden/spec/" + name + ".json")) {
      assertNotNull(in, "no golden file for " + name);
      assertEquals(new String(in.readAllBytes(), UTF_8), text + "\n");
    }
  }
}
