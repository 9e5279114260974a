package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.linux.Fd;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Sockets;
import io.berth.testing.Eventually;
import io.grpc.StatusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Parts of the machine that a container has: files under other ids, namespaces, devices. */
@Tag("root")
final class MachinePartsIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  /** What is owned by the machine's root there belongs to another inside, and the contrary. */
  @ParameterizedTest
  @ValueSource(strings = {"idmap", "ridmap", ""})
  void aBindMountWithItsIdsMapped(String option) throws Exception {
    Path shared = Files.createDirectories(shims.folder().resolve("shared"));
    Files.writeString(shared.resolve("file"), "");
    Path below = Files.createDirectories(shared.resolve("below"));
    Mounts.mount("tmpfs", below, "tmpfs", 0, "mode=755");
    try {
      ObjectNode spec =
          shims.spec(
              "sh",
              "-c",
              "busybox stat -c %u:%g /work/file; touch /work/new; busybox stat -c %u /work/below");
      ObjectNode mapped = mount(spec, "/work", "bind", shared.toString(), "rbind", option);
      map(mapped);
      spec.withObject("/process/user").put("uid", 4001).put("gid", 4002);
      Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
      String recursive = option.equals("ridmap") ? "4000" : "0";
      assertEquals("4000:4000\n" + recursive + "\n", run(spec));
      assertEquals(1, Files.getAttribute(shared.resolve("new"), "unix:uid"));
      assertEquals(2, Files.getAttribute(shared.resolve("new"), "unix:gid"));
    } finally {
      Mounts.unmount(below, MountFlags.MNT_DETACH);
    }
  }

  /** The maps are the container's own: what belongs to its root on the machine is root's inside. */
  @Test
  void aBindMountMappedAsTheContainersUsersAre() throws Exception {
    Path shared = Files.createDirectories(shims.folder().resolve("shared"));
    Files.writeString(shared.resolve("file"), "");
    ObjectNode spec =
        shims.spec("sh", "-c", "touch /work/new; busybox stat -c %u:%g /work/file /work/new");
    userNamespace(spec);
    mount(spec, "/work", "bind", shared.toString(), "bind", "idmap");
    assertEquals("0:0\n0:0\n", run(spec));
    assertEquals(0, Files.getAttribute(shared.resolve("new"), "unix:uid"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aTmpfsWithItsIdsMapped(boolean users) throws Exception {
    ObjectNode spec =
        shims.spec(
            "sh",
            "-c",
            "touch /work/new || exit; busybox stat -c %u:%g:%a /work /work/new; grep -c ' /work"
                + " tmpfs .*size=1024k' /proc/mounts");
    ObjectNode mapped = mount(spec, "/work", "tmpfs", "tmpfs", "size=1m", "mode=755", "idmap");
    if (users) {
      userNamespace(spec);
      assertEquals("0:0:755\n0:0:644\n1\n", run(spec));
    } else {
      map(mapped);
      spec.withObject("/process/user").put("uid", 4000).put("gid", 4000);
      assertEquals("4000:4000:755\n4000:4000:644\n1\n", run(spec));
    }
  }

  @Test
  void aFileSystemThatCannotMapIdsIsNamed() throws Exception {
    ObjectNode spec = shims.spec("true");
    ObjectNode mapped = mount(spec, "/work", "bind", "/proc/sys", "bind", "idmap");
    map(mapped);
    TaskKey key = shims.key();
    StatusException refused = assertThrows(StatusException.class, () -> shims.create(key, spec));
    String words = String.valueOf(refused.getMessage());
    assertTrue(
        words.contains("`/proc/sys` with ids mapped: the file system cannot do that"), words);
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void aMountNamespaceOfAnother() throws Exception {
    Process holder =
        new ProcessBuilder("unshare", "-m", "sh", "-c", "echo there; exec sleep 100").start();
    try {
      assertEquals("there", holder.inputReader().readLine());
      Path file = Path.of("/proc/" + holder.pid() + "/ns/mnt");
      ObjectNode spec =
          shims.spec("sh", "-c", "busybox readlink /proc/self/ns/mnt; cat /work/word");
      Files.writeString(shims.rootfs().resolve("work/word"), "word\n");
      joinMounts(spec, file);
      String own = Files.readSymbolicLink(file).toString();
      assertEquals(own + "\nword\n", run(spec));
    } finally {
      holder.destroyForcibly().waitFor();
    }
  }

  @Test
  void theMachinesOwnMountNamespaceIsNotJoined() throws Exception {
    ObjectNode spec = shims.spec("true");
    joinMounts(spec, Path.of("/proc/self/ns/mnt"));
    TaskKey key = shims.key();
    StatusException refused = assertThrows(StatusException.class, () -> shims.create(key, spec));
    String words = String.valueOf(refused.getMessage());
    assertTrue(words.contains("it is the machine's own"), words);
    assertEquals(List.of(), shims.leftovers());
  }

  private static void joinMounts(ObjectNode spec, Path file) {
    for (var namespace : spec.withObject("/linux").get("namespaces")) {
      if (namespace.get("type").asText().equals("mount")) {
        ((ObjectNode) namespace).put("path", file.toString());
      }
    }
  }

  @Test
  void anInterfaceOfTheMachine() throws Exception {
    String name = "bnd" + ProcessHandle.current().pid();
    command("ip", "link", "add", name, "type", "veth", "peer", "name", name + "p");
    try {
      command("ip", "addr", "add", "192.0.2.7/32", "dev", name);
      command("ip", "addr", "add", "2001:db8::7/64", "dev", name, "nodad");
      command("ip", "link", "set", name, "up");
      ObjectNode spec = shims.spec("busybox", "ip", "addr", "show", "dev", "inside0");
      ObjectNode devices = spec.withObject("/linux/netDevices");
      devices.putObject(name).put("name", "inside0");
      devices.putObject("berth-none");
      refused(spec, "`berth-none`: there is none of that name");
      devices.remove("berth-none");
      devices.putObject(name + "p").put("name", "lo");
      refused(spec, "the container has a `lo` already");
      devices.remove(name + "p");
      // The loopback is no interface that can be moved: the other one, which was, is there again.
      devices.putObject("lo").put("name", "other");
      refused(spec, "an interface of its kind cannot be moved");
      String there = command("ip", "addr", "show", "dev", name);
      assertTrue(there.contains("192.0.2.7/32") && there.contains("2001:db8::7/64"), there);
      assertTrue(there.contains(",UP"), there);
      devices.remove("lo");
      // A creation that fails afterwards has it back on the machine, and no descriptor left.
      ObjectNode hook = spec.putObject("hooks").putArray("createRuntime").addObject();
      hook.put("path", "/bin/false").putArray("args").add("false");
      int descriptors = descriptors();
      for (int i = 0; i < 3; i++) {
        refused(spec, "createRuntime hook `/bin/false`");
      }
      assertTrue(descriptors() < descriptors + 3, "descriptors are left");
      there = command("ip", "addr", "show", "dev", name);
      assertTrue(there.contains("192.0.2.7/32") && there.contains("2001:db8::7/64"), there);
      spec.remove("hooks");
      // Its settings are made inside, where it is by then.
      spec.withObject("/linux/sysctl").put("net.ipv4.conf.inside0.forwarding", "1");
      String said = run(spec);
      assertTrue(said.contains("inet 192.0.2.7/32"), said);
      assertTrue(said.contains("inet6 2001:db8::7/64"), said);
      assertTrue(said.contains(",UP"), said);
    } finally {
      new ProcessBuilder("ip", "link", "del", name + "p").start().waitFor();
    }
  }

  private static int descriptors() {
    return Objects.requireNonNull(Path.of("/proc/self/fd").toFile().list()).length;
  }

  @Test
  void anInterfaceOfTheMachineThatIsGivenANumber() throws Exception {
    String name = "bnn" + ProcessHandle.current().pid();
    command("ip", "link", "add", name, "type", "veth", "peer", "name", name + "p");
    try {
      ObjectNode spec = shims.spec("ls", "/sys/class/net");
      spec.withObject("/linux/netDevices").putObject(name).put("name", "eth%d");
      String said = run(spec);
      assertTrue(said.contains("eth0"), said);
    } finally {
      new ProcessBuilder("ip", "link", "del", name + "p").start().waitFor();
    }
  }

  /**
   * The calls of init and of an exec are asked about, each by a descriptor of its own; a call whose
   * listener has gone fails with ENOSYS (seccomp_unotify(2)).
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aListenerIsAskedAboutCalls(boolean noNewPrivileges) throws Exception {
    Path socket = shims.folder().resolve("agent.sock");
    ObjectNode spec =
        shims.spec("sh", "-c", "mkdir /work/init; test -d /work/init || echo none; exec sleep 60");
    spec.putObject("annotations").put("whose", "somebody");
    spec.withObject("/process").put("noNewPrivileges", noNewPrivileges);
    listener(spec, socket).put("listenerMetadata", "words \"of\" its own");
    try (Fd listening = Sockets.listen(Sockets.Kind.STREAM, socket, 0600, 4)) {
      TaskKey key = shims.key();
      int pid = shims.create(key, spec);
      var task = shims.task(key);
      task.start(StartRequest.newBuilder().setId(key.id()).build());
      JsonNode init = heard(listening);
      assertEquals(pid, init.get("pid").asInt());
      assertEquals("[\"seccompFd\"]", init.get("fds").toString());
      assertEquals("words \"of\" its own", init.get("metadata").asText());
      assertEquals("1.0.2", init.get("ociVersion").asText());
      JsonNode state = init.get("state");
      assertEquals(noNewPrivileges ? "created" : "creating", state.get("status").asText());
      assertEquals(key.id(), state.get("id").asText());
      assertEquals(pid, state.get("pid").asInt());
      assertEquals("somebody", state.get("annotations").get("whose").asText());
      assertTrue(Files.exists(Path.of(state.get("bundle").asText(), "config.json")));
      shims.awaitSaid(key, "mkdir: can't create directory '/work/init': Function not implemented");
      task.exec(
          ExecProcessRequest.newBuilder()
              .setId(key.id())
              .setExecId("e")
              .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process()))))
              .build());
      task.start(StartRequest.newBuilder().setId(key.id()).setExecId("e").build());
      JsonNode exec = heard(listening);
      assertEquals(pid, exec.get("state").get("pid").asInt());
      assertEquals("running", exec.get("state").get("status").asText());
      assertTrue(exec.get("pid").asInt() != pid);
      task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId("e").build());
      assertTrue(Files.notExists(shims.rootfs().resolve("work/exec")));
      task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
      task.wait(WaitRequest.newBuilder().setId(key.id()).build());
      task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    }
  }

  @Test
  void aListenerThatIsNotThereIsNamed() throws Exception {
    Path socket = shims.folder().resolve("agent.sock");
    ObjectNode spec = shims.spec("true");
    spec.withObject("/process").put("noNewPrivileges", false);
    listener(spec, socket);
    refused(spec, "seccomp listener `" + socket + "`: no such file or directory");
    Sockets.listen(Sockets.Kind.STREAM, socket, 0600, 4).close();
    refused(spec, "seccomp listener `" + socket + "`: nobody listens there");
    Files.delete(socket);
    spec.withObject("/process").put("noNewPrivileges", true);
    TaskKey key = shims.key();
    shims.create(key, spec);
    StatusException late =
        assertThrows(
            StatusException.class,
            () -> shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build()));
    String words = String.valueOf(late.getMessage());
    assertTrue(
        words.contains("seccomp listener `" + socket + "`: no such file or directory"), words);
    shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }

  private static ObjectNode listener(ObjectNode spec, Path socket) {
    ObjectNode seccomp = spec.withObject("/linux").putObject("seccomp");
    seccomp.put("defaultAction", "SCMP_ACT_ALLOW").put("listenerPath", socket.toString());
    ObjectNode rule = seccomp.putArray("syscalls").addObject();
    rule.put("action", "SCMP_ACT_NOTIFY").putArray("names").add("mkdir");
    return seccomp;
  }

  private static ObjectNode process() {
    ObjectNode process = Json.mapper().createObjectNode();
    process.put("cwd", "/").putObject("user").put("uid", 0).put("gid", 0);
    process.putArray("args").add("/bin/mkdir").add("/work/exec");
    return process;
  }

  /** What a listener is sent: the text, and the descriptor, which is closed again. */
  private static JsonNode heard(Fd listening) throws Exception {
    byte[] text = new byte[65536];
    try (Fd connection =
            Eventually.answers(
                "got a connection", () -> Sockets.accept(listening), Objects::nonNull);
        Sockets.Received received =
            Eventually.answers(
                "heard of a listener",
                () -> Sockets.tryReceive(connection, text),
                Objects::nonNull)) {
      assertEquals(1, received.descriptors().size());
      String file = "/proc/self/fd/" + received.descriptors().getFirst().number();
      assertEquals("anon_inode:seccomp notify", Files.readSymbolicLink(Path.of(file)).toString());
      return Json.mapper().readTree(Sockets.bytesOf(received, text));
    }
  }

  private void refused(ObjectNode spec, String words) throws Exception {
    TaskKey key = shims.key();
    StatusException refused = assertThrows(StatusException.class, () -> shims.create(key, spec));
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains(words), message);
    assertEquals(List.of(), shims.leftovers());
  }

  private static String command(String... words) throws Exception {
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    return said;
  }

  private static ObjectNode mount(
      ObjectNode spec, String target, String type, String source, String... options) {
    ArrayNode mounts = (ArrayNode) spec.get("mounts");
    TestShimProcess.mount(mounts, target, type, source, options);
    return (ObjectNode) mounts.get(mounts.size() - 1);
  }

  private static void map(ObjectNode mount) {
    for (String map : List.of("uidMappings", "gidMappings")) {
      ObjectNode range = mount.putArray(map).addObject();
      range.put("containerID", 0).put("hostID", 4000).put("size", 10);
    }
  }

  private static void userNamespace(ObjectNode spec) {
    ((ArrayNode) spec.withObject("/linux").get("namespaces")).addObject().put("type", "user");
    for (String map : List.of("uidMappings", "gidMappings")) {
      ObjectNode range = spec.withObject("/linux").putArray(map).addObject();
      range.put("containerID", 0).put("hostID", 70000).put("size", 1000);
    }
  }

  /** What a container put out, which is gone then. */
  private String run(ObjectNode spec) throws Exception {
    TaskKey key = shims.key();
    shims.create(key, spec);
    shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
    shims.task(key).wait(WaitRequest.newBuilder().setId(key.id()).build());
    shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
    return shims.said(key);
  }
}
