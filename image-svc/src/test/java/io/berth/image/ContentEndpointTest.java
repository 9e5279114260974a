package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.berth.api.containerd.services.content.v1.AbortRequest;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.DeleteContentRequest;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.api.containerd.services.content.v1.StatusRequest;
import io.berth.api.containerd.services.content.v1.WriteAction;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.snapshots.v1.CommitSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.base.id.Digest;
import io.berth.base.io.SharedCounter;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The write algorithm of the wire, step by step. */
final class ContentEndpointTest {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();

  /** A write stream whose answers are taken one by one. */
  private static final class Writing implements StreamObserver<WriteContentResponse> {
    private final BlockingQueue<Object> answers = new LinkedBlockingQueue<>();
    private final StreamObserver<WriteContentRequest> requests;

    Writing(ContentGrpc.ContentStub stub) {
      requests = stub.write(this);
    }

    Object send(WriteContentRequest.Builder request) throws InterruptedException {
      requests.onNext(request.build());
      return next();
    }

    Object next() throws InterruptedException {
      Object answer = answers.poll(10, TimeUnit.SECONDS);
      if (answer == null) {
        throw new AssertionError("no answer");
      }
      return answer;
    }

    WriteContentResponse ok(WriteContentRequest.Builder request) throws InterruptedException {
      Object answer = send(request);
      if (answer instanceof WriteContentResponse response) {
        return response;
      }
      throw new AssertionError(answer);
    }

    String refused(WriteContentRequest.Builder request) throws InterruptedException {
      return String.valueOf(send(request));
    }

    void halfClose() throws InterruptedException {
      requests.onCompleted();
      assertEquals("completed", next());
    }

    @Override
    public void onNext(WriteContentResponse answer) {
      answers.add(answer);
    }

    @Override
    public void onError(Throwable failure) {
      Status status = Status.fromThrowable(failure);
      answers.add(status.getCode() + " " + status.getDescription());
    }

    @Override
    public void onCompleted() {
      answers.add("completed");
    }
  }

  private Writing writing(String namespace) {
    return new Writing(UnixChannel.in(ContentGrpc.newStub(service.channel()), namespace, null));
  }

  private ContentGrpc.ContentBlockingStub content() {
    return UnixChannel.in(ContentGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private static WriteContentRequest.Builder stat(String ref) {
    return WriteContentRequest.newBuilder().setRef(ref);
  }

  private static WriteContentRequest.Builder write(long offset, String data) {
    return WriteContentRequest.newBuilder()
        .setAction(WriteAction.WRITE)
        .setOffset(offset)
        .setData(ByteString.copyFromUtf8(data));
  }

  private static WriteContentRequest.Builder commit(long offset) {
    return WriteContentRequest.newBuilder().setAction(WriteAction.COMMIT).setOffset(offset);
  }

  private void store(String namespace, String text) throws InterruptedException {
    Writing writing = writing(namespace);
    writing.ok(stat("store-" + text));
    writing.ok(write(0, text));
    writing.ok(commit(text.length()));
    assertEquals("completed", writing.next());
  }

  private String read(String text, long offset, long size) {
    StringBuilder all = new StringBuilder();
    List<Long> offsets = new ArrayList<>();
    content()
        .read(
            ReadContentRequest.newBuilder()
                .setDigest(Digest.sha256(text).toString())
                .setOffset(offset)
                .setSize(size)
                .build())
        .forEachRemaining((ReadContentResponse part) -> {
          offsets.add(part.getOffset());
          all.append(part.getData().toStringUtf8());
        });
    assertTrue(offsets.isEmpty() || offsets.getFirst() == 0, offsets::toString);
    return all.toString();
  }

  @Test
  void write_asCtrDoesIt() throws Exception {
    Writing writing = writing("default");
    writing.ok(stat("r").setTotal(5));
    writing.ok(WriteContentRequest.newBuilder());
    assertEquals(5, writing.ok(write(0, "hello")).getOffset());
    WriteContentResponse done =
        writing.ok(
            commit(5)
                .setTotal(5)
                .setExpected(Digest.sha256("hello").toString())
                .putLabels("a", "b"));
    assertEquals(Digest.sha256("hello").toString(), done.getDigest());
    assertEquals("completed", writing.next());
    var info =
        content().info(InfoRequest.newBuilder().setDigest(done.getDigest()).build()).getInfo();
    assertEquals(5, info.getSize());
    assertEquals("b", info.getLabelsOrThrow("a"));
    assertEquals("hello", read("hello", 0, 0));
    assertEquals("ell", read("hello", 1, 3));
    assertEquals("", read("hello", 5, 0));
    assertEquals("hello", read("hello", -3, 100));
    var past = assertThrows(StatusRuntimeException.class, () -> read("hello", 6, 0));
    assertEquals(Status.Code.OUT_OF_RANGE, past.getStatus().getCode());
  }

  @Test
  void write_firstMessageNeedsARef() throws Exception {
    assertEquals(
        "INVALID_ARGUMENT first message must have a reference: invalid argument",
        writing("default").refused(WriteContentRequest.newBuilder()));
  }

  @Test
  void write_refIsLockedForTheLifeOfTheStream() throws Exception {
    Writing first = writing("default");
    first.ok(stat("r"));
    String refused = writing("default").refused(stat("r"));
    assertTrue(refused.startsWith("UNAVAILABLE ref r locked for "), refused);
    // Another namespace has refs of its own, so the same ref is free there.
    writing("other").ok(stat("r"));
    first.halfClose();
    writing("default").ok(stat("r"));
  }

  /** The message that closes a ref may arrive behind the one that opens it again. */
  @Test // case C1
  void write_ofARefThatIsJustBeingClosed_waitsForIt() throws Exception {
    Writing first = writing("default");
    first.ok(stat("r"));
    first.ok(write(0, "abc"));
    Writing second = writing("default");
    second.requests.onNext(stat("r").build());
    first.halfClose();
    assertTrue(
        second.next() instanceof WriteContentResponse answer && answer.getOffset() == 3,
        "the second writer goes on behind the first");
  }

  @Test // case C8
  void updatedAt_isTheSameForEverybody() throws Exception {
    Writing first = writing("default");
    first.ok(stat("r").setTotal(6));
    first.ok(write(0, "abc"));
    Timestamp told = first.ok(WriteContentRequest.newBuilder()).getUpdatedAt();
    assertEquals(told, updatedAt("r"), "while it is written");
    first.halfClose();
    assertEquals(told, updatedAt("r"), "once it is closed");
    Writing second = writing("default");
    assertEquals(told, second.ok(stat("r").setTotal(6)).getUpdatedAt(), "opened again");
    second.halfClose();
    service.stop();
    service.start();
    assertEquals(told, updatedAt("r"), "after a restart");
  }

  private Timestamp updatedAt(String ref) {
    return content()
        .status(StatusRequest.newBuilder().setRef(ref).build())
        .getStatus()
        .getUpdatedAt();
  }

  @Test // case C2
  void abort_ofWhatIsBeingWritten_takesTheIngestAway() throws Exception {
    Writing writing = writing("default");
    writing.ok(stat("r"));
    writing.ok(write(0, "abc"));
    content().abort(AbortRequest.newBuilder().setRef("r").build());
    var gone = assertThrows(StatusRuntimeException.class, () -> updatedAt("r"));
    assertEquals(Status.Code.NOT_FOUND, gone.getStatus().getCode());
    String refused = writing.refused(commit(3));
    assertTrue(refused.startsWith("NOT_FOUND ingest \"r\" was aborted"), refused);
    assertThrows(StatusRuntimeException.class, () -> read("abc", 0, 0));
    assertEquals(0, writing("default").ok(stat("r")).getOffset(), "the ref is free again");
  }

  @Test // case C3
  void append_toWhatAnotherNamespaceHas_goesOnFromACopy() throws Exception {
    store("other", "shared");
    Writing writing = writing("default");
    assertEquals(
        6,
        writing
            .ok(stat("r").setTotal(6).setExpected(Digest.sha256("shared").toString()))
            .getOffset());
    WriteContentResponse more = writing.ok(write(6, " and more"));
    assertEquals(15, more.getOffset());
    assertEquals(Digest.sha256("shared and more").toString(), more.getDigest());
    writing.ok(commit(15).setTotal(15).setExpected(Digest.sha256("shared and more").toString()));
    assertEquals("shared and more", read("shared and more", 0, 0));
    assertThrows(StatusRuntimeException.class, () -> read("shared", 0, 0));
  }

  @Test
  void write_isGoneOnWithAfterARestart() throws Exception {
    Writing first = writing("default");
    first.ok(stat("r").setTotal(10));
    first.ok(write(0, "hello"));
    service.stop();
    service.start();
    Writing second = writing("default");
    WriteContentResponse status = second.ok(stat("r").setTotal(10));
    assertEquals(5, status.getOffset());
    assertEquals(Digest.sha256("hello").toString(), status.getDigest());
    String gap = writing("default").refused(stat("x").setAction(WriteAction.WRITE).setOffset(7));
    assertTrue(gap.startsWith("OUT_OF_RANGE write @7 must occur at current offset 0"), gap);
    second.ok(write(5, "world"));
    second.ok(commit(10));
    assertEquals("helloworld", read("helloworld", 0, 0));
  }

  @Test
  void write_offsetZeroBeginsAgain() throws Exception {
    Writing writing = writing("default");
    writing.ok(stat("r"));
    writing.ok(write(0, "wrong"));
    assertEquals(3, writing.ok(write(0, "abc")).getOffset());
    writing.ok(commit(3));
    assertEquals("abc", read("abc", 0, 0));
  }

  @Test
  void commit_wrongDigestOrSizeKeepsTheIngest() throws Exception {
    Writing writing = writing("default");
    writing.ok(stat("r"));
    writing.ok(write(0, "abc"));
    String refused = writing.refused(commit(3).setExpected(Digest.sha256("xyz").toString()));
    assertTrue(refused.startsWith("FAILED_PRECONDITION unexpected commit digest "), refused);
    assertEquals(
        3,
        content().status(StatusRequest.newBuilder().setRef("r").build()).getStatus().getOffset());
    Writing size = writing("default");
    size.ok(stat("r"));
    assertTrue(size.refused(commit(3).setTotal(4)).startsWith("FAILED_PRECONDITION "));
    content().abort(AbortRequest.newBuilder().setRef("r").build());
    var gone =
        assertThrows(
            StatusRuntimeException.class,
            () -> content().abort(AbortRequest.newBuilder().setRef("r").build()));
    assertEquals(Status.Code.NOT_FOUND, gone.getStatus().getCode());
  }

  @Test
  void commit_ofWhatIsThereIsAlreadyExists() throws Exception {
    store("default", "same");
    Writing again = writing("default");
    again.ok(stat("again"));
    again.ok(write(0, "same"));
    assertTrue(
        again.refused(commit(4)).startsWith("ALREADY_EXISTS content " + Digest.sha256("same")));
    String expected =
        writing("default").refused(stat("other").setExpected(Digest.sha256("same").toString()));
    assertTrue(expected.startsWith("ALREADY_EXISTS "), expected);
  }

  @Test
  void expected_thatAnotherNamespaceHasIsOnlyLinked() throws Exception {
    store("other", "shared");
    Writing writing = writing("default");
    WriteContentResponse status =
        writing.ok(stat("r").setTotal(6).setExpected(Digest.sha256("shared").toString()));
    assertEquals(6, status.getOffset());
    writing.ok(commit(6).setTotal(6));
    assertEquals("shared", read("shared", 0, 0));
    // The file stays, for the other namespace still has a record of it.
    UnixChannel.in(ContentGrpc.newBlockingStub(service.channel()), "other", null)
        .delete(
            DeleteContentRequest.newBuilder()
                .setDigest(Digest.sha256("shared").toString())
                .build());
    assertEquals("shared", read("shared", 0, 0));
  }

  @Test
  void emptyBlob_canBeStoredAndListed() throws Exception {
    Writing writing = writing("default");
    writing.ok(stat("empty"));
    writing.ok(commit(0));
    assertEquals("", read("", 0, 0));
    var page = content().list(ListContentRequest.getDefaultInstance()).next();
    assertEquals(Digest.sha256("").toString(), page.getInfo(0).getDigest());
    var none =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                content()
                    .list(ListContentRequest.newBuilder().addFilters("digest=").build())
                    .hasNext());
    assertEquals(Status.Code.INVALID_ARGUMENT, none.getStatus().getCode());
  }

  @Test
  void start_dropsRecordsWhoseFileIsDamagedAndFilesWithoutRecord() throws Exception {
    store("default", "whole");
    store("default", "cut");
    var blobs = service.root().resolve("content/blobs/sha256");
    service.stop();
    Files.writeString(blobs.resolve(Digest.sha256("cut").hex()), "c");
    Files.writeString(blobs.resolve(Digest.sha256("stray").hex()), "stray");
    service.start();
    assertEquals("whole", read("whole", 0, 0));
    assertThrows(StatusRuntimeException.class, () -> read("cut", 0, 0));
    assertTrue(Files.notExists(blobs.resolve(Digest.sha256("stray").hex())));
  }

  @Test
  void theCounterOfChanges_movesBeforeTheAnswer_andNotForWhatConcernsNoContent() throws Exception {
    SharedCounter changes = SharedCounter.open(new StateFolders(service.state()).imageChanges());
    long before = changes.value();
    store("a", "text");
    assertTrue(changes.value() > before);
    before = changes.value();
    UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "a", null)
        .create(CreateRequest.newBuilder().setId("lease").build());
    assertEquals(before, changes.value());
    UnixChannel.in(ContentGrpc.newBlockingStub(service.channel()), "a", null)
        .delete(
            DeleteContentRequest.newBuilder().setDigest(Digest.sha256("text").toString()).build());
    assertTrue(changes.value() > before);
    before = changes.value();
    service.stop();
    service.start();
    assertTrue(changes.value() > before, "a start makes everything remembered doubtful");
  }

  @Test
  void theCountersOfSnapshots_moveForWhatWasThere_andThatOfLayersForLayersOnly() throws Exception {
    SharedCounter snapshots =
        SharedCounter.open(new StateFolders(service.state()).snapshotChanges());
    SharedCounter layers = SharedCounter.open(new StateFolders(service.state()).layerChanges());
    var calls = UnixChannel.in(SnapshotsGrpc.newBlockingStub(service.channel()), "a", null);
    long before = snapshots.value();
    var _ =
        calls.prepare(
            PrepareSnapshotRequest.newBuilder().setSnapshotter("native").setKey("one").build());
    assertEquals(before, snapshots.value(), "a new one changes nothing that is remembered");
    var _ =
        calls.commit(
            CommitSnapshotRequest.newBuilder()
                .setSnapshotter("native")
                .setKey("one")
                .setName("layer")
                .putLabels("containerd.io/gc.root", "test")
                .build());
    assertTrue(snapshots.value() > before, "the active one is gone");
    long layersBefore = layers.value();
    var _ =
        calls.prepare(
            PrepareSnapshotRequest.newBuilder().setSnapshotter("native").setKey("two").build());
    before = snapshots.value();
    RemoveSnapshotRequest.Builder removal =
        RemoveSnapshotRequest.newBuilder().setSnapshotter("native");
    var _ = calls.remove(removal.setKey("two").build());
    assertTrue(snapshots.value() > before);
    assertEquals(layersBefore, layers.value());
    var _ = calls.remove(removal.setKey("layer").build());
    assertTrue(layers.value() > layersBefore);
  }

  @Test
  void calls_needANamespace() {
    var e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                ContentGrpc.newBlockingStub(service.channel())
                    .info(
                        InfoRequest.newBuilder().setDigest(Digest.sha256("").toString()).build()));
    assertEquals("FAILED_PRECONDITION: namespace is required: failed precondition", e.getMessage());
  }
}
