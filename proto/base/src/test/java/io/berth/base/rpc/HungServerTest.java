package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.api.containerd.services.version.v1.VersionResponse;
import io.berth.base.error.BerthException;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who calls a program that is stopped (SIGSTOP) or hangs is told, though no call has a deadline.
 */
final class HungServerTest { // case K4
  @TempDir Path folder;
  private final EventLoops loops = new EventLoops(2);

  @AfterEach
  void close() {
    loops.close();
  }

  private static String version(ManagedChannel channel, Path socket) {
    return Calls.call(
        socket,
        "berth-image",
        () ->
            VersionGrpc.newBlockingStub(channel).version(Empty.getDefaultInstance()).getVersion());
  }

  private static void isToldOf(ManagedChannel channel, Path socket) {
    BerthException.Absent told =
        assertThrows(BerthException.Absent.class, () -> version(channel, socket));
    assertTrue(told.getMessage().contains("is berth-image running?"), told.getMessage());
    channel.shutdownNow();
  }

  // The kernel takes connections in its place.
  @Test
  void beforeItsFirstWord() throws Exception {
    Path socket = folder.resolve("hung.sock");
    try (ServerSocketChannel hung = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      hung.bind(UnixDomainSocketAddress.of(socket));
      isToldOf(UnixChannel.to(loops, socket, Duration.ofMillis(300)), socket);
    }
  }

  /** A thread that asks again and again meets the end of its own process, which is no defect. */
  @Test
  void afterTheThreadsOfTheCallerHaveEnded() throws Exception {
    EventLoops ended = new EventLoops(1);
    Path socket = folder.resolve("none.sock");
    ManagedChannel channel = UnixChannel.to(ended, socket);
    channel.shutdownNow();
    ended.close();
    var _ = ended.group().terminationFuture().sync();
    assertThrows(BerthException.class, () -> version(channel, socket));
  }

  @Test
  void afterItHasAnsweredOthers() throws Exception {
    Path socket = folder.resolve("s.sock");
    Path between = folder.resolve("between.sock");
    VersionGrpc.VersionImplBase versions =
        new VersionGrpc.VersionImplBase() {
          @Override
          public void version(Empty request, StreamObserver<VersionResponse> responses) {
            Calls.answer(responses, () -> VersionResponse.newBuilder().setVersion("1").build());
          }
        };
    try (UnixServer server =
            UnixServer.start(
                loops, UnixServer.Options.of(socket, List.of(versions.bindService())), List.of());
        StoppableRelay relay = new StoppableRelay(between, server.socket())) {
      ManagedChannel channel = UnixChannel.to(loops, between);
      assertEquals("1", version(channel, between));
      relay.standStill();
      isToldOf(channel, between);
    }
  }
}
