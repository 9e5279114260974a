package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import com.google.protobuf.ByteString;
import io.berth.api.berth.image.v1.BeginRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.containerd.services.images.v1.CreateImageRequest;
import io.berth.api.containerd.services.images.v1.DeleteImageRequest;
import io.berth.api.containerd.services.images.v1.GetImageRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.tar.TarEntry;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.commons.compress.compressors.xz.XZCompressorOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@Tag("root")
final class LoadAndPrepareIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();

  private static final int CHUNK = 100_000;

  static List<Progress> load(ServiceExtension service, byte[] archive, String name)
      throws Exception {
    return load(service, "default", archive, LoadRequest.newBuilder().setName(name).build());
  }

  /**
   * Sends an archive in pieces and answers all that was told.
   *
   * @param wish what the first piece says beside its bytes
   */
  static List<Progress> load(
      ServiceExtension service, String namespace, byte[] archive, LoadRequest wish)
      throws Exception {
    List<Progress> answers = new ArrayList<>();
    CompletableFuture<List<Progress>> all = new CompletableFuture<>();
    StreamObserver<LoadRequest> requests =
        UnixChannel.in(ImagesGrpc.newStub(service.channel()), namespace, null)
            .load(
                new StreamObserver<>() {
                  @Override
                  public void onNext(Progress answer) {
                    answers.add(answer);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    all.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {
                    all.complete(answers);
                  }
                });
    for (int at = 0; at < archive.length; at += CHUNK) {
      byte[] part = Arrays.copyOfRange(archive, at, Math.min(archive.length, at + CHUNK));
      requests.onNext(
          (at == 0 ? wish.toBuilder() : LoadRequest.newBuilder())
              .setData(ByteString.copyFrom(part))
              .build());
    }
    requests.onCompleted();
    try {
      return all.get(30, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  private static List<Image> images(List<Progress> answers) {
    return answers.stream().filter(Progress::hasImage).map(Progress::getImage).toList();
  }

  private List<String> leases() {
    return UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "default", null)
        .list(io.berth.api.containerd.services.leases.v1.ListRequest.getDefaultInstance())
        .getLeasesList()
        .stream()
        .map(lease -> lease.getId().replaceAll(".*-", ""))
        .sorted()
        .toList();
  }

  /** Who prepared may be killed before it could record anything; its next life says so. */
  @Test
  void whatALifePreparedAndDidNotRecord_isGivenUpByTheNext() throws Exception {
    byte[] layer = Archives.layer().file("f", "x").tar();
    load(service, Archives.oci(Archives.image("sh", layer), "l:1"), "");
    RootfsGrpc.RootfsBlockingStub stub =
        UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
    for (String key : List.of("first.A", "second.B", "other.")) {
      String life = key.substring(key.indexOf('.') + 1);
      var _ =
          stub.prepare(
              PrepareRequest.newBuilder()
                  .setRef("l:1")
                  .setUser("0")
                  .setKey(key)
                  .setLife(life)
                  .build());
    }
    var _ = stub.begin(BeginRequest.newBuilder().setLife("B").build());
    assertEquals(List.of("other.", "second.B"), leases());
    // What the dead have asked for and what is only carried out now keeps nothing either.
    StatusRuntimeException late =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                stub.prepare(
                    PrepareRequest.newBuilder()
                        .setRef("l:1")
                        .setUser("0")
                        .setKey("late")
                        .setLife("A")
                        .build()));
    assertEquals(Status.Code.CANCELLED, late.getStatus().getCode());
    assertEquals(List.of("other.", "second.B"), leases());
  }

  /** Cases I4 and I17: what shrinks as far as its format can is honest. */
  @Test
  void layersOfZeros_areTaken() throws Exception {
    byte[] layer = Archives.layer().file("zeros", 0644, new byte[80 << 20]).tar();
    Archives.Image image = Archives.image("sh", layer);
    byte[] gzip = image.blobs().values().iterator().next();
    assertTrue(layer.length / gzip.length > 500);
    assertEquals(1, images(load(service, Archives.oci(image, "zeros:1"), "")).size());
    // The whole archive may be packed as well, and by what packs zeros further.
    byte[] archive = Archives.docker("sh", "zeros:2", layer);
    byte[] zstd = Zstd.compress(archive);
    assertTrue(archive.length / zstd.length > 5000);
    assertEquals(1, images(load(service, zstd, "")).size());
  }

  /** Case I8: archives packed by xz and bzip2 are read, others named. */
  @Test
  void archivesPackedOtherwise() throws Exception {
    byte[] archive =
        Archives.oci(Archives.image("sh", base(), second()), "docker.io/library/test:1");
    ByteArrayOutputStream xz = new ByteArrayOutputStream();
    try (var out = new XZCompressorOutputStream(xz)) {
      out.write(archive);
    }
    assertEquals(1, images(load(service, xz.toByteArray(), "")).size());
    var e =
        assertThrows(
            StatusRuntimeException.class,
            () -> load(service, "LZIP\1\14".getBytes(StandardCharsets.US_ASCII), ""));
    assertEquals(
        "INVALID_ARGUMENT: load archive: it is packed by lzip, which is not read; pack it by gzip,"
            + " zstd, xz or bzip2, or not at all: invalid argument",
        e.getMessage());
  }

  private static byte[] base() throws Exception {
    return Archives.layer()
        .directory("etc/", 0755, 0)
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n")
        .file("etc/group", "root:x:0:\napp:x:1001:\nextra:x:2000:app,other\n")
        .file("big", "x".repeat(300_000))
        .tar();
  }

  private static byte[] second() throws Exception {
    return Archives.layer()
        .file("hello", "world")
        .file(".wh.big", "")
        .link("s", TarEntry.Type.SYMBOLIC_LINK, "hello")
        .tar();
  }

  /** Such an image is none to start from, but it can be taken away, and others are there. */
  @Test
  void imageWhoseContentIsLost_canBeRemoved_andHidesNoOther() throws Exception {
    Archives.Image lost = Archives.image("lost", base());
    load(service, Archives.oci(lost, "docker.io/library/lost:1"), "");
    load(service, Archives.oci(Archives.image("sh", second()), "docker.io/library/there:1"), "");
    // Nothing of it is in memory, and it is lost only now: a start drops the records of such
    // content.
    service.stop();
    service.start();
    String file = lost.manifest().digest().substring("sha256:".length());
    try (Stream<Path> files = Files.walk(service.root())) {
      for (Path path : files.filter(each -> each.endsWith(file)).toList()) {
        Files.delete(path);
      }
    }
    var images = UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
    assertEquals(
        List.of("docker.io/library/there:1"),
        images.list(ListRequest.getDefaultInstance()).getImagesList().stream()
            .flatMap(image -> image.getNamesList().stream())
            .toList());
    var names =
        UnixChannel.in(
            io.berth.api.containerd.services.images.v1.ImagesGrpc.newBlockingStub(
                service.channel()),
            "default",
            null);
    var target =
        names.get(GetImageRequest.newBuilder().setName("docker.io/library/lost:1").build());
    // Another name for it, as a client of containerd gives one.
    var _ =
        names.create(
            CreateImageRequest.newBuilder()
                .setImage(target.getImage().toBuilder().setName("docker.io/library/lost:2"))
                .build());
    var _ =
        names.delete(DeleteImageRequest.newBuilder().setName("docker.io/library/lost:1").build());
    assertEquals(
        List.of("lost:2"),
        images.remove(RemoveRequest.newBuilder().setRef("lost:2").build()).getUntaggedList());
  }

  @Test
  void ociArchive_becomesAnImageAndASnapshot() throws Exception {
    Archives.Image image = Archives.image("sh", base(), second());
    List<Image> loaded = images(load(service, Archives.oci(image, "docker.io/library/test:1"), ""));
    assertEquals(1, loaded.size());
    assertEquals(List.of("docker.io/library/test:1"), loaded.getFirst().getNamesList());
    assertEquals(image.config().digest(), loaded.getFirst().getId());
    assertEquals(List.of("sh"), loaded.getFirst().getConfig().getCmdList());

    var images = UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
    for (String ref :
        List.of(
            "test:1",
            "library/test:1",
            image.config().digest(),
            image.config().digest().substring(7, 15))) {
      assertEquals(
          image.config().digest(),
          images.resolve(ResolveRequest.newBuilder().setRef(ref).build()).getId());
    }
    assertEquals(1, images.list(ListRequest.getDefaultInstance()).getImagesCount());
    var missing =
        assertThrows(
            StatusRuntimeException.class,
            () -> images.resolve(ResolveRequest.newBuilder().setRef("nope").build()));
    assertEquals("NOT_FOUND: No such image: nope: not found", missing.getMessage());

    var rootfs = UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
    PrepareRequest request = PrepareRequest.newBuilder().setRef("test:1").setKey("c1").build();
    PrepareResponse prepared = rootfs.prepare(request);
    assertEquals(prepared.getMounts(0), rootfs.prepare(request).getMounts(0));
    assertEquals(1000, prepared.getUser().getUid());
    assertEquals(1001, prepared.getUser().getGid());
    assertEquals(List.of(1001, 2000), prepared.getUser().getGroupsList());
    assertEquals("/home/app", prepared.getUser().getHome());
    Path target = Files.createTempDirectory("berth-mount");
    try (var _ = Overlay.mount(prepared.getMounts(0), target)) {
      assertEquals("world", Files.readString(target.resolve("s")));
      assertTrue(Files.notExists(target.resolve("big")));
    }
    Files.delete(target);
    rootfs.remove(RemoveRootfsRequest.newBuilder().setKey("c1").build());
    rootfs.remove(RemoveRootfsRequest.newBuilder().setKey("c1").build());
  }

  @Test
  void dockerArchive_resolvesLinkedLayersByTable() throws Exception {
    byte[] archive = Archives.docker("sh", "app:v2", base(), second(), base());
    List<Image> loaded = images(load(service, Archives.gzip(archive), ""));
    assertEquals(List.of("docker.io/library/app:v2"), loaded.getFirst().getNamesList());
    assertEquals(3, loaded.getFirst().getDiffIdsCount());
  }

  /** A document is held in memory whole, so that one of any length would take all of it. */
  @Test // CVE-2023-25153
  void documentsBeyondTheirBounds_areRefused() throws Exception {
    byte[] index = Archives.layer().file("index.json", 0644, new byte[17 << 20]).tar();
    var table = assertThrows(StatusRuntimeException.class, () -> load(service, index, ""));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, table.getStatus().getCode());
    String padded =
        """
        {"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"x":"%s"}\
        """
            .formatted("x".repeat(17 << 20));
    byte[] config =
        Archives.layer()
            .file("c.json", padded)
            .file("manifest.json", "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[]}]")
            .tar();
    var document = assertThrows(StatusRuntimeException.class, () -> load(service, config, ""));
    assertEquals(Status.Code.INVALID_ARGUMENT, document.getStatus().getCode());
    var images = UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
    assertEquals(0, images.list(ListRequest.getDefaultInstance()).getImagesCount());
  }

  @Test
  void damagedArchive_leavesNoName() throws Exception {
    byte[] archive = Archives.oci(Archives.image("sh", base()), "a:1");
    byte[] cut = Arrays.copyOf(archive, archive.length / 2);
    var e = assertThrows(StatusRuntimeException.class, () -> load(service, cut, ""));
    assertTrue(String.valueOf(e.getMessage()).contains("it was cut off"), e.getMessage());
    int blob = 0;
    while ((archive[blob] & 0xff) != 0x1f || (archive[blob + 1] & 0xff) != 0x8b) {
      blob++;
    }
    archive[blob + 40] ^= 1;
    var wrong = assertThrows(StatusRuntimeException.class, () -> load(service, archive, ""));
    assertTrue(
        String.valueOf(wrong.getMessage()).contains("the archive is damaged"), wrong.getMessage());
    var images = UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
    assertEquals(0, images.list(ListRequest.getDefaultInstance()).getImagesCount());
  }

  @Test
  void restart_keepsImagesAndSnapshots() throws Exception {
    load(service, Archives.oci(Archives.image("sh", base(), second()), "a:1"), "");
    var rootfs = UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
    var mounts =
        rootfs.prepare(PrepareRequest.newBuilder().setRef("a:1").setKey("k").build()).getMounts(0);
    service.stop();
    service.start();
    var again = UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
    assertEquals(
        mounts,
        again.prepare(PrepareRequest.newBuilder().setRef("a:1").setKey("k").build()).getMounts(0));
  }
}
