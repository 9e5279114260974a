package io.berth.base.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything here is written out as it lies on the disk: what differs is no longer found by the
 * next build.
 */
final class LayoutTest {
  private static final TaskKey KEY = new TaskKey("default", "web");
  private static final String HEX = "82b3ade9d00c";
  private static final byte[] SPEC = "{}".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;

  private TaskFolder task() {
    return new StateFolders(folder).task(KEY);
  }

  private TaskIntent intent(TaskKey key, boolean ephemeral, TaskIntent.@Nullable Options options) {
    return TaskIntent.of(
        key,
        Path.of("/b"),
        "/c/web",
        new Stdio("/in", "/out", "", /* terminal= */ true),
        ephemeral,
        List.of(new RootfsMount("bind", "/src", "", List.of("ro", "rbind"))),
        options);
  }

  private static String mode(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void stateFolders() {
    StateFolders state = new StateFolders(Path.of("/run/berth"));
    assertEquals(HEX, KEY.hex());
    assertEquals(
        List.of(
            "/run/berth/t",
            "/run/berth/t/" + HEX,
            "/run/berth/h",
            "/run/berth/h/7",
            "/run/berth/h/7/pid",
            "/run/berth/h/7/host.sock",
            "/run/berth/h/7/log",
            "/run/berth/h/7/warm",
            "/run/berth/n",
            "/run/berth/keeper.sock",
            "/run/berth/warm",
            "/run/berth/containerd.boot",
            "/run/berth/image.changes",
            "/run/berth/image.changes.snapshots",
            "/run/berth/image.changes.layers"),
        List.of(
                state.tasks(),
                state.task(KEY).path(),
                state.shimProcesses(),
                state.shimProcess(7).path(),
                state.shimProcess(7).pid(),
                state.shimProcess(7).socket(),
                state.shimProcess(7).log(),
                state.shimProcess(7).warmUp(),
                state.networkPins(),
                state.keeperSocket(),
                state.warmUpPipes(),
                state.boot(),
                state.imageChanges(),
                state.snapshotChanges(),
                state.layerChanges())
            .stream()
            .map(Path::toString)
            .toList());
    assertEquals("shim-7", StateFolders.shimProcessLock(7));
  }

  @Test
  void rootFolders() {
    RootFolders root = new RootFolders(Path.of("/r"));
    assertEquals(
        List.of(
            "/r/containers",
            "/r/containers/default/web",
            "/r/containerd/containerd.db",
            "/r/containerd/uuid",
            "/r/network.db",
            "/r/image.db",
            "/r/content",
            "/r/s",
            "/r/unpack",
            "/r/trash",
            "/r/volumes",
            "/r/stage",
            "/r/overlay-probe"),
        List.of(
                root.containers(),
                root.container(KEY),
                root.containerdDatabase(),
                root.instanceUuid(),
                root.networkDatabase(),
                root.imageDatabase(),
                root.content(),
                root.snapshots(),
                root.unpacking(),
                root.trash(),
                root.volumes(),
                root.stage(),
                root.overlayProbe())
            .stream()
            .map(Path::toString)
            .toList());
  }

  @Test
  void aTasksFolderAsItIsMade() throws Exception {
    TaskFolder task = task();
    task.make(
        intent(KEY, /* ephemeral= */ true, new TaskIntent.Options("types/o", "CAE=")),
        SPEC,
        Map.of(TaskFolder.NETWORK_NAMESPACE, Path.of("/proc/1/ns/net")));
    Path path = folder.resolve("t").resolve(HEX);
    assertEquals("default\nweb\n", Files.readString(path.resolve("id")));
    assertEquals("{}", Files.readString(path.resolve("bundle/config.json")));
    assertEquals(Path.of("/proc/1/ns/net"), Files.readSymbolicLink(path.resolve("netns")));
    assertEquals(
        "{\"version\":1,\"namespace\":\"default\",\"id\":\"web\",\"bundle\":\"/b\","
            + "\"cgroups_path\":\"/c/web\",\"stdin\":\"/in\",\"stdout\":\"/out\",\"stderr\":\"\","
            + "\"terminal\":true,\"ephemeral\":true,\"rootfs\":[{\"type\":\"bind\","
            + "\"source\":\"/src\",\"target\":\"\",\"options\":[\"ro\",\"rbind\"]}],"
            + "\"options\":{\"type_url\":\"types/o\",\"value\":\"CAE=\"}}",
        Files.readString(path.resolve("intent.json")));
    for (Path each : List.of(path, path.resolve("bundle"), path.resolve("bundle/rootfs"))) {
      assertEquals("rwx------", mode(each));
    }
    assertEquals(KEY, task.key());
    assertTrue(task.isEphemeral());
    assertEquals(0, task.confirmed());
    task.confirm(42);
    assertEquals("42\n", Files.readString(path.resolve("created")));
    assertEquals(42, task.confirmed());
    task.delete();
    assertFalse(Files.exists(path));
  }

  @Test
  void anIntentWithoutOptionsHasNone() throws Exception {
    task().make(intent(KEY, /* ephemeral= */ false, null), SPEC, Map.of());
    assertTrue(
        Files.readString(task().path().resolve("intent.json"))
            .endsWith("\"options\":[\"ro\",\"rbind\"]}]}"));
    assertFalse(task().isEphemeral());
  }

  @Test
  void aFolderIsNotTakenFromAnotherTask() {
    TaskFolder task = task();
    task.make(intent(new TaskKey("default", "other"), false, null), SPEC, Map.of());
    assertThrows(
        BerthException.FailedPrecondition.class,
        () -> task.make(intent(KEY, false, null), SPEC, Map.of()));
    assertEquals(new TaskKey("default", "other"), task.key());
  }

  @Test
  void theShimsRecord() throws Exception {
    TaskFolder task = task();
    task.make(intent(KEY, false, null), SPEC, Map.of());
    assertNull(task.recordIfThere());
    String written =
        "{\"namespace\":\"default\",\"id\":\"web\",\"request\":\"00000000000000ff\","
            + "\"bundle\":\"/b\",\"stdio\":{\"stdin\":\"\",\"stdout\":\"/out\",\"stderr\":\"\","
            + "\"terminal\":false},\"cgroup\":\"/berth/default/web\",\"rootPath\":\"/b/rootfs\","
            + "\"hostRootfs\":\"\",\"mounts\":[{\"type\":\"overlay\",\"source\":\"overlay\","
            + "\"target\":\"\",\"options\":[\"lowerdir=/l\"]}],\"noPivot\":false,"
            + "\"noKeyring\":true,\"ephemeral\":false}";
    Files.writeString(task.path().resolve("shim.json"), written);
    TaskRecord record = Objects.requireNonNull(task.recordIfThere());
    assertEquals(KEY, record.key());
    assertTrue(record.noKeyring());
    assertEquals("/out", record.stdio().stdout());
    assertEquals(List.of("lowerdir=/l"), record.mounts().getFirst().options());
    task.write(record);
    assertEquals(written, Files.readString(task.path().resolve("shim.json")));
    assertEquals("rw-------", mode(task.path().resolve("shim.json")));
  }

  @Test
  void execs() throws Exception {
    TaskFolder task = task();
    task.make(intent(KEY, false, null), SPEC, Map.of());
    assertEquals(Set.of(), task.execIds());
    task.writeProcess("x", SPEC);
    assertEquals("{}", Files.readString(task.path().resolve("exec/x.spec")));
    assertEquals(Set.of(), task.execIds());
    Files.writeString(task.exec("x"), "{}");
    Files.writeString(task.execs().resolve(".y.json"), "{}");
    assertEquals(task.path().resolve("exec/x.json"), task.exec("x"));
    assertEquals(Set.of("x"), task.execIds());
    task.deleteProcess("x");
    assertFalse(Files.exists(task.process("x")));
    Files.createDirectory(task.exits());
    Files.createFile(task.supervisorSocket());
    task.deleteWhatShimsMade();
    try (var rest = Files.list(task.path())) {
      assertEquals(
          Set.of("id", "intent.json", "bundle"),
          Set.copyOf(rest.map(each -> each.getFileName().toString()).toList()));
    }
  }

  /** Whatever mode an administrator or an older build gave them, a start closes them again. */
  @Test
  void foldersAreClosedAtEveryStart() throws Exception {
    StateFolders state = new StateFolders(folder.resolve("run"));
    RootFolders root = new RootFolders(folder.resolve("lib"));
    for (int start = 0; start < 2; start++) {
      state.prepare();
      root.prepare();
      Files.createDirectories(root.overlayProbe());
      root.prepare();
      state.prepareTasks();
      state.prepareShimProcesses();
      state.prepareWarmUpPipes();
      state.shimProcess(1).prepare();
      root.prepareContainers();
      root.prepareContainerd();
      root.prepareContainer(KEY);
      Files.createDirectories(state.task(KEY).bundle());
      state.task(KEY).prepare();
      for (Path closed :
          List.of(
              state.tasks(),
              state.task(KEY).path(),
              state.task(KEY).bundle(),
              state.shimProcesses(),
              state.shimProcess(1).path(),
              state.warmUpPipes(),
              root.containers(),
              root.containerdDatabase().getParent(),
              root.overlayProbe())) {
        assertEquals("rwx------", mode(closed), closed.toString());
        open(closed);
      }
      for (Path passed :
          List.of(root.path(), root.container(KEY), root.container(KEY).getParent())) {
        assertEquals("rwx--x---", mode(passed), passed.toString());
      }
      assertEquals("rwx--x--x", mode(state.path()));
      open(root.container(KEY).getParent());
      open(root.container(KEY));
    }
  }

  private static void open(Path path) throws Exception {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
  }

  @Test
  void whatAShimProcessWarmedItselfUpWithOutlivesItsFolder() throws Exception {
    ShimProcessFolder process = new StateFolders(folder).shimProcess(3);
    process.prepare();
    Files.createFile(process.log());
    Files.createDirectories(process.warmUp().resolve("0"));
    process.delete();
    try (var rest = Files.list(process.path())) {
      assertEquals(List.of(process.warmUp()), rest.toList());
    }
    Files.delete(process.warmUp().resolve("0"));
    Files.delete(process.warmUp());
    process.delete();
    assertFalse(Files.exists(process.path()));
  }
}
