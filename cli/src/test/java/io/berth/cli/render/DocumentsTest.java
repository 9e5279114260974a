package io.berth.cli.render;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.base.json.Json;
import io.berth.cli.template.Template;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What templates find in our documents, under docker's names. */
final class DocumentsTest {
  private static Container container() {
    Container.Builder container = Container.newBuilder().setId("c1").setName("web");
    HostConfig.Builder host = container.getHostBuilder();
    host.addRlimitsBuilder().setName("RLIMIT_NOFILE").setSoft(100).setHard(200);
    host.putSysctls("net.ipv4.ip_default_ttl", "70").setNoNewPrivileges(true);
    host.setSeccomp("unconfined").getResourcesBuilder().setBlkioWeight(300);
    host.setCgroupnsMode("private").addDeviceCgroupRules("c 42:* rmw");
    Resources.Builder limits = host.getResourcesBuilder();
    limits.setMemorySwappiness(60).setCpuRealtimeRuntime(5);
    limits.addBlkioWeightDeviceBuilder().setPath("/dev/a").setWeight(200);
    limits.addDeviceWriteIopsBuilder().setPath("/dev/a").setRate(7);
    host.addMountsBuilder().setType("tmpfs").setTarget("/scratch").addOptions("size=1m");
    host.addMountsBuilder().setType("volume").setSource("data1").setTarget("/data");
    host.addMountsBuilder().setType("bind").setSource("/h").setTarget("/b").setReadOnly(true);
    host.addDevicesBuilder()
        .setHostPath("/dev/null")
        .setContainerPath("/dev/x")
        .setPermissions("rwm");
    container.addMountsBuilder().setTarget("/data").setSource("/root/volumes/data1");
    container
        .setNetwork(NetworkConfig.newBuilder().setMode("red"))
        .getEndpointBuilder()
        .setNetwork("red")
        .setAddress("10.0.0.2")
        .addPortsBuilder()
        .setHostPort(8080)
        .setContainerPort(80)
        .setProtocol("tcp");
    return container.build();
  }

  private static Container publishing() {
    Container.Builder container = Container.newBuilder();
    container
        .getNetworkBuilder()
        .addPortsBuilder()
        .setHostPort(80)
        .setContainerPort(80)
        .setProtocol("tcp");
    return container.build();
  }

  // Cases L16, F2 and F4.
  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      value = {
        "{{.HostConfig.Ulimits}}![nofile=100:200]",
        "{{.HostConfig.Sysctls}}!map[net.ipv4.ip_default_ttl:70]",
        "{{.HostConfig.Tmpfs}}!map[/scratch:size=1m]",
        "{{.HostConfig.SecurityOpt}}![no-new-privileges seccomp=unconfined]",
        "{{.HostConfig.Devices}}![{/dev/null /dev/x rwm}]",
        "{{.HostConfig.BlkioWeight}}!300",
        "{{range .HostConfig.BlkioWeightDevice}}{{.Path}} {{.Weight}}{{end}}!/dev/a 200",
        "{{range .HostConfig.BlkioDeviceWriteIOps}}{{.Path}} {{.Rate}}{{end}}!/dev/a 7",
        "{{.HostConfig.MemorySwappiness}}!60",
        "{{.HostConfig.CpuRealtimeRuntime}}!5",
        "{{.HostConfig.CgroupnsMode}}!private",
        "{{.HostConfig.DeviceCgroupRules}}![c 42:* rmw]",
        "{{.HostConfig.Binds}}![data1:/data /h:/b:ro]",
        "{{with index .Mounts 1}}{{.Name}} {{.Source}} {{.Driver}}{{end}}!data1 /root/volumes/data1"
            + " local",
        "{{range .Mounts}}{{if eq .Type \"bind\"}}{{.RW}} {{.Propagation}}{{end}}{{end}}!false"
            + " rprivate",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}!10.0.0.2",
        "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}!8080",
      })
  void aContainerHasDockersFields(String template, String expected) {
    String answer =
        Template.parse(template).apply("types.ContainerJSON", ContainerDocument.of(container()));
    assertEquals(expected, answer, template);
  }

  /** As docker: what nobody asked for is null, and the platform is the operating system's name. */
  @Test
  void whatNobodyAskedForIsNull() {
    Container container = container().toBuilder().setPlatform("linux/amd64").build();
    ObjectNode document = ContainerDocument.of(container);
    assertEquals(
        "null null null linux",
        Template.parse(
                "{{json .HostConfig.CapAdd}} {{json .HostConfig.ExtraHosts}} {{json"
                    + " .Config.Entrypoint}} {{.Platform}}")
            .apply("types.ContainerJSON", document));
    assertEquals(
        "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"80\"}]}",
        Template.parse("{{json .HostConfig.PortBindings}}")
            .apply("types.ContainerJSON", ContainerDocument.of(publishing())));
    assertEquals(
        "[] 0",
        Template.parse("{{.HostConfig.CapAdd}} {{len .HostConfig.GroupAdd}}")
            .apply("types.ContainerJSON", document));
    assertEquals(
        "null null",
        Template.parse("{{json .Config.Volumes}} {{json .Config.Entrypoint}}")
            .apply("types.ImageInspect", ImageDocument.of(Image.getDefaultInstance())));
  }

  // Case F5.
  @Test
  void theOthersHaveDockersFields() {
    ObjectNode volume =
        VolumeDocument.of(Volume.newBuilder().setName("v").setPath("/root/volumes/v").build());
    assertEquals(
        "/root/volumes/v", Template.parse("{{.Mountpoint}}").apply("types.Volume", volume));
    ObjectNode network =
        NetworkDocument.of(
            Network.newBuilder().setName("red").setSubnet("10.0.0.0/24").build(),
            List.of(
                Endpoint.newBuilder()
                    .setContainer("c1")
                    .setAddress("10.0.0.2")
                    .setPrefixLength(24)
                    .build()),
            Map.of("c1", "web"));
    assertEquals(
        "10.0.0.0/24 web 10.0.0.2/24",
        Template.parse(
                "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
                    + "{{range .Containers}} {{.Name}} {{.IPv4Address}}{{end}}")
            .apply("types.NetworkResource", network));
    assertEquals(
        "1.2 abc",
        Template.parse("{{.Server.Version}} {{.Server.GitCommit}}")
            .apply("system.versionInfo", EngineDocument.version("1.2", "abc")));
    ObjectNode info = Json.mapper().createObjectNode();
    info.putObject("containers").put("containers", 3).put("running", 2).put("cgroups", "v2");
    EngineDocument.addInfo(info, Path.of("/root"));
    assertEquals(
        "3 2 2 /root",
        Template.parse(
                "{{.Containers}} {{.ContainersRunning}} {{.CgroupVersion}} {{.DockerRootDir}}")
            .apply("system.info", info));
  }

  @Test
  void infoNamesAppArmorOnlyWhereItConfines() {
    // Scripts for docker look there for `name=apparmor`.
    assertEquals("[name=apparmor name=seccomp,profile=default]", securityOptions("berth-default"));
    assertEquals(
        "[name=seccomp,profile=default]", securityOptions("no default profile: not installed"));
    assertEquals("[name=seccomp,profile=default]", securityOptions("off: this kernel has none"));
  }

  private static String securityOptions(String appArmor) {
    ObjectNode info = Json.mapper().createObjectNode();
    info.putObject("containers").put("apparmor", appArmor);
    EngineDocument.addInfo(info, Path.of("/root"));
    return Template.parse("{{.SecurityOptions}}").apply("system.info", info);
  }
}
