package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.InfoResponse;
import io.berth.api.berth.container.v1.KernelFeature;
import io.berth.api.berth.container.v1.ListFeaturesResponse;
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

  @Test
  void features_areTheServicesOwn_inATable() {
    Lines lines = new Lines(channels);
    assertEquals(0, lines.berth("info", "--features"));
    assertEquals(
        """
        FEATURE   SINCE     HERE         WITHOUT IT
        one       5.1       yes          It is done otherwise.
        two       6.6       no           It is refused.
        three     6.9       taken away   Something else.
        """,
        lines.out());
  }

  @Test
  void features_asDocuments_andByATemplate() {
    Lines lines = new Lines(channels);
    assertEquals(0, lines.berth("info", "--features", "--format", "json"));
    assertEquals(
        "{\"Here\":\"yes\",\"Name\":\"one\",\"Need\":\"replaced\",\"Since\":\"5.1\","
            + "\"Without\":\"It is done otherwise.\"}",
        lines.out().lines().findFirst().orElseThrow());
    Lines chosen = new Lines(channels);
    assertEquals(0, chosen.berth("info", "--features", "-f", "{{.Name}}={{.Need}} {{.Here}}"));
    assertEquals("one=replaced yes\ntwo=asked no\nthree=replaced taken away\n", chosen.out());
  }

  private static final class Containers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void listFeatures(Empty request, StreamObserver<ListFeaturesResponse> responses) {
      Calls.answer(
          responses,
          () ->
              ListFeaturesResponse.newBuilder()
                  .addFeatures(
                      feature("one", "5.1", "It is done otherwise.")
                          .setPresence(KernelFeature.Presence.YES))
                  .addFeatures(
                      feature("two", "6.6", "It is refused.").setNeed(KernelFeature.Need.ASKED))
                  .addFeatures(
                      feature("three", "6.9", "Something else.")
                          .setPresence(KernelFeature.Presence.TAKEN_AWAY))
                  .build());
    }

    private static KernelFeature.Builder feature(String name, String since, String without) {
      return KernelFeature.newBuilder()
          .setName(name)
          .setSince(since)
          .setWithout(without)
          .setPresence(KernelFeature.Presence.NO)
          .setNeed(KernelFeature.Need.REPLACED);
    }

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
