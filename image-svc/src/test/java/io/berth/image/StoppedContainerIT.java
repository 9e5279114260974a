package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.berth.api.berth.image.v1.ArchiveRequest;
import io.berth.api.berth.image.v1.DiffRequest;
import io.berth.api.berth.image.v1.ExtractRequest;
import io.berth.api.berth.image.v1.ExtractResponse;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.StatPathRequest;
import io.berth.api.containerd.types.Mount;
import io.berth.base.rpc.UnixChannel;
import io.berth.image.tar.TarEntry;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * case S4: the files of a stopped container are those that its start would show, with what it
 * mounts. With overlayfs.
 */
@Tag("root")
class StoppedContainerIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension(configuration());
  @TempDir Path host;

  String configuration() {
    return "";
  }

  private RootfsGrpc.RootfsBlockingStub rootfs() {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
  }

  @BeforeEach
  void container() throws Exception {
    byte[] lower =
        Archives.layer()
            .directory("data/", 0755, 0)
            .file("data/below", "image")
            .directory("etc/", 0755, 0)
            .file("etc/conf", "image")
            .link("toVolume", TarEntry.Type.SYMBOLIC_LINK, "/vol")
            .link("toRoot", TarEntry.Type.SYMBOLIC_LINK, "/")
            .link("up", TarEntry.Type.SYMBOLIC_LINK, "../../../../..")
            .link("dangling", TarEntry.Type.SYMBOLIC_LINK, "/not/yet")
            .tar();
    byte[] upper = Archives.layer().file("etc/upper", "u").tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", lower, upper), "app:1"), "");
    rootfs().prepare(PrepareRequest.newBuilder().setRef("app:1").setKey("c").setUser("0").build());
  }

  /** Neither here, where the service runs as well, nor on its folder. */
  @AfterEach
  void nothingIsLeftMounted() throws Exception {
    assertEquals(List.of(), mountsOfTheService(Path.of("/proc/self/mountinfo")));
    try (var files = Files.list(service.root().resolve("stage"))) {
      assertEquals(List.of(), files.toList());
    }
  }

  private List<String> mountsOfTheService(Path table) throws IOException {
    return Files.readAllLines(table).stream()
        .filter(line -> line.contains(service.folder().toString()))
        .toList();
  }

  private Path folder(String name) throws IOException {
    return Files.createDirectories(host.resolve(name));
  }

  private static Mount bind(Path source, String target, String... options) {
    return Mount.newBuilder()
        .setType("bind")
        .setSource(source.toString())
        .setTarget(target)
        .addOptions("rbind")
        .addAllOptions(List.of(options))
        .build();
  }

  private static Mount tmpfs(String target) {
    return Mount.newBuilder().setType("tmpfs").setSource("tmpfs").setTarget(target).build();
  }

  /** Names with contents; of links what they lead to. */
  private Map<String, String> read(String path, Mount... mounts) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    rootfs()
        .archive(
            ArchiveRequest.newBuilder()
                .setKey("c")
                .setPath(path)
                .addAllMounts(List.of(mounts))
                .build())
        .forEachRemaining(chunk -> bytes.writeBytes(chunk.getData().toByteArray()));
    Map<String, String> result = new TreeMap<>();
    try (var tar = new TarArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        result.put(
            entry.getName(),
            entry.isSymbolicLink() || entry.isLink()
                ? "-> " + entry.getLinkName()
                : new String(tar.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return result;
  }

  private String stat(String path, Mount... mounts) {
    return rootfs()
        .statPath(
            StatPathRequest.newBuilder()
                .setKey("c")
                .setPath(path)
                .addAllMounts(List.of(mounts))
                .build())
        .getName();
  }

  /** An extraction that waits for its end. */
  private final class Extraction {
    final CompletableFuture<Long> answer = new CompletableFuture<>();
    final StreamObserver<ExtractRequest> requests;

    Extraction(ExtractRequest first) {
      requests =
          UnixChannel.in(RootfsGrpc.newStub(service.channel()), "default", null)
              .extract(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(ExtractResponse response) {
                      answer.complete(response.getEntries());
                    }

                    @Override
                    public void onError(Throwable failure) {
                      answer.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {}
                  });
      requests.onNext(first);
    }

    long end() throws Exception {
      requests.onCompleted();
      try {
        return answer.get(30, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        throw (Exception) e.getCause();
      }
    }
  }

  private static ExtractRequest.Builder writing(String path, byte[] tar, Mount... mounts) {
    return ExtractRequest.newBuilder()
        .setKey("c")
        .setPath(path)
        .setData(ByteString.copyFrom(tar))
        .addAllMounts(List.of(mounts));
  }

  private void write(String path, String name, Mount... mounts) throws Exception {
    byte[] tar = Archives.layer().file(name, "new").tar();
    assertEquals(1, new Extraction(writing(path, tar, mounts).build()).end());
  }

  private String refused(String path, String name, boolean readOnly, Mount... mounts)
      throws Exception {
    byte[] tar = Archives.layer().file(name, "new").tar();
    ExtractRequest request = writing(path, tar, mounts).setReadOnlyRootfs(readOnly).build();
    var e = assertThrows(StatusRuntimeException.class, () -> new Extraction(request).end());
    String message = String.valueOf(e.getMessage());
    assertFalse(message.contains("\n"), message);
    assertFalse(message.contains(service.folder().toString()), message);
    return message;
  }

  /** What the container itself has changed. */
  private List<String> changes() {
    List<String> lines = new ArrayList<>();
    rootfs()
        .diff(DiffRequest.newBuilder().setKey("c").build())
        .forEachRemaining(change -> lines.add(change.getPath()));
    return lines;
  }

  // case S4: a volume over the image's folder, a bind of a file, a target that the image lacks
  @Test
  void threeShapes_areReadAndNothingChanges() throws Exception {
    Path volume = folder("volume");
    Files.writeString(volume.resolve("v"), "volume");
    Path conf = Files.writeString(host.resolve("conf"), "bound");
    Path lacking = folder("lacking");
    Files.writeString(lacking.resolve("l"), "lacking");
    Mount[] mounts = {
      bind(volume, "/data"),
      bind(conf, "/etc/conf"),
      bind(lacking, "/lack/deep"),
      bind(conf, "/lack/file")
    };
    assertEquals(Map.of("data/", "", "data/v", "volume"), read("/data", mounts));
    assertEquals(Map.of("conf", "bound"), read("/etc/conf", mounts));
    assertEquals(
        Map.of("lack/", "", "lack/deep/", "", "lack/deep/l", "lacking", "lack/file", "bound"),
        read("/lack", mounts));
    assertEquals("u", read("/etc/upper", mounts).get("upper"));
    assertEquals("v", stat("/data/v", mounts));
    assertThrows(StatusRuntimeException.class, () -> stat("/data/below", mounts));
    assertEquals("image", read("/data/below").get("below"));
    assertEquals(List.of(), changes());
  }

  // case S4
  @Test
  void threeShapes_areWrittenWhereTheContainerWouldSeeThem() throws Exception {
    Path volume = folder("volume");
    Path conf = Files.writeString(host.resolve("conf"), "a longer content than the new one");
    Path lacking = folder("lacking");
    Mount[] mounts = {bind(volume, "/data"), bind(conf, "/etc/conf"), bind(lacking, "/lack/deep")};
    write("/data", "one", mounts);
    write("/lack/deep", "two", mounts);
    write("/etc", "conf", mounts);
    write("/etc", "own", mounts);
    assertEquals("new", Files.readString(volume.resolve("one")));
    assertEquals("new", Files.readString(lacking.resolve("two")));
    assertEquals("new", Files.readString(conf));
    // As after a start: the target that was lacking, and what went beside the mounts.
    assertEquals(List.of("/etc", "/etc/own", "/lack", "/lack/deep"), changes());
    assertEquals("image", read("/etc/conf").get("conf"));
  }

  // case S4: mounts in mounts, links into a volume and out of it
  @Test
  void nestedMountsAndLinks_areFollowedInside() throws Exception {
    Path volume = folder("volume");
    Path inner = folder("inner");
    Files.createSymbolicLink(volume.resolve("out"), Path.of("/data"));
    Files.createSymbolicLink(volume.resolve("far"), Path.of("../../../etc"));
    Mount[] mounts = {bind(volume, "/vol"), bind(inner, "/vol/in/side")};
    write("/toVolume", "one", mounts);
    write("/vol/in/side", "two", mounts);
    write("/vol/out", "three", mounts);
    write("/toVolume/far", "four", mounts);
    assertEquals("new", Files.readString(volume.resolve("one")));
    assertEquals("new", Files.readString(inner.resolve("two")));
    assertEquals(List.of(), List.of(volume.resolve("in/side").toFile().list()));
    assertEquals("new", read("/data/three").get("three"));
    assertEquals("new", read("/etc/four").get("four"));
    assertEquals(
        Map.of(
            "toVolume/",
            "",
            "toVolume/far",
            "-> ../../../etc",
            "toVolume/in/",
            "",
            "toVolume/in/side/",
            "",
            "toVolume/in/side/two",
            "new",
            "toVolume/one",
            "new",
            "toVolume/out",
            "-> /data"),
        read("/toVolume/", mounts));
    assertFalse(Files.exists(Path.of("/etc/four")));
  }

  // case S4, and case L24
  @Test
  void readOnly_isRefusedInWordsOfTheContainer() throws Exception {
    Path volume = folder("volume");
    Path inner = folder("inner");
    Path conf = Files.writeString(host.resolve("conf"), "bound");
    Mount[] mounts = {
      bind(volume, "/data", "ro", "rro"),
      bind(inner, "/etc/inner", "ro"),
      bind(conf, "/etc/conf", "ro")
    };
    String message = refused("/data", "one", false, mounts);
    assertTrue(message.startsWith("FAILED_PRECONDITION: copy at `/data`: "), message);
    assertTrue(message.contains("mounted volume `/data` is marked read-only"), message);
    message = refused("/etc", "inner/x", false, mounts);
    assertTrue(message.contains("is marked read-only"), message);
    message = refused("/etc", "conf", false, mounts);
    assertTrue(message.contains("is marked read-only"), message);
    Mount writable = bind(volume, "/data");
    message = refused("/etc", "one", true, writable);
    assertTrue(message.contains("container rootfs is marked read-only"), message);
    byte[] tar = Archives.layer().file("one", "new").tar();
    new Extraction(writing("/data", tar, writable).setReadOnlyRootfs(true).build()).end();
    assertEquals("new", Files.readString(volume.resolve("one")));
    assertEquals("bound", Files.readString(conf));
  }

  // case S4: what is written to a tmpfs would be lost at the start.
  @Test
  void tmpfs_isEmptyAndTakesNothing() throws Exception {
    assertEquals(Map.of("data/", ""), read("/data", tmpfs("/data")));
    String message = refused("/data", "one", false, tmpfs("/data"));
    assertTrue(message.contains("`/data` is a tmpfs, which begins empty"), message);
  }

  // case S4: files are rescued from a container that no longer starts.
  @Test
  void sourceThatIsGone_isToldToThoseWhoLookThere() throws Exception {
    Mount gone = bind(host.resolve("gone"), "/data");
    assertEquals("u", read("/etc/upper", gone).get("upper"));
    write("/etc", "one", gone);
    String message = refused("/data", "one", false, gone);
    assertTrue(
        message.contains("mount `/data` cannot be shown: its source `" + host + "/gone`"), message);
    var e = assertThrows(StatusRuntimeException.class, () -> stat("/data/below", gone));
    assertTrue(String.valueOf(e.getMessage()).contains("is not there"), e.getMessage());
  }

  // case S4: an image's links lead a mount's target nowhere but inside.
  @Test
  void hostileTargets_stayInside() throws Exception {
    Path volume = folder("volume");
    Files.writeString(volume.resolve("v"), "volume");
    List<String> before = Files.readAllLines(Path.of("/proc/self/mountinfo"));
    Mount[] mounts = {
      bind(volume, "/toRoot"),
      bind(volume, "/up" + host + "/x"),
      bind(volume, "/../../tmp/y"),
      bind(volume, "/dangling/z"),
      bind(volume, "/toRoot/proc/self/root/w")
    };
    assertEquals("volume", read("/toRoot" + host + "/x/v", mounts).get("v"));
    assertEquals("volume", read("/tmp/y/v", mounts).get("v"));
    assertEquals("volume", read("/not/yet/z/v", mounts).get("v"));
    assertEquals("volume", read("/proc/self/root/w/v", mounts).get("v"));
    write("/tmp/y", "new", mounts);
    assertEquals("new", Files.readString(volume.resolve("new")));
    assertFalse(Files.exists(host.resolve("x")));
    assertFalse(Files.exists(Path.of("/tmp/y")));
    assertFalse(Files.exists(Path.of("/not")));
    assertEquals(before, Files.readAllLines(Path.of("/proc/self/mountinfo")));
  }

  // case S4: equal numbers on two file systems are two files.
  @Test
  void filesOfTwoMounts_areNotTakenForOne() throws Exception {
    List<Path> mounted = new ArrayList<>();
    try {
      for (String name : List.of("a", "b")) {
        Path at = folder(name);
        Mounts.mount("tmpfs", at, "tmpfs", 0, "size=1m");
        mounted.add(at);
        Files.writeString(at.resolve("f"), name);
        Files.createLink(at.resolve("g"), at.resolve("f"));
      }
      assertEquals(
          Files.getAttribute(mounted.get(0).resolve("f"), "unix:ino"),
          Files.getAttribute(mounted.get(1).resolve("f"), "unix:ino"));
      Map<String, String> found =
          read("/m", bind(mounted.get(0), "/m/a"), bind(mounted.get(1), "/m/b"));
      assertEquals("a", found.get("m/a/f"));
      assertEquals("b", found.get("m/b/f"));
      assertEquals("-> m/b/f", found.get("m/b/g"));
    } finally {
      for (Path at : mounted) {
        Mounts.unmount(at, MountFlags.MNT_DETACH);
      }
    }
  }

  /** Waits until one of the service's threads has mounted the container. */
  private void awaitAssembled() throws Exception {
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30); System.nanoTime() < end; ) {
      try (var tasks = Files.list(Path.of("/proc/self/task"))) {
        for (Path task : tasks.toList()) {
          try {
            if (mountsOfTheService(task.resolve("mountinfo")).stream()
                .anyMatch(line -> line.contains("/stage/root"))) {
              return;
            }
          } catch (IOException ended) {
            // That thread is gone.
          }
        }
      }
      LockSupport.parkNanos(1_000_000);
    }
    throw new AssertionError("nothing was mounted");
  }

  // case S4: while it goes on, and when the container is removed meanwhile
  @Test
  void copyIntoAContainerThatIsRemoved_saysSoAndShowsNothingOnTheHost() throws Exception {
    Path volume = folder("volume");
    Extraction extraction =
        new Extraction(writing("/data", new byte[0], bind(volume, "/data")).build());
    awaitAssembled();
    assertEquals(List.of(), mountsOfTheService(Path.of("/proc/self/mountinfo")));
    rootfs().remove(RemoveRootfsRequest.newBuilder().setKey("c").build());
    extraction.requests.onNext(
        ExtractRequest.newBuilder()
            .setData(ByteString.copyFrom(Archives.layer().file("one", "new").tar()))
            .build());
    var e = assertThrows(StatusRuntimeException.class, extraction::end);
    assertTrue(
        String.valueOf(e.getMessage()).startsWith("NOT_FOUND: write to snapshot \"c\": "),
        e.getMessage());
  }

  // case S4: the number of a container that has ended may be that of a process of the host's.
  @Test
  void rootOfAProcessOfTheHosts_isNotAContainers() {
    var e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                rootfs()
                    .statPath(
                        StatPathRequest.newBuilder()
                            .setRootfs("/proc/" + ProcessHandle.current().pid() + "/root")
                            .setPath("/etc")
                            .build()));
    assertTrue(String.valueOf(e.getMessage()).startsWith("NOT_FOUND: "), e.getMessage());
  }
}
