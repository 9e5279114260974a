package io.berth.containerd.front;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.Info;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.InfoResponse;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.api.containerd.services.snapshots.v1.Kind;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsResponse;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotResponse;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.BerthException;
import io.berth.base.io.SharedCounter;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.rpc.UnixServer;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is asked of image-svc once, and what every time. */
class RememberedAnswersTest {
  @RegisterExtension final Instance instance = new Instance();
  private EventLoops loops;
  private UnixServer images;
  private SharedCounter changes;
  private final AtomicInteger asked = new AtomicInteger();

  @BeforeEach
  void start() throws IOException {
    loops = new EventLoops(1);
    images =
        UnixServer.start(
            loops,
            UnixServer.Options.of(
                instance.config.socket("image"),
                List.of(new Contents().bindService(), new AllSnapshots().bindService())),
            List.of());
    changes = SharedCounter.open(new StateFolders(instance.config.state()).imageChanges());
  }

  @AfterEach
  void stop() {
    images.close();
    loops.close();
  }

  /** Counts its calls, and answers the number of the call as the size of every content. */
  private final class Contents extends ContentGrpc.ContentImplBase {
    @Override
    public void info(InfoRequest request, StreamObserver<InfoResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            int number = asked.incrementAndGet();
            if (request.getDigest().equals("absent")) {
              throw new BerthException.NotFound("content absent");
            }
            return InfoResponse.newBuilder()
                .setInfo(
                    Info.newBuilder()
                        .setDigest(request.getDigest())
                        .setSize(number)
                        .putLabels("namespace", CallContext.namespace()))
                .build();
          });
    }

    @Override
    public void read(ReadContentRequest request, StreamObserver<ReadContentResponse> responses) {
      asked.incrementAndGet();
      responses.onNext(part("one"));
      if (request.getDigest().equals("long")) {
        responses.onNext(part("two"));
      }
      responses.onCompleted();
    }

    private static ReadContentResponse part(String text) {
      return ReadContentResponse.newBuilder().setData(ByteString.copyFromUtf8(text)).build();
    }
  }

  private ContentGrpc.ContentBlockingStub content(String namespace) {
    return UnixChannel.in(ContentGrpc.newBlockingStub(instance.channel()), namespace, null)
        .withWaitForReady();
  }

  private long info(String namespace, String digest) {
    Info info =
        content(namespace).info(InfoRequest.newBuilder().setDigest(digest).build()).getInfo();
    assertEquals(namespace, info.getLabelsOrThrow("namespace"));
    return info.getSize();
  }

  private String read(String digest) {
    StringBuilder text = new StringBuilder();
    content("a")
        .read(ReadContentRequest.newBuilder().setDigest(digest).build())
        .forEachRemaining(part -> text.append(part.getData().toStringUtf8()));
    return text.toString();
  }

  @Test
  void aSecondQuestion_isNotPassedOn_untilSomethingChanges() {
    assertEquals(1, info("a", "x"));
    assertEquals(1, info("a", "x"));
    changes.increase();
    assertEquals(2, info("a", "x"));
    assertEquals(2, info("a", "x"));
    assertEquals(2, asked.get());
  }

  @Test
  void otherQuestions_andOtherNamespaces_areOnesOfTheirOwn() {
    assertEquals(1, info("a", "x"));
    assertEquals(2, info("a", "y"));
    assertEquals(3, info("b", "x"));
  }

  @Test
  void aFailure_isAskedForAgain() {
    for (int i = 1; i <= 2; i++) {
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> info("a", "absent"));
      assertEquals(Code.NOT_FOUND, e.getStatus().getCode());
      assertEquals(i, asked.get());
    }
  }

  @Test
  void oneMessageOfAStream_isRemembered_moreAreNot() {
    assertEquals("one", read("short"));
    assertEquals("one", read("short"));
    assertEquals(1, asked.get());
    assertEquals("onetwo", read("long"));
    assertEquals("onetwo", read("long"));
    assertEquals(3, asked.get());
  }

  /** Counts its calls; the snapshot of the key {@code active} is active, all others are layers. */
  private final class AllSnapshots extends SnapshotsGrpc.SnapshotsImplBase {
    @Override
    public void prepare(
        PrepareSnapshotRequest request, StreamObserver<PrepareSnapshotResponse> responses) {
      Calls.answer(
          responses, () -> PrepareSnapshotResponse.newBuilder().addMounts(mount(0)).build());
    }

    @Override
    public void mounts(MountsRequest request, StreamObserver<MountsResponse> responses) {
      Calls.answer(
          responses,
          () -> MountsResponse.newBuilder().addMounts(mount(asked.incrementAndGet())).build());
    }

    private static Mount mount(int number) {
      return Mount.newBuilder().setType("overlay").setSource("" + number).build();
    }

    @Override
    public void stat(StatSnapshotRequest request, StreamObserver<StatSnapshotResponse> responses) {
      int number = asked.incrementAndGet();
      boolean active = request.getKey().equals("active");
      Calls.answer(
          responses,
          () ->
              StatSnapshotResponse.newBuilder()
                  .setInfo(
                      io.berth.api.containerd.services.snapshots.v1.Info.newBuilder()
                          .setName(request.getKey())
                          .setParent("" + number)
                          .setKind(active ? Kind.ACTIVE : Kind.COMMITTED))
                  .build());
    }
  }

  private SnapshotsGrpc.SnapshotsBlockingStub snapshots() {
    return UnixChannel.in(SnapshotsGrpc.newBlockingStub(instance.channel()), "a", null)
        .withWaitForReady();
  }

  private String mounts(String key) {
    return snapshots()
        .mounts(MountsRequest.newBuilder().setSnapshotter("overlayfs").setKey(key).build())
        .getMounts(0)
        .getSource();
  }

  private String stat(String key) {
    return snapshots()
        .stat(StatSnapshotRequest.newBuilder().setSnapshotter("overlayfs").setKey(key).build())
        .getInfo()
        .getParent();
  }

  private SharedCounter counter(String name) throws IOException {
    return SharedCounter.open(instance.config.state().resolve(name));
  }

  @Test
  void mounts_areThoseOfTheirPreparation_untilASnapshotChanges() throws IOException {
    var _ =
        snapshots()
            .prepare(
                PrepareSnapshotRequest.newBuilder()
                    .setSnapshotter("overlayfs")
                    .setKey("new")
                    .setParent("base")
                    .putLabels("a", "b")
                    .build());
    assertEquals("0", mounts("new"));
    assertEquals("1", mounts("old"));
    assertEquals("1", mounts("old"));
    counter("image.changes.snapshots").increase();
    assertEquals("2", mounts("new"));
    assertEquals("3", mounts("old"));
  }

  @Test
  void ofSnapshots_onlyLayersAreRemembered_untilALayerChanges() throws IOException {
    assertEquals("1", stat("active"));
    assertEquals("2", stat("active"));
    assertEquals("3", stat("base"));
    counter("image.changes.snapshots").increase();
    assertEquals("3", stat("base"));
    counter("image.changes.layers").increase();
    assertEquals("4", stat("base"));
  }
}
