package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.ListContentRequest;
import io.berth.api.containerd.services.content.v1.ListContentResponse;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.berth.base.error.BerthException;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

final class UnixServerTest {
  @TempDir Path folder;
  @RegisterExtension final OpenSockets sockets = new OpenSockets();

  private static final class Versions extends VersionGrpc.VersionImplBase {
    @Override
    public void version(Empty request, StreamObserver<VersionResponse> responses) {
      Calls.answer(
          responses,
          () -> VersionResponse.newBuilder().setVersion(CallContext.namespace()).build());
    }
  }

  /** A blob of 64 MiB, made as it is read, and a counter of what a writer sent. */
  private static final class Blobs extends ContentGrpc.ContentImplBase {
    final AtomicLong produced = new AtomicLong();
    final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void read(ReadContentRequest request, StreamObserver<ReadContentResponse> responses) {
      BlockingSender.run(
          responses,
          sender -> {
            try {
              for (int i = 0; i < 64; i++) {
                sender.send(
                    ReadContentResponse.newBuilder()
                        .setData(ByteString.copyFrom(new byte[1 << 20]))
                        .build());
                produced.incrementAndGet();
              }
            } finally {
              ended.countDown();
            }
          });
    }

    @Override
    public void list(ListContentRequest request, StreamObserver<ListContentResponse> responses) {
      BlockingSender.run(
          responses,
          _ -> {
            throw new NoClassDefFoundError("a/b/Absent");
          });
    }

    @Override
    public StreamObserver<WriteContentRequest> write(
        StreamObserver<WriteContentResponse> responses) {
      return new StreamObserver<>() {
        private long total;

        @Override
        public void onNext(WriteContentRequest request) {
          total += request.getData().size();
          responses.onNext(WriteContentResponse.newBuilder().setOffset(total).build());
        }

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {
          responses.onError(new BerthException.AlreadyExists("content x"));
        }
      };
    }
  }

  private Path front(Blobs blobs) throws Exception {
    Path back = folder.resolve("back.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(), UnixServer.Options.of(back, List.of(blobs.bindService())), List.of()));
    Path front = folder.resolve("front.sock");
    ByteProxy proxy =
        new ByteProxy(sockets.channel(back), Set.of(ContentGrpc.SERVICE_NAME), back, "berth-image");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            new UnixServer.Options(
                front,
                List.of(new Versions().bindService()),
                Set.of(),
                proxy,
                ClientBounds.defaults(),
                _ -> true,
                "rw-rw----"),
            List.of()));
    return front;
  }

  @Test
  void theNamespaceHeaderIsRequiredCheckedAndItsFirstValueCounts() throws Exception {
    Path socket = front(new Blobs());
    VersionGrpc.VersionBlockingStub stub = VersionGrpc.newBlockingStub(sockets.channel(socket));
    assertEquals(
        "one",
        UnixChannel.in(UnixChannel.in(stub, "two", null), "one", null)
            .version(Empty.getDefaultInstance())
            .getVersion());
    StatusRuntimeException missing =
        assertThrows(StatusRuntimeException.class, () -> stub.version(Empty.getDefaultInstance()));
    assertEquals(
        "FAILED_PRECONDITION: namespace is required: failed precondition", missing.getMessage());
    StatusRuntimeException bad =
        assertThrows(
            StatusRuntimeException.class,
            () -> UnixChannel.in(stub, "a/b", null).version(Empty.getDefaultInstance()));
    assertEquals(Status.Code.INVALID_ARGUMENT, bad.getStatus().getCode());
  }

  /** A stream whose work ends by an error of the JVM is answered, or its client would hang. */
  @Test
  void aStreamThatFailsByAnErrorIsAnswered() throws Exception {
    Path socket = front(new Blobs());
    Iterator<ListContentResponse> answers =
        UnixChannel.in(ContentGrpc.newBlockingStub(sockets.channel(socket)), "x", null)
            .withDeadlineAfter(30, TimeUnit.SECONDS)
            .list(ListContentRequest.getDefaultInstance());
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, answers::hasNext);
    assertEquals(Status.Code.INTERNAL, e.getStatus().getCode(), e.getMessage());
  }

  @Test
  void thePeerIsThisProcessAndAPeerThatIsNotAdmittedIsHungUpOn() throws Exception {
    AtomicReference<Peer> seen = new AtomicReference<>();
    ServerInterceptor look =
        new ServerInterceptor() {
          @Override
          public <Q, A> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            seen.set(Peer.of(call));
            return next.startCall(call, headers);
          }
        };
    Path socket = folder.resolve("s.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(
                socket, List.of(ServerInterceptors.intercept(new Versions().bindService(), look))),
            List.of()));
    assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    UnixChannel.in(VersionGrpc.newBlockingStub(sockets.channel(socket)), "x", null)
        .version(Empty.getDefaultInstance());
    assertEquals(ProcessHandle.current().pid(), seen.get().pid());

    Path closed = folder.resolve("closed.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            new UnixServer.Options(
                closed,
                List.of(new Versions().bindService()),
                Set.of(),
                null,
                ClientBounds.defaults(),
                _ -> false,
                "rw-rw----"),
            List.of()));
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                UnixChannel.in(VersionGrpc.newBlockingStub(sockets.channel(closed)), "x", null)
                    .version(Empty.getDefaultInstance()));
    assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
  }

  @Test
  void forwardedStreamsKeepBytesStatusAndBackPressure() throws Exception {
    Blobs blobs = new Blobs();
    ManagedChannel channel = sockets.channel(front(blobs));
    Iterator<ReadContentResponse> answers =
        ContentGrpc.newBlockingStub(channel).read(ReadContentRequest.getDefaultInstance());
    long total = answers.next().getData().size();
    // Nobody reads on: the producer must have been stopped by the windows long before the end.
    Thread.sleep(300);
    assertTrue(blobs.produced.get() < 40, "produced " + blobs.produced);
    while (answers.hasNext()) {
      total += answers.next().getData().size();
    }
    assertEquals(64L << 20, total);

    AtomicReference<Status> end = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(1);
    AtomicLong offset = new AtomicLong();
    StreamObserver<WriteContentRequest> writer =
        ContentGrpc.newStub(channel)
            .write(
                new StreamObserver<>() {
                  @Override
                  public void onNext(WriteContentResponse response) {
                    offset.set(response.getOffset());
                  }

                  @Override
                  public void onError(Throwable t) {
                    end.set(Status.fromThrowable(t));
                    done.countDown();
                  }

                  @Override
                  public void onCompleted() {
                    done.countDown();
                  }
                });
    for (int i = 0; i < 20; i++) {
      writer.onNext(
          WriteContentRequest.newBuilder().setData(ByteString.copyFrom(new byte[100_000])).build());
    }
    writer.onCompleted();
    assertTrue(done.await(10, TimeUnit.SECONDS));
    assertEquals(2_000_000, offset.get());
    assertEquals(Status.Code.ALREADY_EXISTS, end.get().getCode());
    assertEquals("content x: already exists", end.get().getDescription());
  }

  @Test
  void aReaderThatLeavesEndsTheProducerBehindTheProxy() throws Exception {
    Blobs blobs = new Blobs();
    Context.CancellableContext context = Context.current().withCancellation();
    ManagedChannel channel = sockets.channel(front(blobs));
    context.run(() ->
        ContentGrpc.newBlockingStub(channel).read(ReadContentRequest.getDefaultInstance()).next());
    context.cancel(null);
    assertTrue(blobs.ended.await(5, TimeUnit.SECONDS), "the producer still runs");
  }

  @Test
  void anAbsentServiceBehindTheProxyIsNamed() throws Exception {
    Path nowhere = folder.resolve("image.sock");
    Path front = folder.resolve("front.sock");
    ByteProxy proxy =
        new ByteProxy(
            sockets.channel(nowhere), Set.of(ContentGrpc.SERVICE_NAME), nowhere, "berth-image");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            new UnixServer.Options(
                front, List.of(), Set.of(), proxy, ClientBounds.defaults(), _ -> true, "rw-rw----"),
            List.of()));
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                ContentGrpc.newBlockingStub(sockets.channel(front))
                    .read(ReadContentRequest.getDefaultInstance())
                    .next());
    assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
    assertTrue(e.getMessage().contains("is berth-image running?"), e.getMessage());
  }

  @Test
  void aServiceThatComesBackIsCalledAtOnce() throws Exception {
    Path socket = folder.resolve("again.sock");
    VersionGrpc.VersionBlockingStub stub =
        UnixChannel.in(VersionGrpc.newBlockingStub(sockets.channel(socket)), "x", null);
    // Failures enough for a back-off that is longer than the test.
    for (int i = 0; i < 5; i++) {
      assertThrows(StatusRuntimeException.class, () -> stub.version(Empty.getDefaultInstance()));
      Thread.sleep(300);
    }
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(socket, List.of(new Versions().bindService())),
            List.of()));
    assertEquals("x", stub.version(Empty.getDefaultInstance()).getVersion());
  }

  @Test
  void anUnknownServiceIsUnimplemented() throws Exception {
    ManagedChannel channel = sockets.channel(front(new Blobs()));
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                io.berth.api.containerd.services.mounts.v1.MountsGrpc.newBlockingStub(channel)
                    .deactivate(
                        io.berth.api.containerd.services.mounts.v1.DeactivateRequest
                            .getDefaultInstance()));
    assertEquals(Status.Code.UNIMPLEMENTED, e.getStatus().getCode());
  }

  private static BerthException failure(ManagedChannel channel, Path socket) {
    return assertThrows(
        BerthException.class,
        () ->
            Calls.call(
                socket,
                "berth-image",
                () ->
                    UnixChannel.in(VersionGrpc.newBlockingStub(channel), "x", null)
                        .version(Empty.getDefaultInstance())));
  }

  // case K6: a person hears which service it is and what to do, and no word of the transport's.
  @Test
  void whatOnlyTheConnectionTellsIsSaidInOurWords() throws Exception {
    Path socket = folder.resolve("s.sock");
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    VersionGrpc.VersionImplBase hanging =
        new VersionGrpc.VersionImplBase() {
          @Override
          public void version(Empty request, StreamObserver<VersionResponse> responses) {
            asked.countDown();
            Calls.answer(
                responses,
                () -> {
                  ended.await();
                  return VersionResponse.getDefaultInstance();
                });
          }
        };
    EventLoops own = new EventLoops(1);
    UnixServer server =
        UnixServer.start(
            own, UnixServer.Options.of(socket, List.of(hanging.bindService())), List.of());
    ManagedChannel channel = sockets.channel(socket);
    AtomicReference<BerthException> brokenOff = new AtomicReference<>();
    Thread caller = Thread.ofVirtual().start(() -> brokenOff.set(failure(channel, socket)));
    asked.await();
    server.close();
    caller.join();
    ended.countDown();
    own.close();
    String told = "connect to `%s`: %s; is berth-image running? (`berth-services status`)";
    String nobody = told.formatted(socket, "nobody answers, or the answer broke off");
    String cut = told.formatted(socket, "broken off before it was answered");
    // The end of the stream and that of the connection race for the client.
    assertTrue(
        Set.of(cut, nobody).contains(brokenOff.get().getMessage()), brokenOff.get().getMessage());
    assertEquals(nobody, failure(channel, socket).getMessage());
    assertEquals(
        nobody, failure(sockets.channel(folder.resolve("none.sock")), socket).getMessage());
  }

  // A service that answers the same status has words of its own.
  @Test
  void whatAServiceAnswersStaysAsItIs() throws Exception {
    Path socket = folder.resolve("s.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(
                socket,
                List.of(
                    new VersionGrpc.VersionImplBase() {
                      @Override
                      public void version(
                          Empty request, StreamObserver<VersionResponse> responses) {
                        Calls.answer(
                            responses,
                            () -> {
                              throw new BerthException.Unavailable("the registry is away");
                            });
                      }
                    }.bindService())),
            List.of()));
    assertTrue(
        failure(sockets.channel(socket), socket).getMessage().contains("the registry is away"));
  }
}
