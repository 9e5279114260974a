package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is mounted on the machine while a container runs, and what in the container. */
@Tag("root")
final class PropagationIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  private final List<Path> mounted = new ArrayList<>();
  private Path shared = Path.of("/");
  private int execs;

  @BeforeEach
  void share() throws Exception {
    shared = mount(shims.folder().resolve("shared"));
    run("mount", "--make-shared", shared.toString());
    Files.createDirectory(shared.resolve("below"));
  }

  /** Unmounts everything before the folder of the test goes. */
  @AfterEach
  void unmountAll() throws Exception {
    for (Path each : mounted.reversed()) {
      new ProcessBuilder("umount", "-l", each.toString()).start().waitFor();
    }
  }

  private Path mount(Path folder) throws Exception {
    Files.createDirectories(folder);
    run("mount", "-t", "tmpfs", "test", folder.toString());
    mounted.add(folder);
    return folder;
  }

  private void unmount(Path folder) throws Exception {
    run("umount", folder.toString());
    mounted.remove(folder);
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), String.join(" ", command) + ": " + said);
  }

  private TaskKey start(String... options) throws Exception {
    ObjectNode spec = shims.spec("sleep", "100");
    String[] words = Stream.concat(Stream.of("rbind"), Stream.of(options)).toArray(String[]::new);
    TestShimProcess.mount(
        (ArrayNode) spec.get("mounts"), "/work", "bind", shared.toString(), words);
    for (String set : List.of("bounding", "effective", "permitted")) {
      spec.withObject("/process/capabilities").withArray(set).add("CAP_SYS_ADMIN");
    }
    TaskKey key = shims.key();
    shims.create(key, spec);
    shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
    return key;
  }

  private int exec(TaskKey key, String command) throws Exception {
    var task = shims.task(key);
    String id = "e" + ++execs;
    ObjectNode process = (ObjectNode) shims.spec("sh", "-c", command).get("process");
    for (String set : List.of("bounding", "effective", "permitted")) {
      process.withObject("/capabilities").withArray(set).add("CAP_SYS_ADMIN");
    }
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId(id)
            .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
            .build());
    task.start(StartRequest.newBuilder().setId(key.id()).setExecId(id).build());
    return task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId(id).build())
        .getExitStatus();
  }

  private void end(TaskKey key) throws Exception {
    var task = shims.task(key);
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }

  private void mountBelow() throws Exception {
    Files.writeString(mount(shared.resolve("below")).resolve("new"), "");
  }

  @Test
  void aSlaveSeesWhatTheHostMountsLater() throws Exception {
    TaskKey key = start("rslave");
    mountBelow();
    assertEquals(0, exec(key, "test -e /work/below/new"));
    assertEquals(
        0, exec(key, "mkdir /work/own && mount -t tmpfs own /work/own && : > /work/own/x"));
    assertTrue(!Files.exists(shared.resolve("own/x")));
    unmount(shared.resolve("below"));
    assertEquals(1, exec(key, "test -e /work/below/new"));
    end(key);
  }

  @Test
  void aPrivateOneDoesNot() throws Exception {
    TaskKey key = start("rprivate");
    mountBelow();
    assertEquals(1, exec(key, "test -e /work/below/new"));
    end(key);
  }

  @Test
  void whatIsMountedInASharedOneIsOnTheHost() throws Exception {
    TaskKey key = start("rshared");
    mountBelow();
    assertEquals(0, exec(key, "test -e /work/below/new"));
    assertEquals(
        0, exec(key, "mkdir /work/own && mount -t tmpfs own /work/own && : > /work/own/x"));
    mounted.add(shared.resolve("own"));
    assertTrue(Files.exists(shared.resolve("own/x")));
    end(key);
  }

  /** No process of a container keeps what is mounted on the machine. */
  @Test
  void theHostTakesAwayWhatItHasMountedWhileContainersRun() throws Exception {
    Path other = mount(shims.folder().resolve("other"));
    TaskKey key = start("rprivate");
    // A process of somebody else's that has just left this mount namespace has the mount as well,
    // until it puts a root of its own in its place.
    Eventually.answers(
        "was in no other mount namespace", () -> holding(other.toString()), List::isEmpty);
    unmount(other);
    Files.delete(other);
    end(key);
  }

  /** The processes in other mount namespaces than this one's that have the mount. */
  private static List<String> holding(String target) throws Exception {
    String own = namespace(Path.of("/proc/self"));
    List<String> holding = new ArrayList<>();
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path each : processes.filter(p -> p.getFileName().toString().matches("\\d+")).toList()) {
        try {
          if (!namespace(each).equals(own)
              && Files.readString(each.resolve("mountinfo")).contains(" " + target + " ")) {
            holding.add(each.toString());
          }
        } catch (IOException gone) {
          // The process has ended meanwhile.
        }
      }
    }
    return holding;
  }

  private static String namespace(Path process) throws IOException {
    return Files.readSymbolicLink(process.resolve("ns/mnt")).toString();
  }

  @Test
  void aRootThatIsGivenAsAMountIsSeenInTheContainerOnly() throws Exception {
    Path source = mount(shims.folder().resolve("source"));
    run("cp", "-a", shims.rootfs() + "/.", source.toString());
    TaskKey key = shims.key();
    shims.create(
        key,
        shims.spec("sleep", "100"),
        shims
            .request(key)
            .addRootfs(
                Mount.newBuilder().setType("bind").setSource(source.toString()).addOptions("rbind"))
            .build());
    shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
    unmount(source);
    Files.delete(source);
    try (Stream<Path> seen = Files.list(shims.taskFolder(key).resolve("bundle/rootfs"))) {
      assertEquals(List.of(), seen.toList());
    }
    assertEquals(0, exec(key, "test -x /bin/busybox && touch /tmp/x"));
    end(key);
  }
}
