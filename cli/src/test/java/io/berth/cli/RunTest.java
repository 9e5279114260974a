package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.base.rpc.UnixServer;
import io.berth.testing.InProcessGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How {@code run} and {@code create} come from a line to a container. */
final class RunTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private final EngineDouble engine = new EngineDouble();
  private Lines lines = new Lines(Map.of());

  @BeforeEach
  void serve() throws IOException {
    lines = new Lines(engine.serve(grpc));
  }

  @Test
  void runsInTheBackground() {
    assertEquals(
        0,
        lines.berth(
            "run", "-d", "--name", "web", "-e", "A", "-p", "8080:80", "busybox", "sh", "-c", "x"));
    assertEquals("0123\n", lines.out());
    assertEquals(List.of("run web detached"), engine.asked);
    assertEquals(List.of("sh", "-c", "x"), engine.created.getConfig().getCmdList());
    assertEquals(List.of("A=own"), engine.created.getConfig().getEnvList());
    assertEquals("busybox", engine.created.getFromImage().getRef());
    assertEquals(8080, engine.created.getNetwork().getPorts(0).getHostPort());
  }

  /** An empty entrypoint is one. */
  @Test
  void anEmptyEntrypointIsTold() {
    assertEquals(0, lines.berth("create", "--entrypoint", "", "busybox", "true"));
    assertTrue(engine.created.getConfig().getEntrypointSet());
    assertEquals(0, engine.created.getConfig().getEntrypointCount());
  }

  @Test
  void pullsWhatIsMissing() {
    engine.imageIsHere.set(false);
    assertEquals(0, lines.berth("create", "busybox"));
    assertEquals(List.of("create ", "pull busybox", "create "), engine.asked);
    assertEquals("0123\n", lines.out());
    assertTrue(lines.err().contains("layer: downloading"), lines.err());
  }

  @Test
  void neverPullsWhenTold() {
    engine.imageIsHere.set(false);
    assertEquals(1, lines.berth("create", "--pull", "never", "busybox"));
    assertEquals(List.of("create "), engine.asked);
    assertEquals("berth: image `busybox`: none\n", lines.err());
  }

  /** Only an image can be pulled. */
  @Test
  void anotherThingThatIsMissingIsNotPulled() {
    engine.otherIsMissing.set(true);
    assertEquals(125, lines.berth("run", "--network", "container:other", "busybox"));
    assertEquals(List.of("run "), engine.asked);
    assertEquals("berth: No such container: other\n", lines.err());
  }

  @Test
  void aFailedCreateIsToldAndLeavesNothingToUndo() {
    engine.createFails.set(true);
    assertEquals(1, lines.berth("create", "--name", "taken", "busybox"));
    assertEquals(List.of("create taken"), engine.asked);
    assertEquals("berth: name `taken`: is in use\n", lines.err());
    assertEquals("", lines.out());
  }

  @Test
  void whatAServiceCannotReachIsNotTheService() {
    engine.imageIsHere.set(false);
    assertEquals(125, lines.berth("run", "unreachable", "true"));
    assertTrue(
        lines.err().endsWith("\nberth: fetch `unreachable`: connection refused\n"), lines.err());
  }

  /** Paths begin in the caller's folder, and an argument that looks like a file stays as it is. */
  @Test
  void filesAreTheCallers(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("vars"), "B=1\n");
    Files.writeString(folder.resolve("words"), "replaced\n");
    lines.folder(folder);
    assertEquals(
        0,
        lines.berth(
            "create", "--env-file", "vars", "--cidfile", "id", "-v", "./x:/x", "busybox", "@words"),
        lines.err());
    assertEquals(List.of("B=1"), engine.created.getConfig().getEnvList());
    assertEquals(List.of("@words"), engine.created.getConfig().getCmdList());
    assertEquals(folder + "/x", engine.created.getHost().getMounts(0).getSource());
    assertEquals("0123", Files.readString(folder.resolve("id")));
  }

  @Test // case V7
  void limitsOfDisksAndDevicesAreTold() {
    assertEquals(
        0,
        lines.berth(
            "create",
            "--blkio-weight-device=/dev/vda:200",
            "--device-read-bps=/dev/vda:1mb",
            "--device-write-bps=/dev/disk/by-id/a:b:512",
            "--device-read-iops=/dev/vda:100",
            "--device-write-iops=/dev/vda:200",
            "--memory-swappiness=60",
            "--cpu-rt-period=1000000",
            "--cpu-rt-runtime=950000",
            "--device-cgroup-rule",
            "c 42:* rmw",
            "--cgroupns=private",
            "--isolation=default",
            "--disable-content-trust",
            "--security-opt=label=disable",
            "--security-opt=apparmor=unconfined",
            "busybox"));
    HostConfig host = engine.created.getHost();
    Resources limits = host.getResources();
    assertEquals(200, limits.getBlkioWeightDevice(0).getWeight());
    assertEquals(1 << 20, limits.getDeviceReadBps(0).getRate());
    assertEquals("/dev/disk/by-id/a:b", limits.getDeviceWriteBps(0).getPath());
    assertEquals(100, limits.getDeviceReadIops(0).getRate());
    assertEquals(200, limits.getDeviceWriteIops(0).getRate());
    assertEquals(60, limits.getMemorySwappiness());
    assertEquals(1_000_000, limits.getCpuRealtimePeriod());
    assertEquals(950_000, limits.getCpuRealtimeRuntime());
    assertEquals(List.of("c 42:* rmw"), host.getDeviceCgroupRulesList());
    assertEquals("private", host.getCgroupnsMode());
    assertEquals("unconfined", host.getApparmor());
    assertEquals("busybox", engine.created.getFromImage().getRef());
  }

  @ParameterizedTest // case V7
  @CsvSource({
    "--isolation=hyperv",
    "--disable-content-trust=false",
    "--device-read-bps=/dev/vda",
    "--device-read-bps=vda:1",
    "--device-read-iops=/dev/vda:-1",
    "--blkio-weight-device=/dev/vda:1001",
    "--memory-swappiness=-2",
    "--security-opt=label=level:s0"
  })
  void whatCannotBeIsRefused(String option) {
    assertEquals(125, lines.berth("create", option, "busybox"));
    assertEquals(List.of(), engine.asked);
    assertEquals(1, lines.err().lines().count(), lines.err());
  }
}
