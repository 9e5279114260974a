package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.InfoResponse;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.ReadContentResponse;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.berth.testing.Eventually;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

// case S11
final class ClientLoadTest {
  @TempDir Path folder;
  @RegisterExtension final OpenSockets sockets = new OpenSockets();

  private static final class Versions extends VersionGrpc.VersionImplBase {
    @Override
    public void version(Empty request, StreamObserver<VersionResponse> responses) {
      Calls.answer(responses, VersionResponse::getDefaultInstance);
    }
  }

  /** Streams that never end, and answers and requests that are large. */
  private static final class Large extends ContentGrpc.ContentImplBase {
    final CountDownLatch letGo = new CountDownLatch(1);
    final AtomicInteger held = new AtomicInteger();

    @Override
    public void read(ReadContentRequest request, StreamObserver<ReadContentResponse> responses) {
      BlockingSender.run(
          responses,
          sender -> {
            while (true) {
              sender.send(
                  ReadContentResponse.newBuilder()
                      .setData(ByteString.copyFrom(new byte[1 << 20]))
                      .build());
            }
          });
    }

    @Override
    public void info(InfoRequest request, StreamObserver<InfoResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            held.incrementAndGet();
            letGo.await();
            return InfoResponse.getDefaultInstance();
          });
    }
  }

  private Path serve(ClientBounds bounds, Large large) throws Exception {
    Path socket = folder.resolve("s.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(
                    socket, List.of(new Versions().bindService(), large.bindService()))
                .withBounds(bounds),
            List.of()));
    return socket;
  }

  private static void call(ManagedChannel channel) {
    var _ =
        VersionGrpc.newBlockingStub(channel)
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .version(Empty.getDefaultInstance());
  }

  private static Status refused(ManagedChannel channel) {
    return assertThrows(StatusRuntimeException.class, () -> call(channel)).getStatus();
  }

  @Test
  void connectionsThatAreTooManyAreToldSo_andThoseThatAreThereGoOn() throws Exception {
    Path socket = serve(new ClientBounds(1 << 20, 64 << 20, 100, 3, 100, 50, false), new Large());
    ManagedChannel first = sockets.channel(socket);
    call(first);
    List<SocketChannel> idle = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      idle.add(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
      sockets.add(idle.getLast());
    }
    Eventually.holds(
        "the fourth connection was refused",
        () -> {
          Status told = refused(sockets.channel(socket));
          assertEquals(Code.UNAVAILABLE, told.getCode());
          return String.valueOf(told).contains("has 3 connections to this socket");
        });
    call(first);
    idle.getFirst().close();
    Eventually.holds(
        "a place was free again",
        () -> {
          call(sockets.channel(socket));
          return true;
        });
  }

  @Test
  void callsThatAreTooManyAreRefused_andEndedOnesGiveTheirPlaceBack() throws Exception {
    Large large = new Large();
    Path socket = serve(new ClientBounds(1 << 20, 64 << 20, 100, 100, 100, 4, false), large);
    ManagedChannel channel = sockets.channel(socket);
    List<Iterator<ReadContentResponse>> streams = new ArrayList<>();
    ManagedChannel held = sockets.channel(socket);
    for (int i = 0; i < 4; i++) {
      streams.add(ContentGrpc.newBlockingStub(held).read(ReadContentRequest.getDefaultInstance()));
      assertTrue(streams.getLast().hasNext());
    }
    Status told = refused(channel);
    assertEquals(Code.RESOURCE_EXHAUSTED, told.getCode());
    assertTrue(
        String.valueOf(told.getDescription()).contains("has 4 calls under way"), told::toString);
    held.shutdownNow();
    Eventually.holds(
        "the places were given back",
        () -> {
          call(channel);
          return true;
        });
    large.letGo.countDown();
  }

  @Test
  void bytesOfRequestsThatWaitAreBounded() throws Exception {
    Large large = new Large();
    Path socket = serve(new ClientBounds(4 << 20, 16 << 20, 100, 100, 100, 100, false), large);
    ManagedChannel channel = sockets.channel(socket);
    ContentGrpc.ContentFutureStub stub = ContentGrpc.newFutureStub(channel);
    InfoRequest request = InfoRequest.newBuilder().setDigest("x".repeat(3 << 20)).build();
    List<ListenableFuture<InfoResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(stub.info(request));
    }
    Eventually.holds("one was refused", () -> answers.stream().anyMatch(Future::isDone));
    Future<InfoResponse> refused =
        answers.stream().filter(Future::isDone).findFirst().orElseThrow();
    Status told = Status.fromThrowable(assertThrows(ExecutionException.class, refused::get));
    assertEquals(Code.RESOURCE_EXHAUSTED, told.getCode(), told::toString);
    assertTrue(String.valueOf(told.getDescription()).contains("bytes of requests"), told::toString);
    call(channel);
    large.letGo.countDown();
  }

  /** What the proxy's own answer is refused by is told, not that it could not be passed on. */
  @Test
  void whoReadsNoAnswersIsToldSo_alsoOfCallsThatAreForwarded() throws Exception {
    Path back = serve(ClientBounds.defaults(), new Large());
    Path front = folder.resolve("f.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            new UnixServer.Options(
                front,
                List.of(),
                Set.of(),
                new ByteProxy(
                    sockets.channel(back), Set.of(ContentGrpc.SERVICE_NAME), back, "back"),
                new ClientBounds(4 << 20, 1 << 20, 100, 100, 100, 100, false),
                _ -> true,
                "rw-rw----"),
            List.of()));
    List<CompletableFuture<Status>> ends = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      CompletableFuture<Status> end = new CompletableFuture<>();
      ends.add(end);
      ClientCall<ReadContentRequest, ReadContentResponse> call =
          sockets.channel(front).newCall(ContentGrpc.getReadMethod(), CallOptions.DEFAULT);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onClose(Status status, Metadata trailers) {
              end.complete(status);
            }
          },
          new Metadata());
      call.sendMessage(ReadContentRequest.getDefaultInstance());
      call.halfClose();
    }
    Status told =
        (Status) CompletableFuture.anyOf(ends.get(0), ends.get(1)).get(60, TimeUnit.SECONDS);
    assertEquals(Code.RESOURCE_EXHAUSTED, told.getCode(), told::toString);
    assertTrue(
        String.valueOf(told.getDescription()).contains("answers that it has not read"),
        told::toString);
  }

  @Test
  void aServiceThatCallsForAllItsClientsGetsTheWhole() throws Exception {
    Large large = new Large();
    Path socket =
        serve(new ClientBounds(4 << 20, 16 << 20, 100, 100, 4, 1, false).forServices(), large);
    ManagedChannel channel = sockets.channel(socket);
    InfoRequest request = InfoRequest.newBuilder().setDigest("x".repeat(3 << 20)).build();
    List<ListenableFuture<InfoResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(ContentGrpc.newFutureStub(channel).info(request));
    }
    Eventually.holds("all four are held", () -> large.held.get() == 4);
    Status told = refused(channel);
    assertEquals(Code.RESOURCE_EXHAUSTED, told.getCode(), told::toString);
    large.letGo.countDown();
    for (ListenableFuture<InfoResponse> answer : answers) {
      assertEquals(InfoResponse.getDefaultInstance(), answer.get(60, TimeUnit.SECONDS));
    }
  }

  /** A packed request of a few bytes would be as large as its sender likes. */
  @Test
  void packedRequestsAreRefused() throws Exception {
    Path socket = serve(ClientBounds.defaults(), new Large());
    Status told =
        assertThrows(
                StatusRuntimeException.class,
                () ->
                    VersionGrpc.newBlockingStub(sockets.channel(socket))
                        .withCompression("gzip")
                        .withDeadlineAfter(20, TimeUnit.SECONDS)
                        .version(Empty.getDefaultInstance()))
            .getStatus();
    assertEquals(Code.UNIMPLEMENTED, told.getCode(), told::toString);
  }

  /** Another process takes all it can get, and this one is served meanwhile. */
  @Test
  void othersAreServedWhileAFloodHolds() throws Exception {
    Path socket = serve(ClientBounds.defaults(), new Large());
    Process flood =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Flood.class.getName(),
                socket.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    sockets.add(flood::destroyForcibly);
    ManagedChannel early = sockets.channel(socket);
    call(early);
    try (BufferedReader said =
        new BufferedReader(new InputStreamReader(flood.getInputStream(), StandardCharsets.UTF_8))) {
      assertEquals("held", said.readLine());
      assertTrue(flood.isAlive());
      call(early);
      for (int i = 0; i < 20; i++) {
        call(sockets.channel(socket));
      }
      assertTrue(flood.isAlive());
    }
  }
}
