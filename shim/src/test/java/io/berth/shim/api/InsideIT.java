package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.base.id.TaskKey;
import io.grpc.StatusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a program sees of the specification. */
@Tag("root")
final class InsideIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  private String run(ObjectNode spec) throws Exception {
    TaskKey key = shims.key();
    return run(key, spec, shims.request(key).build());
  }

  private String run(TaskKey key, ObjectNode spec, CreateTaskRequest request) throws Exception {
    shims.create(key, spec, request);
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
    return shims.said(key);
  }

  @Test
  void rootReadOnlyAndMaskedAndReadOnlyPaths() throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "touch /x 2>&1; cat /proc/timer_list; ls /sys/firmware;"
                + " echo 1 2>&1 > /proc/sys/kernel/printk; touch /dev/shm/ok && echo shm");
    ((ObjectNode) spec.get("root")).put("readonly", true);
    String said = run(spec);
    assertTrue(said.contains("touch: /x: Read-only file system"), said);
    assertTrue(said.contains("printk: Read-only file system"), said);
    assertTrue(said.endsWith("shm\n"), said);
    assertEquals(4, said.split("\n", -1).length, said);
  }

  @Test // case S2
  void capabilitiesIdsGroupsUmaskAndHome() throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "id -u; id -g; id -G; umask; pwd; echo $HOME; grep Cap /proc/self/status;"
                + " grep Groups /proc/self/status");
    ObjectNode process = (ObjectNode) spec.get("process");
    ObjectNode user = process.putObject("user");
    user.put("uid", 1000).put("gid", 1000).put("umask", 027).putArray("additionalGids").add(5);
    process.put("cwd", "/work/deeper");
    String[] lines = run(spec).split("\n", -1);
    assertEquals("1000", lines[0]);
    assertEquals("1000", lines[1]);
    assertEquals("1000 5", lines[2]);
    assertEquals("0027", lines[3]);
    assertEquals("/work/deeper", lines[4]);
    assertEquals("/work", lines[5]);
    // A user who is not root loses the sets at execve; the bounding set stays.
    assertEquals("CapPrm:\t0000000000000000", lines[7]);
    assertEquals("CapBnd:\t00000000000000e3", lines[9]);
    // What the specification has as further groups is taken as it is.
    assertEquals("Groups:\t5 ", lines[11]);
  }

  @Test
  void seccompForbidsACall() throws Exception {
    ObjectNode spec = shims.spec("sh", "-c", "mkdir /tmp/no 2>&1; echo still here");
    ObjectNode seccomp = spec.withObject("/linux").putObject("seccomp");
    seccomp.put("defaultAction", "SCMP_ACT_ALLOW");
    seccomp.putArray("architectures").add("SCMP_ARCH_X86_64").add("SCMP_ARCH_X86");
    ObjectNode rule = seccomp.putArray("syscalls").addObject();
    rule.putArray("names").add("mkdir").add("mkdirat");
    rule.put("action", "SCMP_ACT_ERRNO").put("errnoRet", 28);
    assertEquals(
        "mkdir: can't create directory '/tmp/no': No space left on device\nstill here\n",
        run(spec));
    // Without no-new-privileges the filter is loaded while the privilege is still there.
    ((ObjectNode) spec.get("process")).put("noNewPrivileges", false);
    assertEquals(
        "mkdir: can't create directory '/tmp/no': No space left on device\nstill here\n",
        run(spec));
  }

  @Test
  void bindMountsOfFilesAndFoldersWithTheirOptions() throws Exception {
    Path data = Files.createDirectories(shims.folder().resolve("data"));
    Path file = Files.writeString(shims.folder().resolve("file"), "of the host\n");
    ObjectNode spec =
        shims.spec(
            "sh", "-c", "cat /made/here; touch /made/here 2>&1; touch /data/new; touch /ro/x 2>&1");
    var mounts = (com.fasterxml.jackson.databind.node.ArrayNode) spec.get("mounts");
    TestShimProcess.mount(mounts, "/made/here", "bind", file.toString(), "bind", "ro");
    TestShimProcess.mount(mounts, "/data", "bind", data.toString(), "rbind", "rw", "rprivate");
    TestShimProcess.mount(mounts, "/ro", "none", data.toString(), "rbind", "ro");
    String said = run(spec);
    assertEquals(
        """
        of the host
        touch: /made/here: Read-only file system
        touch: /ro/x: Read-only file system
        """,
        said);
    assertTrue(Files.exists(data.resolve("new")));
  }

  @Test
  void devicesAndTheirLinks() throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "echo gone > /dev/null; head -c 3 /dev/zero | wc -c 2>/dev/null;"
                + " ls -l /dev/fd /dev/ptmx | grep -c -e '->'; echo out > /dev/stdout;"
                + " cat /dev/kmsg 2>&1 | head -c 200; ls /dev/extra");
    ObjectNode device = spec.withObject("/linux").putArray("devices").addObject();
    device.put("path", "/dev/extra").put("type", "c").put("major", 1).put("minor", 11);
    device.put("fileMode", 0600);
    String said = run(spec);
    assertTrue(said.contains("out\n"), said);
    assertTrue(said.endsWith("/dev/extra\n"), said);
  }

  @Test
  void theDeviceControllerRefusesWhatIsNotAllowed() throws Exception {
    ObjectNode spec = shims.spec("sh", "-c", "head -c 1 /dev/kmsg 2>&1");
    ObjectNode device = spec.withObject("/linux").putArray("devices").addObject();
    device.put("path", "/dev/kmsg").put("type", "c").put("major", 1).put("minor", 11);
    assertEquals("head: /dev/kmsg: Operation not permitted\n", run(spec));
  }

  @Test
  void anOverlayGivenByTheClientIsMountedInsideOnly() throws Exception {
    TaskKey key = shims.key();
    Path upper = Files.createDirectories(shims.folder().resolve("upper"));
    Path work = Files.createDirectories(shims.folder().resolve("overlay"));
    Path empty = Files.createDirectories(shims.folder().resolve("empty"));
    ObjectNode spec = shims.spec("sh", "-c", "echo written > /new; cat /new; ls /bundle 2>&1");
    spec.remove("root");
    Mount overlay =
        Mount.newBuilder()
            .setType("overlay")
            .setSource("overlay")
            .addOptions("index=off")
            .addOptions("workdir=" + work)
            .addOptions("upperdir=" + upper)
            .addOptions("lowerdir=" + empty + ":" + shims.rootfs())
            .build();
    String said = run(key, spec, shims.request(key).addRootfs(overlay).build());
    assertTrue(said.startsWith("written\n"), said);
    assertEquals("written\n", Files.readString(upper.resolve("new")));
    assertFalse(Files.exists(shims.rootfs().resolve("new")));
    removeWork(work);
  }

  /** The kernel makes a folder in it that not even its owner may enter. */
  private static void removeWork(Path work) throws Exception {
    Files.setPosixFilePermissions(
        work.resolve("work"), PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void aUserNamespaceMapsRoot() throws Exception {
    ObjectNode spec = shims.spec("sh", "-c", "id -u; cat /proc/self/uid_map; echo x > /dev/null");
    spec.withObject("/linux").withArray("namespaces").addObject().put("type", "user");
    for (String map : List.of("uidMappings", "gidMappings")) {
      ObjectNode mapping = spec.withObject("/linux").putArray(map).addObject();
      mapping.put("containerID", 0).put("hostID", 100000).put("size", 65536);
    }
    ((ObjectNode) spec.get("process")).put("oomScoreAdj", 123);
    Files.setPosixFilePermissions(shims.rootfs(), PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.createFile(shims.output(new TaskKey(TestShimProcess.NAMESPACE, "c1")));
    String said = run(spec);
    assertTrue(said.matches("0\n +0 +100000 +65536\n"), said);
  }

  /** The root of the container has no way to where its root file system is attached. */
  @ParameterizedTest // case C4
  @ValueSource(booleans = {false, true})
  void aUserNamespaceBelowFoldersOfTheMachinesRoot(boolean hook) throws Exception {
    ObjectNode spec = shims.spec("sh", "-c", "cat /proc/self/uid_map; touch /work/made");
    spec.withObject("/linux").withArray("namespaces").addObject().put("type", "user");
    for (String map : List.of("uidMappings", "gidMappings")) {
      ObjectNode mapping = spec.withObject("/linux").putArray(map).addObject();
      mapping.put("containerID", 0).put("hostID", 100000).put("size", 65536);
    }
    if (hook) {
      // Such a hook runs where the machine's files are seen, and so in a copy of all its mounts.
      ObjectNode call = spec.putObject("hooks").putArray("createContainer").addObject();
      call.put("path", "/bin/true").putArray("args").add("true");
    }
    Files.setPosixFilePermissions(shims.rootfs(), PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.setPosixFilePermissions(
        shims.rootfs().resolve("work"), PosixFilePermissions.fromString("rwxrwxrwx"));
    TaskKey key = shims.key();
    Files.createFile(shims.output(key));
    Path task = shims.prepare(key, spec);
    Files.setPosixFilePermissions(task, PosixFilePermissions.fromString("rwx------"));
    Files.setPosixFilePermissions(
        task.resolve("bundle"), PosixFilePermissions.fromString("rwx------"));
    String said = run(key, spec, shims.request(key).build());
    assertTrue(said.matches(" +0 +100000 +65536\n"), said);
    assertEquals(100000, Files.getAttribute(shims.rootfs().resolve("work/made"), "unix:uid"));
  }

  /** A supervisor keeps no file system of the machine busy, and a clone of it copies few mounts. */
  @Test // case S15
  void theSupervisorSeesFewMounts() throws Exception {
    ObjectNode spec = shims.spec("sleep", "100");
    TaskKey key = shims.key();
    int init = shims.create(key, spec);
    String status = Files.readString(Path.of("/proc/" + init + "/status"));
    String supervisor = status.replaceAll("(?s).*\nPPid:\\s+(\\d+)\n.*", "$1");
    List<String> targets =
        Files.readAllLines(Path.of("/proc/" + supervisor + "/mountinfo")).stream()
            .map(line -> line.split(" ", -1)[4])
            .sorted()
            .toList();
    assertEquals(List.of("/", "/dev/null", "/proc", "/sys"), targets);
    var task = shims.task(key);
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }

  /** The path of a file system's source is one of the machine's. */
  @Test // case S15
  void aFileSystemWhoseSourceIsOfTheMachine() throws Exception {
    Path lower = Files.createDirectories(shims.folder().resolve("lower"));
    Files.writeString(lower.resolve("file"), "of the machine\n");
    Path other = Files.createDirectories(shims.folder().resolve("other"));
    ObjectNode spec = shims.spec("cat", "/data/file");
    TestShimProcess.mount(
        (com.fasterxml.jackson.databind.node.ArrayNode) spec.get("mounts"),
        "/data",
        "overlay",
        "overlay",
        "lowerdir=" + lower + ":" + other,
        "ro");
    assertEquals("of the machine\n", run(spec));
  }

  /** A mount can put another passwd file in the place of the image's, which knows /work. */
  @ParameterizedTest // case L6
  @ValueSource(strings = {"", "/etc/passwd", "/etc", "tmpfs"})
  void theHomeOfThePasswdFileInside(String place) throws Exception {
    Path etc = Files.createDirectories(shims.folder().resolve("etc"));
    Files.writeString(etc.resolve("passwd"), "other:x:1000:1000::/tmp:/bin/sh\n");
    ObjectNode spec = shims.spec("sh", "-c", "echo $HOME");
    ((ObjectNode) spec.get("process")).putObject("user").put("uid", 1000).put("gid", 1000);
    var mounts = (com.fasterxml.jackson.databind.node.ArrayNode) spec.get("mounts");
    String home =
        switch (place) {
          case "" -> "/work";
          case "tmpfs" -> {
            TestShimProcess.mount(mounts, "/etc", "tmpfs", "tmpfs");
            yield "/";
          }
          default -> {
            String source = place.equals("/etc") ? etc.toString() : etc + "/passwd";
            TestShimProcess.mount(mounts, place, "bind", source, "bind", "ro");
            yield "/tmp";
          }
        };
    assertEquals(home + "\n", run(spec));
  }

  /** What the supervisor set for itself is not the container's. */
  @Test // case S14
  void limitsAreTheEnginesOwn() throws Exception {
    String said = run(shims.spec("sh", "-c", "cat /proc/self/limits; ulimit -Hc"));
    Map<String, String> inside = hardLimits(said.lines());
    Map<String, String> own;
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/limits"))) {
      own = hardLimits(lines);
    }
    assertEquals(own, inside);
    assertTrue(own.containsKey("Max core file size"), own.toString());
  }

  private static Map<String, String> hardLimits(Stream<String> lines) {
    return lines
        .filter(line -> line.startsWith("Max ") && line.length() > 67)
        .collect(
            Collectors.toMap(
                line -> line.substring(0, 26).strip(),
                line -> line.substring(26, 47).strip() + " " + line.substring(47, 67).strip()));
  }

  @Test
  void resourceLimitsSysctlsAndOomScore() throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "ulimit -n; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax"
                + " /proc/self/oom_score_adj");
    ObjectNode process = (ObjectNode) spec.get("process");
    ObjectNode limit = process.putArray("rlimits").addObject();
    limit.put("type", "RLIMIT_NOFILE").put("hard", 1024).put("soft", 512);
    process.put("oomScoreAdj", 77);
    spec.withObject("/linux")
        .putObject("sysctl")
        .put("net.ipv4.ip_unprivileged_port_start", "81")
        .put("kernel.msgmax", "4096");
    assertEquals("512\n81\n4096\n77\n", run(spec));
  }

  @Test
  void aForbiddenSysctlIsRefusedAndNothingIsLeft() throws Exception {
    ObjectNode spec = shims.spec("true");
    spec.withObject("/linux").putObject("sysctl").put("kernel.panic", "1");
    StatusException failure = assertThrows(StatusException.class, () -> run(spec));
    assertTrue(
        String.valueOf(failure.getMessage()).contains("not in a separate kernel namespace"),
        String.valueOf(failure.getMessage()));
    assertEquals(List.of(), shims.leftovers());
  }

  @ParameterizedTest // case S15
  @ValueSource(booleans = {false, true})
  void hooksRunWhereTheSpecificationSays(boolean between) throws Exception {
    Path log = shims.folder().resolve("hooks");
    ObjectNode spec = shims.spec("sh", "-c", "echo program");
    ObjectNode hooks = spec.putObject("hooks");
    for (String point : List.of("prestart", "createRuntime", "poststart", "poststop")) {
      ObjectNode hook = hooks.putArray(point).addObject();
      hook.put("path", "/bin/sh").put("timeout", 10);
      hook.putArray("args")
          .add("sh")
          .add("-c")
          .add("read state; echo " + point + " \"$state\" >> " + log + "; hostname >> " + log);
    }
    if (between) {
      ObjectNode hook = hooks.putArray("createContainer").addObject();
      hook.put("path", "/bin/sh");
      hook.putArray("args").add("sh").add("-c").add("hostname > " + log + "-between");
    }
    ObjectNode inside = hooks.putArray("startContainer").addObject();
    inside.put("path", "/bin/sh");
    inside.putArray("args").add("sh").add("-c").add("hostname > /work/hook");
    run(spec);
    List<String> lines = Files.readAllLines(log);
    assertEquals(8, lines.size(), lines.toString());
    assertTrue(lines.get(0).startsWith("prestart {\"pid\":"), lines.get(0));
    assertTrue(lines.get(0).contains("\"status\":\"creating\""), lines.get(0));
    assertTrue(lines.get(2).startsWith("createRuntime "), lines.get(2));
    assertTrue(lines.get(4).contains("\"status\":\"running\""), lines.get(4));
    assertTrue(lines.get(6).contains("\"status\":\"stopped\""), lines.get(6));
    assertFalse(lines.get(1).equals("inside"));
    assertEquals("inside\n", Files.readString(shims.rootfs().resolve("work/hook")));
    if (between) {
      assertEquals("inside\n", Files.readString(Path.of(log + "-between")));
    }
  }

  @Test
  void aFailingPrestartHookFailsCreateWithItsWords() throws Exception {
    ObjectNode spec = shims.spec("true");
    ObjectNode hook = spec.putObject("hooks").putArray("prestart").addObject();
    hook.put("path", "/bin/sh");
    hook.putArray("args").add("sh").add("-c").add("echo no network >&2; exit 3");
    StatusException failure = assertThrows(StatusException.class, () -> run(spec));
    String text = String.valueOf(failure.getStatus().getDescription());
    assertTrue(text.endsWith("prestart hook `/bin/sh`: exit status 3: no network"), text);
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void cgroupsAreSeenInside() throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh", "-c", "cat /sys/fs/cgroup/pids/pids.max; mkdir /sys/fs/cgroup/pids/x 2>&1");
    spec.withObject("/linux").withObject("/resources").putObject("pids").put("limit", 55);
    String said = run(spec);
    assertTrue(said.startsWith("55\n"), said);
    assertTrue(said.contains("Read-only file system"), said);
    spec.withObject("/linux").withArray("namespaces").addObject().put("type", "cgroup");
    assertTrue(run(spec).startsWith("55\n"));
  }

  @Test
  void anInitOfOursReapsAndPassesSignalsOn() throws Exception {
    String script =
        "trap 'echo term; exit 7' TERM; (sleep 0.1 & ); echo $$; sleep 0.3;"
            + " ps -o stat,comm | grep -c ^Z; echo ready; while :; do sleep 0.05; done";
    ObjectNode spec = shims.spec("/dev/init", "--", "sh", "-c", script);
    TestShimProcess.mount(
        spec.withArray("mounts"),
        "/dev/init",
        "bind",
        System.getProperty("berth.supervisor"),
        "bind",
        "rprivate",
        "ro");
    TaskKey key = shims.key();
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    shims.awaitSaid(key, "ready");
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(15).build());
    assertEquals(7, task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    // The program is the second process, and there are no zombies.
    assertEquals("2\n0\nready\nterm\n", shims.said(key));
    assertEquals(List.of(), shims.leftovers());
  }
}
