package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.InfoResponse;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.UsageResponse;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixServer;
import io.berth.testing.InProcessGrpc;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What {@code info} ends with, and where it says what is wrong. */
final class InfoTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private final Map<String, Channel> channels = new HashMap<>();

  @BeforeEach
  void serve() throws IOException {
    channels.put("containerd", grpc.serve(new Containers()));
    channels.put("image", grpc.serve(new Images()));
    channels.put("network", grpc.serve(new Endpoints()));
  }

  /** Scripts ask {@code info} whether the engine is there, and an engine that warns is there. */
  @Test
  void warningsAlone_endWithZero() {
    Lines lines = new Lines(channels);
    assertEquals(0, lines.berth("info"));
    assertEquals("WARNING: no swap limit\nWARNING: no room\nWARNING: no forwarding\n", lines.err());
    assertTrue(lines.out().startsWith("containers: 3\n"), lines.out());
  }

  @Test
  void aServiceThatDoesNotAnswer_isNamed_andEndsWithOne() {
    channels.remove("network");
    Lines lines = new Lines(channels);
    assertEquals(1, lines.berth("info"));
    assertTrue(lines.err().endsWith("WARNING: connect to `network`: none\n"), lines.err());
    assertTrue(lines.out().startsWith("containers: 3\n"), lines.out());
  }

  private static final class Containers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void info(Empty request, StreamObserver<InfoResponse> responses) {
      Calls.answer(
          responses,
          () -> InfoResponse.newBuilder().setContainers(3).addWarnings("no swap limit").build());
    }
  }

  private static final class Images extends ImagesGrpc.ImagesImplBase {
    @Override
    public void usage(Empty request, StreamObserver<UsageResponse> responses) {
      Calls.answer(responses, () -> UsageResponse.newBuilder().addWarnings("no room").build());
    }
  }

  private static final class Endpoints extends EndpointsGrpc.EndpointsImplBase {
    @Override
    public void info(
        Empty request, StreamObserver<io.berth.api.berth.network.v1.InfoResponse> responses) {
      Calls.answer(
          responses,
          () ->
              io.berth.api.berth.network.v1.InfoResponse.newBuilder()
                  .addWarnings("no forwarding")
                  .build());
    }
  }
}
