package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.content.v1.ListStatusesRequest;
import io.berth.api.containerd.services.content.v1.StatusRequest;
import io.berth.api.containerd.services.content.v1.WriteAction;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.api.containerd.services.diff.v1.ApplyRequest;
import io.berth.api.containerd.services.diff.v1.DiffGrpc;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.snapshots.v1.CommitSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.Info;
import io.berth.api.containerd.services.snapshots.v1.Kind;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.types.Descriptor;
import io.berth.base.id.Digest;
import io.berth.base.rpc.UnixChannel;
import io.berth.oci.image.MediaTypes;
import io.berth.testing.Eventually;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service is killed in the middle of its work, and goes on after it. */
@Tag("root")
final class KilledServiceIT {
  /** A lease that keeps what nothing refers to from the collector, which also runs at a start. */
  private static final String LEASE = "test";

  @TempDir Path folder;
  private ServiceProcess service;

  @BeforeEach
  void start() throws Exception {
    service = new ServiceProcess(folder);
    UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "default", null)
        .create(CreateRequest.newBuilder().setId(LEASE).build());
  }

  @AfterEach
  void stop() throws Exception {
    service.close();
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", LEASE);
  }

  private ContentGrpc.ContentBlockingStub content() {
    return UnixChannel.in(ContentGrpc.newBlockingStub(service.channel()), "default", LEASE);
  }

  private SnapshotsGrpc.SnapshotsBlockingStub snapshots() {
    return UnixChannel.in(SnapshotsGrpc.newBlockingStub(service.channel()), "default", LEASE);
  }

  private List<Info> listSnapshots() {
    List<Info> all = new ArrayList<>();
    snapshots()
        .list(ListSnapshotsRequest.newBuilder().setSnapshotter("overlayfs").build())
        .forEachRemaining(page -> all.addAll(page.getInfoList()));
    return all;
  }

  private List<String> listContent() {
    List<String> all = new ArrayList<>();
    content()
        .list(ListContentRequest.getDefaultInstance())
        .forEachRemaining(page ->
            page.getInfoList()
                .forEach(info -> all.add(info.getDigest().substring("sha256:".length()))));
    return all.stream().sorted().toList();
  }

  private long ingestOffset() {
    return content()
        .listStatuses(ListStatusesRequest.getDefaultInstance())
        .getStatusesList()
        .stream()
        .mapToLong(status -> status.getOffset())
        .max()
        .orElse(0);
  }

  private void pull(String ref) {
    images().pull(PullRequest.newBuilder().setRef(ref).build()).forEachRemaining(_ -> {});
  }

  /** Everything on disk has a record, and every record its files, once the collector has run. */
  private void assertNoOrphans() throws Exception {
    var leases = UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "default", LEASE);
    leases.create(CreateRequest.newBuilder().setId("collect").build());
    leases.delete(DeleteRequest.newBuilder().setId("collect").setSync(true).build());
    Path root = service.root();
    assertEquals(listContent(), StreamedPullIT.names(root.resolve("content/blobs/sha256")));
    assertEquals(
        content().listStatuses(ListStatusesRequest.getDefaultInstance()).getStatusesCount(),
        StreamedPullIT.names(root.resolve("content/ingest")).size());
    assertEquals(listSnapshots().size(), StreamedPullIT.names(root.resolve("s")).size());
    assertEquals(List.of(), StreamedPullIT.names(root.resolve("unpack")));
    Eventually.holds(
        "the trash was empty", () -> StreamedPullIT.names(root.resolve("trash")).isEmpty());
  }

  @Test
  void inThePull() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1), StreamedPullIT.noise(2));
    String stalling = FakeRegistry.layer(image, 1);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          stalling, (exchange, blob) -> registry.stall(exchange, blob, blob.length / 2));
      CompletableFuture<Void> pull = CompletableFuture.runAsync(() -> pull(registry.ref("1")));
      String whole = FakeRegistry.layer(image, 0).substring("sha256:".length());
      Eventually.holds(
          "one layer was here and another half",
          () -> ingestOffset() > 1 << 20 && listContent().contains(whole));
      assertEquals(2, StreamedPullIT.names(service.root().resolve("unpack")).size());
      service.kill();
      assertThrows(Exception.class, pull::get);
      service.restart();
      assertEquals(0, images().list(ListRequest.getDefaultInstance()).getImagesCount());
      assertEquals(List.of(), listSnapshots());
      assertTrue(listContent().contains(whole), "what had come in whole is still there");
      assertTrue(ingestOffset() > 1 << 20, "so is the part of the other");
      assertNoOrphans();
      registry.whenAsked(stalling, (_, _) -> false);
      pull(registry.ref("1"));
      String last = registry.requests(stalling).getLast();
      assertTrue(last.contains("bytes="), last);
      assertEquals(1, registry.requests(whole).size());
      images()
          .verify(VerifyRequest.newBuilder().setRef(registry.ref("1")).build())
          .forEachRemaining(answer -> assertEquals("", answer.getFinding()));
      assertEquals(2, listSnapshots().size());
      assertNoOrphans();
    }
  }

  /** A write stream whose answers are taken one by one. */
  private static final class Writing implements StreamObserver<WriteContentResponse> {
    private final BlockingQueue<WriteContentResponse> answers = new LinkedBlockingQueue<>();
    private final StreamObserver<WriteContentRequest> requests;

    Writing(ContentGrpc.ContentStub stub) {
      requests = stub.write(this);
    }

    WriteContentResponse send(WriteContentRequest.Builder request) throws InterruptedException {
      requests.onNext(request.build());
      WriteContentResponse answer = answers.poll(20, TimeUnit.SECONDS);
      if (answer == null) {
        throw new AssertionError("no answer");
      }
      return answer;
    }

    @Override
    public void onNext(WriteContentResponse answer) {
      answers.add(answer);
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  private Writing writing() {
    return new Writing(UnixChannel.in(ContentGrpc.newStub(service.channel()), "default", LEASE));
  }

  private static WriteContentRequest.Builder write(byte[] all, int from, int to) {
    return WriteContentRequest.newBuilder()
        .setAction(WriteAction.WRITE)
        .setOffset(from)
        .setData(ByteString.copyFrom(all, from, to - from));
  }

  @Test
  void inTheWriteOfContent() throws Exception {
    byte[] all = StreamedPullIT.noise(3);
    Writing before = writing();
    before.send(WriteContentRequest.newBuilder().setRef("w").setTotal(all.length));
    int step = 300_000;
    int written = 0;
    for (; written < 5 * step; written += step) {
      before.send(write(all, written, written + step));
    }
    service.kill();
    service.restart();
    assertEquals(
        written,
        content().status(StatusRequest.newBuilder().setRef("w").build()).getStatus().getOffset());
    assertEquals(List.of(), listContent());
    Writing after = writing();
    WriteContentResponse stat =
        after.send(WriteContentRequest.newBuilder().setRef("w").setTotal(all.length));
    assertEquals(written, stat.getOffset());
    assertEquals(Digest.sha256(Arrays.copyOf(all, written)).toString(), stat.getDigest());
    after.send(write(all, written, all.length));
    String digest = Digest.sha256(all).toString();
    after.send(
        WriteContentRequest.newBuilder()
            .setAction(WriteAction.COMMIT)
            .setOffset(all.length)
            .setExpected(digest));
    service.kill();
    service.restart();
    assertEquals(
        all.length,
        content().info(InfoRequest.newBuilder().setDigest(digest).build()).getInfo().getSize());
  }

  @Test
  void inTheApplyOfALayer() throws Exception {
    Archives.Layer files = Archives.layer();
    for (int i = 0; i < 10_000; i++) {
      files.file("f" + i, "content of " + i);
    }
    byte[] tar = files.tar();
    String digest = store(tar);
    var prepared = snapshots().prepare(prepare("one"));
    ApplyRequest apply =
        ApplyRequest.newBuilder()
            .setDiff(
                Descriptor.newBuilder()
                    .setMediaType(MediaTypes.OCI_LAYER)
                    .setDigest(digest)
                    .setSize(tar.length))
            .addAllMounts(prepared.getMountsList())
            .build();
    var running =
        UnixChannel.in(DiffGrpc.newFutureStub(service.channel()), "default", LEASE).apply(apply);
    Eventually.holds("the layer was being applied", () -> countFiles() > 20);
    service.kill();
    assertThrows(Exception.class, running::get);
    assertTrue(countFiles() < 10_000, "it was killed too late");
    service.restart();
    assertEquals(List.of(Kind.ACTIVE), listSnapshots().stream().map(Info::getKind).toList());
    snapshots()
        .remove(
            RemoveSnapshotRequest.newBuilder().setSnapshotter("overlayfs").setKey("one").build());
    assertEquals(List.of(), StreamedPullIT.names(service.root().resolve("s")));
    var again = snapshots().prepare(prepare("two"));
    assertEquals(
        digest,
        UnixChannel.in(DiffGrpc.newBlockingStub(service.channel()), "default", LEASE)
            .apply(apply.toBuilder().clearMounts().addAllMounts(again.getMountsList()).build())
            .getApplied()
            .getDigest());
    snapshots()
        .commit(
            CommitSnapshotRequest.newBuilder()
                .setSnapshotter("overlayfs")
                .setKey("two")
                .setName("layer")
                .build());
    service.kill();
    service.restart();
    assertEquals(List.of("layer"), listSnapshots().stream().map(Info::getName).toList());
    assertEquals(10_000, countFiles());
    assertNoOrphans();
  }

  private static PrepareSnapshotRequest prepare(String key) {
    return PrepareSnapshotRequest.newBuilder().setSnapshotter("overlayfs").setKey(key).build();
  }

  private String store(byte[] all) throws InterruptedException {
    Writing writing = writing();
    writing.send(WriteContentRequest.newBuilder().setRef("layer").setTotal(all.length));
    int step = 1 << 20;
    for (int at = 0; at < all.length; at += step) {
      writing.send(write(all, at, Math.min(all.length, at + step)));
    }
    return writing
        .send(WriteContentRequest.newBuilder().setAction(WriteAction.COMMIT).setOffset(all.length))
        .getDigest();
  }

  /** The number of files in the only snapshot. */
  private int countFiles() throws IOException {
    try (var folders = Files.list(service.root().resolve("s"))) {
      Path files = folders.findFirst().orElseThrow().resolve("fs");
      try (var found = Files.list(files)) {
        return (int) found.count();
      }
    }
  }
}
