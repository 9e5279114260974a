package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Empty;
import com.google.rpc.ErrorInfo;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.CreateResponse;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.LaunchFailure;
import io.berth.base.error.Obstacle;
import io.berth.linux.Errno;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What clients get to know of a failure, from two servers one behind the other. */
final class DetailsOnSocketsTest {
  private static final LaunchFailure LAUNCH = LaunchFailure.ofProgram("nope", Errno.ENOENT);
  private static final Obstacle OBSTACLE =
      Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.LEASE, "a")
          .heldBy(Obstacle.Kind.LEASE, "b");
  private static final String TEXT =
      "create task `x`: exec: \"nope\": executable file not found in $PATH";

  @TempDir Path folder;
  @RegisterExtension final OpenSockets sockets = new OpenSockets();
  private Path front = Path.of("/");

  /** A service of ours, whose failure the endpoint throws. */
  private static final class Containers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void start(StartRequest request, StreamObserver<StartResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            throw new BerthException.Unknown(TEXT).with(LAUNCH);
          });
    }
  }

  /** A service of containerd's, whose failure is handed on in two ways. */
  private static final class Leases extends LeasesGrpc.LeasesImplBase {
    @Override
    public void create(CreateRequest request, StreamObserver<CreateResponse> responses) {
      throw new BerthException.AlreadyExists("lease \"a\"").with(OBSTACLE);
    }

    @Override
    public void delete(DeleteRequest request, StreamObserver<Empty> responses) {
      responses.onError(new BerthException.Conflict("lease \"a\"").with(OBSTACLE));
    }
  }

  @BeforeEach
  void serve() throws Exception {
    Path back = folder.resolve("back.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(
                back, List.of(new Leases().bindService(), new Containers().bindService())),
            List.of()));
    front = folder.resolve("front.sock");
    ByteProxy proxy =
        new ByteProxy(
            sockets.channel(back),
            Set.of(LeasesGrpc.SERVICE_NAME, ContainersGrpc.SERVICE_NAME),
            back,
            "berth-image");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            new UnixServer.Options(
                front, List.of(), Set.of(), proxy, ClientBounds.defaults(), _ -> true, "rw-rw----"),
            List.of()));
  }

  /** As a client of another project's has it, who does not know our header. */
  private Channel plain(Path socket) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            .eventLoopGroup(sockets.loops().group())
            .overrideAuthority("localhost")
            .usePlaintext()
            .build();
    sockets.add(channel::shutdownNow);
    return inNamespace(channel);
  }

  private static Channel inNamespace(Channel channel) {
    Metadata headers = new Metadata();
    headers.put(CallContext.NAMESPACE_HEADER, "one");
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static StatusRuntimeException started(Channel channel) {
    return assertThrows(
        StatusRuntimeException.class,
        () -> ContainersGrpc.newBlockingStub(channel).start(StartRequest.getDefaultInstance()));
  }

  private static StatusRuntimeException created(Channel channel) {
    return assertThrows(
        StatusRuntimeException.class,
        () -> LeasesGrpc.newBlockingStub(channel).create(CreateRequest.getDefaultInstance()));
  }

  private static StatusRuntimeException deleted(Channel channel) {
    return assertThrows(
        StatusRuntimeException.class,
        () -> LeasesGrpc.newBlockingStub(channel).delete(DeleteRequest.getDefaultInstance()));
  }

  private List<Path> sockets() {
    return List.of(folder.resolve("back.sock"), front);
  }

  @Test
  void clientsOfOursGetDetailsFromEveryService() {
    for (Path socket : sockets()) {
      Channel ours = inNamespace(sockets.channel(socket));
      assertEquals(LAUNCH, ErrorCodec.fromCall(started(ours)).detail());
      assertEquals(TEXT, ErrorCodec.fromCall(started(ours)).getMessage());
      BerthException exists = ErrorCodec.fromCall(created(ours));
      assertEquals(BerthException.AlreadyExists.class, exists.getClass());
      assertEquals(OBSTACLE, exists.detail());
      BerthException conflict = ErrorCodec.fromCall(deleted(ours));
      assertEquals(BerthException.Conflict.class, conflict.getClass());
      assertEquals(OBSTACLE, conflict.detail());
    }
  }

  @Test
  void anyClientReadsThoseOfOurServicesByItsOwnLibrary() throws Exception {
    for (Path socket : sockets()) {
      com.google.rpc.Status status = StatusProto.fromThrowable(started(plain(socket)));
      assertNotNull(status);
      assertEquals(TEXT, status.getMessage());
      assertEquals("PROGRAM_NOT_FOUND", status.getDetails(0).unpack(ErrorInfo.class).getReason());
    }
  }

  // Its client joins the text of every detail to the error's own.
  @Test
  void clientsOfContainerdsServicesSeeWhatTheyAlwaysSaw() {
    for (Path socket : sockets()) {
      for (StatusRuntimeException e : List.of(created(plain(socket)), deleted(plain(socket)))) {
        assertNull(ErrorCodec.fromCall(e).detail());
        assertEquals(
            Set.of("content-type"), e.getTrailers() == null ? null : e.getTrailers().keys());
      }
      assertEquals(
          "ALREADY_EXISTS: lease \"a\": already exists", created(plain(socket)).getMessage());
    }
  }

  @Test
  void aTextThatDoesNotFitIntoUsualTrailersStillComesWithItsDetailToClientsOfOurs()
      throws Exception {
    String program = "/ü".repeat(3000);
    LaunchFailure known = LaunchFailure.ofProgram(program, Errno.ENOENT);
    Path socket = folder.resolve("long.sock");
    sockets.add(
        UnixServer.start(
            sockets.loops(),
            UnixServer.Options.of(
                socket,
                List.of(
                    new ContainersGrpc.ContainersImplBase() {
                      @Override
                      public void start(
                          StartRequest request, StreamObserver<StartResponse> responses) {
                        throw new BerthException.Unknown("exec: " + program).with(known);
                      }
                    }.bindService())),
            List.of()));
    Channel ours = inNamespace(sockets.channel(socket));
    BerthException got = ErrorCodec.fromCall(started(ours));
    assertEquals("exec: " + program, got.getMessage());
    assertEquals(known, got.detail());
  }
}
