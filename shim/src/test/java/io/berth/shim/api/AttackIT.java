package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import io.grpc.StatusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What images and programs tried against other runtimes, tried here: each test names what it is
 * known by. A launch may be refused or may do what the specification says within the container; the
 * machine's files and mounts are the same afterwards.
 */
@Tag("root")
final class AttackIT {
  private static final int RENAME_EXCHANGE = 2;

  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  /** A folder of the machine that hostile links lead to. */
  private Path host = Path.of("/");

  @BeforeEach
  void makeHostFolder() throws IOException {
    host = Files.createDirectories(shims.folder().resolve("host"));
    Files.writeString(host.resolve("secret"), "of the machine\n");
    Files.createDirectories(host.resolve("pts"));
    Files.createFile(host.resolve("ptmx"));
  }

  private Map<String, String> hostFiles() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(host)) {
      for (Path path : all.toList()) {
        var attributes =
            Files.readAttributes(path, "unix:mode,uid,gid,size", LinkOption.NOFOLLOW_LINKS);
        files.put(path.toString(), new TreeMap<>(attributes).toString());
      }
    }
    return files;
  }

  /** What a container said, or null if its launch was refused. */
  private String outcome(ObjectNode spec) throws Exception {
    TaskKey key = shims.key();
    return outcome(key, spec, shims.request(key).build());
  }

  /**
   * The second time where the machine's files are seen, as a hook of this kind wants it: nothing of
   * the machine is there to lead to otherwise, which would hide what else is wrong.
   */
  private String outcome(TaskKey key, ObjectNode spec, CreateTaskRequest request) throws Exception {
    String said = once(key, spec, request);
    ObjectNode hook = spec.putObject("hooks").putArray("createContainer").addObject();
    hook.put("path", "/bin/true").putArray("args").add("true");
    Files.deleteIfExists(shims.output(key));
    once(key, spec, request);
    spec.remove("hooks");
    return said;
  }

  private String once(TaskKey key, ObjectNode spec, CreateTaskRequest request) throws Exception {
    Map<String, String> before = hostFiles();
    String said;
    try {
      shims.create(key, spec, request);
      var task = shims.task(key);
      try {
        task.start(StartRequest.newBuilder().setId(key.id()).build());
        task.wait(WaitRequest.newBuilder().setId(key.id()).build());
      } finally {
        task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
      }
      said = shims.said(key);
    } catch (StatusException e) {
      said = "refused: " + e.getStatus().getDescription();
    }
    assertEquals(List.of(), shims.leftovers());
    assertEquals(before, hostFiles());
    assertEquals("of the machine\n", Files.readString(host.resolve("secret")));
    assertFalse(said.contains("of the machine"), said);
    return said;
  }

  /** Carries out another process to its end, or has it refused. */
  private void exec(TaskKey key, String exec, ObjectNode process) throws Exception {
    var task = shims.task(key);
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId(exec)
            .setStdout("file://" + shims.output(key))
            .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
            .build());
    try {
      task.start(StartRequest.newBuilder().setId(key.id()).setExecId(exec).build());
      task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId(exec).build());
    } catch (StatusException refused) {
      // That is as good.
    }
    task.delete(DeleteRequest.newBuilder().setId(key.id()).setExecId(exec).build());
  }

  private void end(TaskKey key) throws Exception {
    var task = shims.task(key);
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }

  private static ArrayNode mounts(ObjectNode spec) {
    return (ArrayNode) spec.get("mounts");
  }

  private static void withoutDev(ObjectNode spec) {
    ArrayNode mounts = mounts(spec);
    for (int i = mounts.size() - 1; i >= 0; i--) {
      if (mounts.get(i).path("destination").asText().startsWith("/dev")) {
        mounts.remove(i);
      }
    }
  }

  private void link(String name, Path target) throws IOException {
    Path path = shims.rootfs().resolve(name);
    Files.deleteIfExists(path);
    Files.createSymbolicLink(path, target);
  }

  /** A program that the runtime starts may be the runtime: its file must not be written to. */
  @Test // CVE-2019-5736
  void theSupervisorsFileIsReachedByNobody() throws Exception {
    Path binary = Path.of(System.getProperty("berth.supervisor"));
    byte[] before = Files.readAllBytes(binary);
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "echo ready; while :; do for p in /proc/[0-9]*; do"
                + " { echo x >$p/exe; } 2>/dev/null && echo written; done; done");
    TaskKey key = shims.key();
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    shims.awaitSaid(key, "ready");
    ObjectNode process = (ObjectNode) shims.spec("/proc/self/exe").get("process");
    for (int i = 0; i < 200; i++) {
      exec(key, "e" + i, process);
    }
    end(key);
    assertArrayEquals(before, Files.readAllBytes(binary));
    assertFalse(shims.said(key).contains("written"), shims.said(key));
  }

  /** An image whose first program is the runtime's: it runs, and its file is none to write to. */
  @ParameterizedTest // CVE-2019-5736
  @ValueSource(strings = {"/proc/self/exe", "/entry"})
  void theSupervisorIsTheProgramOfAnImage(String program) throws Exception {
    link("entry", Path.of("/proc/self/exe"));
    String said = outcome(shims.spec(program, "--", "sh", "-c", "echo x 2>&1 >/proc/1/exe"));
    assertEquals("sh: can't create /proc/1/exe: Read-only file system\n", said);
  }

  /** Labels and settings are written below /proc: what stands in for it would swallow them. */
  @ParameterizedTest // CVE-2019-16884 CVE-2019-19921 CVE-2023-27561 CVE-2025-52881
  @ValueSource(
      strings = {
        "/proc",
        "/proc/self",
        "/proc/self/attr",
        "/proc/sys",
        "/proc/sys/kernel",
        "/proc/thread-self",
        "/a/../proc/sys",
        "/link/sys",
        "/link",
        "//proc//self//attr"
      })
  void proc_isCoveredByNothing(String target) throws Exception {
    link("link", Path.of("/proc"));
    for (String type : List.of("tmpfs", "bind")) {
      ObjectNode spec = shims.spec("sh", "-c", "cat /proc/self/comm /proc/sys/kernel/ostype");
      TestShimProcess.mount(
          mounts(spec), target, type, type.equals("bind") ? host.toString() : "tmpfs", "rw", type);
      String said = outcome(spec);
      assertTrue(said.startsWith("refused: "), type + ": " + said);
    }
  }

  @ParameterizedTest // CVE-2019-19921 CVE-2023-27561
  @ValueSource(strings = {"/work", "/tmp/fake", "HOST", "../../../../../../HOST"})
  void procOfTheImage_isALink(String leadsTo) throws Exception {
    Files.createDirectories(shims.rootfs().resolve("tmp/fake"));
    link("proc", Path.of(leadsTo.replace("HOST", host.toString())));
    ObjectNode spec = shims.spec("sh", "-c", "cat /proc/sys/kernel/msgmax");
    spec.withObject("/linux").putObject("sysctl").put("kernel.msgmax", "4096");
    String said = outcome(spec);
    assertTrue(said.startsWith("refused: ") || said.equals("4096\n"), said);
  }

  /** Descriptors of the runtime are folders of the machine. */
  @Test // CVE-2024-21626
  void descriptorsOfTheSupervisor_areNoWorkingFolders() throws Exception {
    for (int number = 0; number < 40; number++) {
      for (String way :
          List.of("/proc/self/fd/" + number, "/proc/thread-self/fd/" + number + "/..")) {
        ObjectNode spec = shims.spec("sh", "-c", "ls; ls ../../../../../../../../" + host);
        ((ObjectNode) spec.get("process")).put("cwd", way);
        String said = outcome(spec);
        assertTrue(said.startsWith("refused: "), way + ": " + said);
      }
    }
  }

  @Test // CVE-2024-21626
  void noDescriptorIsLeftToAProgram() throws Exception {
    // The fourth is the listing's own.
    assertEquals("0\n1\n2\n3\n", outcome(shims.spec("ls", "/proc/self/fd")));
  }

  @Test // CVE-2024-21626
  void descriptorsOfTheSupervisor_areNoWorkingFoldersOfAnExec() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    ObjectNode process =
        (ObjectNode)
            shims.spec("sh", "-c", "ls; ls ../../../../../../../../" + host).get("process");
    for (int number = 0; number < 40; number++) {
      process.put("cwd", "/proc/self/fd/" + number);
      exec(key, "e" + number, process);
    }
    end(key);
    assertEquals("", shims.said(key));
  }

  /** The folder of devices is the image's, where nothing is mounted over it. */
  @ParameterizedTest // CVE-2026-41579
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void devOfTheImage_isALink(boolean mounted, boolean terminal) throws Exception {
    link("dev", host);
    ObjectNode spec = shims.spec("sh", "-c", "ls -l / /dev");
    if (!mounted) {
      withoutDev(spec);
    }
    outcomeWithTerminal(spec, terminal);
  }

  /** What a link of the image would have made, opened or covered on the machine. */
  @ParameterizedTest // CVE-2025-31133 CVE-2025-52565 CVE-2026-88264 CVE-2026-88265
  @CsvSource({
    "dev/console, HOST/console",
    "dev/console, HOST/secret",
    "dev/console, /proc/sys/kernel/hostname",
    "dev/null, HOST/secret",
    "dev/null, HOST/made",
    "dev/null, /proc/sys/kernel/hostname",
    "dev/ptmx, HOST/ptmx",
    "dev/pts, HOST/pts",
    "dev/fd, HOST",
    "dev/stdin, HOST/secret",
    "dev/shm, HOST",
    "dev/mqueue, HOST",
    "sys, HOST",
    "etc, HOST",
    "work, HOST",
    "tmp, HOST",
  })
  void fileOfTheImage_isALink(String name, String leadsTo) throws Exception {
    if (Files.isDirectory(shims.rootfs().resolve(name))) {
      try (Stream<Path> below = Files.list(shims.rootfs().resolve(name))) {
        for (Path path : below.toList()) {
          Files.delete(path);
        }
      }
    }
    link(name, Path.of(leadsTo.replace("HOST", host.toString())));
    for (boolean terminal : List.of(false, true)) {
      for (boolean mounted : List.of(false, true)) {
        ObjectNode spec = shims.spec("sh", "-c", "cat /proc/timer_list /dev/null; echo x; pwd");
        ((ObjectNode) spec.get("process")).put("cwd", "/work/made/deeper");
        if (!mounted) {
          withoutDev(spec);
        }
        ObjectNode device = spec.withObject("/linux").putArray("devices").addObject();
        device.put("path", "/dev/null").put("type", "c").put("major", 1).put("minor", 3);
        device.put("fileMode", 0666).put("uid", 7).put("gid", 7);
        TestShimProcess.mount(
            mounts(spec),
            "/etc/resolv.conf",
            "bind",
            host.resolve("ptmx").toString(),
            "bind",
            "ro");
        TestShimProcess.mount(mounts(spec), "/tmp/tmpfs", "tmpfs", "tmpfs");
        outcomeWithTerminal(spec, terminal);
      }
    }
  }

  private String outcomeWithTerminal(ObjectNode spec, boolean terminal) throws Exception {
    TaskKey key = shims.key();
    CreateTaskRequest.Builder request = shims.request(key);
    if (terminal) {
      ((ObjectNode) spec.get("process")).put("terminal", true);
      request.setTerminal(true).clearStderr();
    }
    return outcome(key, spec, request.build());
  }

  /** Between the look at a target and the mount on it, another container swaps it. */
  @ParameterizedTest // CVE-2021-30465 CVE-2024-45310
  @ValueSource(strings = {"tmpfs", "bind"})
  void targetsThatAreSwapped(String type) throws Exception {
    swap(type, 200);
  }

  @ParameterizedTest // CVE-2021-30465 CVE-2024-45310
  @ValueSource(strings = {"tmpfs", "bind"})
  @Tag("long")
  void targetsThatAreSwappedForLong(String type) throws Exception {
    swap(type, 10_000);
  }

  private void swap(String type, int times) throws Exception {
    Path volume = Files.createDirectories(shims.folder().resolve("volume"));
    Files.createDirectories(volume.resolve("a/b"));
    Files.createSymbolicLink(volume.resolve("link"), host);
    AtomicBoolean done = new AtomicBoolean();
    try (RootedFiles files = RootedFiles.open(volume, RootedFiles.Confinement.IN_ROOT)) {
      Thread swaps =
          Thread.ofPlatform()
              .start(() -> {
                while (!done.get()) {
                  try {
                    files.rename("a", "link", RENAME_EXCHANGE);
                  } catch (SyscallException e) {
                    throw new AssertionError(e);
                  }
                }
              });
      for (int i = 0; i < times; i++) {
        ObjectNode spec = shims.spec("sh", "-c", "echo ran");
        TestShimProcess.mount(mounts(spec), "/vol", "bind", volume.toString(), "rbind", "rw");
        TestShimProcess.mount(
            mounts(spec),
            "/vol/a/b",
            type,
            type.equals("bind") ? shims.rootfs().resolve("etc").toString() : "tmpfs",
            type.equals("bind") ? "bind" : "rw");
        TestShimProcess.mount(mounts(spec), "/vol/a/made/new", "tmpfs", "tmpfs");
        outcome(spec);
      }
      done.set(true);
      swaps.join();
    }
  }
}
