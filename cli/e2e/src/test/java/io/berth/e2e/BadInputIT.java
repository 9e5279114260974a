package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.types.Mount;
import io.berth.base.layout.RootFolders;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is refused is refused with its status and one clear line, and changes nothing on disk. */
@Tag("root")
final class BadInputIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static EventLoops loops;
  private static ManagedChannel channel;
  private Set<String> before = Set.of();

  @BeforeAll
  static void open() throws Exception {
    loops = new EventLoops(1);
    channel = UnixChannel.to(loops, berth.socket());
    berth.ctr("images", "import", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  @AfterAll
  static void close() {
    channel.shutdownNow();
    loops.close();
  }

  /**
   * Names of everything that a refused call might have made: tasks, snapshots, containers' folders.
   */
  private static Set<String> onDisk() throws Exception {
    Set<String> names = new TreeSet<>();
    RootFolders root = new RootFolders(berth.dir().resolve("lib"));
    for (Path folder :
        List.of(new StateFolders(berth.state()).tasks(), root.snapshots(), root.containers())) {
      if (Files.isDirectory(folder)) {
        try (Stream<Path> list = Files.list(folder)) {
          list.map(Path::toString).forEach(names::add);
        }
      }
    }
    return names;
  }

  @BeforeEach
  void look() throws Exception {
    berth.ctr("leases", "create", "--id", "settle").exits(0);
    berth.ctr("leases", "rm", "--sync", "settle").exits(0);
    before = onDisk();
  }

  @AfterEach
  void nothingChanged() throws Exception {
    berth.ctr("leases", "create", "--id", "settle").exits(0);
    berth.ctr("leases", "rm", "--sync", "settle").exits(0);
    assertEquals(before, onDisk());
  }

  private static StatusRuntimeException refused(
      Status.Code code, org.junit.jupiter.api.function.Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    String description = String.valueOf(e.getStatus().getDescription());
    assertEquals(code, e.getStatus().getCode(), description);
    assertFalse(description.contains("\n"), description);
    return e;
  }

  private static ContainersGrpc.ContainersBlockingStub containers() {
    return UnixChannel.in(ContainersGrpc.newBlockingStub(channel), berth.namespace(), null);
  }

  private static TasksGrpc.TasksBlockingStub tasks() {
    return UnixChannel.in(TasksGrpc.newBlockingStub(channel), berth.namespace(), null);
  }

  private static Container container(String id, String spec) {
    return Container.newBuilder()
        .setId(id)
        .setRuntime(Container.Runtime.newBuilder().setName("io.containerd.runc.v2"))
        .setSpec(Anys.of(Anys.SPEC, ByteString.copyFromUtf8(spec)))
        .build();
  }

  private static void create(Container container) {
    containers().create(CreateContainerRequest.newBuilder().setContainer(container).build());
  }

  private static void delete(String id) {
    containers().delete(DeleteContainerRequest.newBuilder().setId(id).build());
  }

  @Test
  void anUnknownImage() {
    berth
        .ctr("run", "--rm", "docker.io/library/nowhere:1", "u1", "true")
        .exits(1)
        .says("not found");
  }

  @Test
  void aDigestThatIsNone() {
    refused(
        Status.Code.INVALID_ARGUMENT,
        () ->
            UnixChannel.in(ContentGrpc.newBlockingStub(channel), berth.namespace(), null)
                .info(InfoRequest.newBuilder().setDigest("sha256:xyz").build()));
  }

  @Test
  void aTruncatedLayer() throws Exception {
    Path archive =
        BusyboxImage.archive(
            berth.folder("bad"),
            "docker.io/library/cut:1",
            List.of(new BusyboxImage.Tar().file("big", 0644, new byte[200_000]).bytes()),
            List.of(0));
    Command command = berth.ctr("images", "import", archive.toString());
    assertTrue(command.exit() != 0, command.out());
    // The client records names before it unpacks; what must not be there is a snapshot of it.
    berth.ctr("images", "rm", "--sync", "docker.io/library/cut:1");
  }

  private static void hostileLayer(String name, BusyboxImage.Tar layer, String outside)
      throws Exception {
    Path archive =
        BusyboxImage.archive(
            berth.folder("bad"),
            "docker.io/library/" + name + ":1",
            List.of(BusyboxImage.layer(), layer.bytes()),
            List.of());
    Command imported = berth.ctr("images", "import", archive.toString());
    Command run = berth.ctr("run", "--rm", "docker.io/library/" + name + ":1", "h-" + name, "true");
    assertTrue(imported.exit() != 0 || run.exit() != 0, "the archive was taken");
    assertFalse(Files.exists(Path.of(outside)), outside + " was written");
    berth.ctr("images", "rm", "--sync", "docker.io/library/" + name + ":1");
  }

  @Test
  void anEntryAboveTheRoot() throws Exception {
    String outside = "/tmp/bt-escape-" + berth.id();
    hostileLayer(
        "dotdot",
        new BusyboxImage.Tar().file("../../../../../../../../.." + outside, 0644, new byte[1]),
        outside);
  }

  @Test
  void anEntryThroughASymlinkThatLeavesStaysInside() throws Exception {
    String outside = "/tmp/bt-symlink-" + berth.id();
    BusyboxImage.Tar layer =
        new BusyboxImage.Tar()
            .symlink("way-out", "/tmp")
            .file("way-out/bt-symlink-" + berth.id(), 0644, new byte[1]);
    Path archive =
        BusyboxImage.archive(
            berth.folder("bad"),
            "docker.io/library/symlink:1",
            List.of(BusyboxImage.layer(), layer.bytes()),
            List.of());
    berth.ctr("images", "import", archive.toString());
    assertFalse(Files.exists(Path.of(outside)), outside + " was written");
    berth.ctr("images", "rm", "--sync", "docker.io/library/symlink:1");
  }

  @Test
  void aHardLinkOutOfTheRoot() throws Exception {
    hostileLayer(
        "hardlink",
        new BusyboxImage.Tar().hardLink("stolen", "../../../../../../etc/shadow"),
        "/nonexistent-" + berth.id());
  }

  @Test
  void aSpecificationThatIsNoJson() {
    create(container("j1", "{\"process\": [}"));
    try {
      refused(
          Status.Code.INVALID_ARGUMENT,
          () -> tasks().create(CreateTaskRequest.newBuilder().setContainerId("j1").build()));
    } finally {
      delete("j1");
    }
  }

  @Test
  void aMountThatCannotBe() {
    create(
        container(
            "b1",
            "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"/bin/true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},"
                + "\"root\":{\"path\":\"rootfs\"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]}}"));
    try {
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  tasks()
                      .create(
                          CreateTaskRequest.newBuilder()
                              .setContainerId("b1")
                              .addRootfs(
                                  Mount.newBuilder()
                                      .setType("bind")
                                      .setSource("/no/such/folder")
                                      .addOptions("rbind"))
                              .build()));
      assertTrue(e.getMessage().contains("/no/such/folder"), e.getMessage());
      refused(
          Status.Code.NOT_FOUND,
          () ->
              tasks()
                  .get(
                      io.berth.api.containerd.services.tasks.v1.GetRequest.newBuilder()
                          .setContainerId("b1")
                          .build()));
    } finally {
      delete("b1");
    }
  }

  @Test
  void anIdThatIsTaken() {
    create(container("i1", "{}"));
    try {
      refused(Status.Code.ALREADY_EXISTS, () -> create(container("i1", "{}")));
    } finally {
      delete("i1");
    }
  }

  @Test
  void twoClientsThatCreateTheSameIdAtOnce() throws Exception {
    for (int round = 0; round < 20; round++) {
      CountDownLatch go = new CountDownLatch(1);
      List<Future<Boolean>> both = new ArrayList<>();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 2; i++) {
          both.add(
              threads.submit(() -> {
                go.await();
                try {
                  create(container("same", "{}"));
                  return true;
                } catch (StatusRuntimeException e) {
                  assertEquals(Status.Code.ALREADY_EXISTS, e.getStatus().getCode());
                  return false;
                }
              }));
        }
        go.countDown();
        int winners = 0;
        for (Future<Boolean> one : both) {
          winners += one.get() ? 1 : 0;
        }
        assertEquals(1, winners);
      }
      delete("same");
    }
  }

  @Test
  void fiveMegabytesOfLabels() {
    Container.Builder big = container("big", "{}").toBuilder();
    big.putLabels("k", "v".repeat(5 << 20));
    StatusRuntimeException e = refused(Status.Code.INVALID_ARGUMENT, () -> create(big.build()));
    assertTrue(e.getMessage().contains("maximum size (4096 bytes)"), e.getMessage());
  }

  @Test
  void aNameThatIsAPath() {
    refused(Status.Code.INVALID_ARGUMENT, () -> create(container("../../etc", "{}")));
  }

  @Test
  void aStatePathThatIsTooLong() throws Exception {
    Path config = berth.folder("long").resolve("config.toml");
    Files.writeString(config, "state = \"/tmp/" + "x".repeat(80) + "\"\nroot = \"/tmp/bt-none\"\n");
    for (String service : BerthInstance.SERVICES) {
      Command command =
          Command.run(
              List.of(
                  berth.libexec().resolve("bin/berth-" + service).toString(),
                  "--config",
                  config.toString()),
              new byte[0],
              Map.of());
      command.exits(2).says("choose a shorter path");
      assertEquals(
          1,
          command.err().lines().filter(line -> !line.contains("warning")).count(),
          command.err());
    }
    assertFalse(Files.exists(Path.of("/tmp/bt-none")));
  }

  @Test
  void aSecondServiceOnTheSameFolder() {
    Command second =
        Command.run(
            List.of(
                berth.libexec().resolve("bin/berth-image").toString(),
                "--config",
                berth.config().toString()),
            new byte[0],
            Map.of());
    second.exits(1).says("held by process");
  }

  @Test
  void bytesThatAreNoHttp2() throws Exception {
    Command.run(
        List.of("busybox", "nc", "local:" + berth.socket()),
        "\u0000\u0001garbage".repeat(1000).getBytes(StandardCharsets.UTF_8),
        Map.of());
    berth.ctr("version").exits(0);
  }
}
