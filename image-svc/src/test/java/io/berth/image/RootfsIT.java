package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import io.berth.api.berth.image.v1.ArchiveRequest;
import io.berth.api.berth.image.v1.Chunk;
import io.berth.api.berth.image.v1.CommitRequest;
import io.berth.api.berth.image.v1.DiffRequest;
import io.berth.api.berth.image.v1.ExportRequest;
import io.berth.api.berth.image.v1.ExtractRequest;
import io.berth.api.berth.image.v1.ExtractResponse;
import io.berth.api.berth.image.v1.HistoryRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.SaveRequest;
import io.berth.api.berth.image.v1.StatPathRequest;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.types.Mount;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.tar.TarEntry;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A container's root file system: what it changes, and what is made of that. With overlayfs. */
@Tag("root")
class RootfsIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension(configuration());
  @TempDir Path mountPoint;
  private Mount mount = Mount.getDefaultInstance();

  String configuration() {
    return "";
  }

  private RootfsGrpc.RootfsBlockingStub rootfs() {
    return UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  @BeforeEach
  void container() throws Exception {
    byte[] lower =
        Archives.layer()
            .directory("root/", 0700, 0)
            .directory("etc/", 0755, 0)
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file("etc/old", "old")
            .directory("var/", 0755, 0)
            .directory("var/lib/", 0755, 0)
            .file("var/lib/data", "1")
            .directory("gone/", 0755, 0)
            .file("gone/x", "x")
            .link("data", TarEntry.Type.SYMBOLIC_LINK, "var/lib")
            .tar();
    byte[] upper = Archives.layer().file("etc/upper", "u").tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", lower, upper), "app:1"), "");
    mount =
        rootfs()
            .prepare(PrepareRequest.newBuilder().setRef("app:1").setKey("c").setUser("0").build())
            .getMounts(0);
  }

  private void change() throws Exception {
    try (var _ = Overlay.mount(mount, mountPoint)) {
      Files.writeString(mountPoint.resolve("root/.bash_history"), "ls\n");
      Files.writeString(
          mountPoint.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\nu:x:7:8::/:/bin/sh\n");
      Files.delete(mountPoint.resolve("etc/old"));
      Files.delete(mountPoint.resolve("gone/x"));
      Files.delete(mountPoint.resolve("gone"));
      Files.createDirectory(mountPoint.resolve("new"));
      Files.writeString(mountPoint.resolve("new/f"), "f");
      Files.createLink(mountPoint.resolve("new/g"), mountPoint.resolve("new/f"));
    }
  }

  private List<String> changes() {
    List<String> lines = new ArrayList<>();
    rootfs()
        .diff(DiffRequest.newBuilder().setKey("c").build())
        .forEachRemaining(change ->
            lines.add(
                change.getKind().name().substring("KIND_".length()).charAt(0)
                    + " "
                    + change.getPath()));
    return lines;
  }

  @Test
  void diff_tellsWhatChangedParentsFirst() throws Exception {
    assertEquals(List.of(), changes());
    change();
    assertEquals(
        List.of(
            "C /etc",
            "D /etc/old",
            "C /etc/passwd",
            "D /gone",
            "A /new",
            "A /new/f",
            "A /new/g",
            "C /root",
            "A /root/.bash_history"),
        changes());
  }

  private Mount prepare(String ref, String key) {
    return rootfs()
        .prepare(PrepareRequest.newBuilder().setRef(ref).setKey(key).setUser("0").build())
        .getMounts(0);
  }

  /** The files that every container has are there, and are not listed as its changes. */
  @Test
  void mountPoints_areThereAndNoChange() throws Exception {
    assumeTrue(configuration().isEmpty(), "a snapshotter that copies has no layer between");
    try (var _ = Overlay.mount(mount, mountPoint)) {
      for (String folder : List.of("dev/pts", "dev/shm", "proc", "sys")) {
        assertTrue(Files.isDirectory(mountPoint.resolve(folder)), folder);
        assertEquals(
            "rwxr-xr-x",
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(mountPoint.resolve(folder))));
      }
      for (String file :
          List.of("etc/hosts", "etc/hostname", "etc/resolv.conf", "dev/console", ".dockerenv")) {
        assertEquals(0, Files.size(mountPoint.resolve(file)), file);
      }
      assertEquals(Path.of("/proc/mounts"), Files.readSymbolicLink(mountPoint.resolve("etc/mtab")));
      // A folder that the image has stays as it is.
      assertEquals(
          "rwx------",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(mountPoint.resolve("root"))));
      assertEquals("u", Files.readString(mountPoint.resolve("etc/upper")));
    }
    assertEquals(List.of(), changes());
    prepare("app:1", "second");
    assertEquals(
        1,
        UnixChannel.in(SnapshotsGrpc.newBlockingStub(service.channel()), "default", null)
            .list(ListSnapshotsRequest.newBuilder().setSnapshotter("overlayfs").build())
            .next()
            .getInfoList()
            .stream()
            .filter(info -> info.getName().startsWith("berth-init"))
            .count(),
        "containers of one image share it");
    Image committed =
        images()
            .commit(
                CommitRequest.newBuilder()
                    .setSnapshotKey("c")
                    .setParentRef("app:1")
                    .setName("app:same")
                    .build());
    var absent =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                rootfs()
                    .statPath(
                        StatPathRequest.newBuilder()
                            .setKey(committed.getChainId())
                            .setPath("/etc/mtab")
                            .build()));
    assertTrue(String.valueOf(absent.getMessage()).startsWith("NOT_FOUND"), absent.getMessage());
  }

  /**
   * If the image has links at those places, they are replaced in the container, and the image stays
   * as it is.
   */
  @Test
  void linksAtMountPoints_areReplacedInTheContainerOnly() throws Exception {
    assumeTrue(configuration().isEmpty(), "a snapshotter that copies has no layer between");
    byte[] links =
        Archives.layer()
            .directory("usr/", 0755, 0)
            .directory("usr/etc/", 0750, 0)
            .file("usr/etc/motd", "m")
            .link("etc", TarEntry.Type.SYMBOLIC_LINK, "usr/etc")
            .directory("run/", 0755, 0)
            .link(".dockerenv", TarEntry.Type.SYMBOLIC_LINK, "/etc/shadow")
            .tar();
    LoadAndPrepareIT.load(service, Archives.oci(Archives.image("sh", links), "links:1"), "");
    try (var _ = Overlay.mount(prepare("links:1", "l"), mountPoint)) {
      assertTrue(
          Files.isDirectory(mountPoint.resolve("etc"), LinkOption.NOFOLLOW_LINKS), "etc is a link");
      assertTrue(
          Files.isRegularFile(mountPoint.resolve("etc/resolv.conf"), LinkOption.NOFOLLOW_LINKS));
      assertTrue(Files.isRegularFile(mountPoint.resolve(".dockerenv"), LinkOption.NOFOLLOW_LINKS));
      assertFalse(Files.exists(mountPoint.resolve("usr/etc/hosts")));
      assertEquals("m", Files.readString(mountPoint.resolve("usr/etc/motd")));
    }
  }

  private static byte[] bytes(Iterator<Chunk> chunks) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    chunks.forEachRemaining(chunk -> all.writeBytes(chunk.getData().toByteArray()));
    return all.toByteArray();
  }

  private static List<String> names(byte[] tar) throws Exception {
    List<String> names = new ArrayList<>();
    try (TarArchiveInputStream in = new TarArchiveInputStream(new ByteArrayInputStream(tar))) {
      for (TarArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        names.add(entry.getName() + (entry.isLink() ? " -> " + entry.getLinkName() : ""));
      }
    }
    return names;
  }

  @Test
  void export_isTheMergedTree() throws Exception {
    change();
    List<String> names =
        names(bytes(rootfs().export(ExportRequest.newBuilder().setKey("c").build())));
    assertTrue(
        names.containsAll(
            List.of("etc/", "etc/passwd", "etc/upper", "var/lib/data", "new/g -> new/f", "data")),
        names::toString);
    assertFalse(names.contains("etc/old"));
    assertFalse(names.contains("gone/"));
  }

  @Test
  void copyOutAndIn_followsLinksInside() throws Exception {
    assertEquals(
        List.of("lib/", "lib/data"),
        names(
            bytes(
                rootfs()
                    .archive(
                        ArchiveRequest.newBuilder().setKey("c").setPath("/var/lib").build()))));
    assertEquals(
        List.of("data"),
        names(
            bytes(
                rootfs()
                    .archive(ArchiveRequest.newBuilder().setKey("c").setPath("/data").build()))));
    var link = rootfs().statPath(StatPathRequest.newBuilder().setKey("c").setPath("/data").build());
    assertEquals("var/lib", link.getLinkTarget());
    assertEquals("data", link.getName());
    var missing =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                rootfs()
                    .statPath(StatPathRequest.newBuilder().setKey("c").setPath("/nope").build()));
    assertEquals(
        "NOT_FOUND: path `/nope`: no such file or directory: not found", missing.getMessage());

    assertEquals(
        2, extract("/data", Archives.layer().file("in", "new").file("data", "2").tar(), false));
    assertEquals(
        1,
        rootfs()
            .statPath(StatPathRequest.newBuilder().setKey("c").setPath("/var/lib/data").build())
            .getSize());
    try (var _ = Overlay.mount(mount, mountPoint)) {
      assertEquals("new", Files.readString(mountPoint.resolve("var/lib/in")));
      assertEquals("2", Files.readString(mountPoint.resolve("var/lib/data")));
    }
    var kinds =
        assertThrows(
            StatusRuntimeException.class,
            () -> extract("/", Archives.layer().file("etc", "").tar(), false));
    assertTrue(
        String.valueOf(kinds.getMessage())
            .contains("cannot overwrite directory `etc` with non-directory"),
        kinds.getMessage());
    var noFolder =
        assertThrows(
            StatusRuntimeException.class,
            () -> extract("/etc/passwd", Archives.layer().tar(), false));
    assertTrue(
        String.valueOf(noFolder.getMessage()).contains("extraction point is not a directory"));
  }

  private long extract(String path, byte[] tar, boolean overwrite) throws Exception {
    CompletableFuture<Long> answer = new CompletableFuture<>();
    StreamObserver<ExtractRequest> requests =
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
    requests.onNext(
        ExtractRequest.newBuilder()
            .setKey("c")
            .setPath(path)
            .setOverwriteFolderWithFile(overwrite)
            .setData(ByteString.copyFrom(tar))
            .build());
    requests.onCompleted();
    try {
      return answer.get(30, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  @Test
  void commit_addsALayerThatShowsTheSameTree() throws Exception {
    change();
    Image image =
        images()
            .commit(
                CommitRequest.newBuilder()
                    .setSnapshotKey("c")
                    .setParentRef("app:1")
                    .setName("app:2")
                    .setMessage("msg")
                    .addChanges("ENV A=b C=\"d e\"")
                    .addChanges("CMD [\"top\"]")
                    .build());
    assertEquals(List.of("docker.io/library/app:2"), image.getNamesList());
    assertEquals(3, image.getDiffIdsCount());
    assertEquals(List.of("PATH=/bin", "A=b", "C=d e"), image.getConfig().getEnvList());
    assertEquals(List.of("top"), image.getConfig().getCmdList());
    var history =
        images().history(HistoryRequest.newBuilder().setRef("app:2").build()).getEntriesList();
    assertEquals("msg", history.getFirst().getComment());
    // It tells what made the layer, and not what the image runs from now on.
    assertEquals("sh", history.getFirst().getCreatedBy());
    Mount second =
        rootfs()
            .prepare(PrepareRequest.newBuilder().setRef("app:2").setKey("c2").setUser("u").build())
            .getMounts(0);
    try (var _ = Overlay.mount(second, mountPoint)) {
      assertEquals("ls\n", Files.readString(mountPoint.resolve("root/.bash_history")));
      assertTrue(Files.notExists(mountPoint.resolve("gone")));
      assertTrue(Files.notExists(mountPoint.resolve("etc/old")));
      assertEquals("u", Files.readString(mountPoint.resolve("etc/upper")));
    }
    var name =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                images()
                    .commit(
                        CommitRequest.newBuilder()
                            .setSnapshotKey("c")
                            .setParentRef("app:1")
                            .setName("../../x")
                            .build()));
    assertTrue(
        String.valueOf(name.getMessage()).startsWith("INVALID_ARGUMENT: invalid reference format"),
        name.getMessage());
  }

  @Test
  void savedArchive_loadsAgain_andVerifyFindsNothing() throws Exception {
    for (String format : List.of("oci", "docker")) {
      byte[] archive =
          bytes(images().save(SaveRequest.newBuilder().addRefs("app:1").setFormat(format).build()));
      var loaded = LoadAndPrepareIT.load(service, archive, "").getLast().getImage();
      assertEquals(List.of("docker.io/library/app:1"), loaded.getNamesList());
    }
    List<String> findings = new ArrayList<>();
    images()
        .verify(VerifyRequest.getDefaultInstance())
        .forEachRemaining(answer -> findings.add(answer.getFinding()));
    assertEquals(List.of(""), findings);
    Path blobs = service.root().resolve("content/blobs/sha256");
    try (var files = Files.list(blobs)) {
      Path victim = files.findFirst().orElseThrow();
      byte[] bytes = Files.readAllBytes(victim);
      bytes[0] ^= 1;
      Files.write(victim, bytes);
    }
    findings.clear();
    images()
        .verify(VerifyRequest.getDefaultInstance())
        .forEachRemaining(answer -> findings.add(answer.getFinding()));
    assertEquals(List.of("was changed on disk; remove and pull it again", ""), findings);
  }
}
