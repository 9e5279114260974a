package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.UsageRequest;
import io.berth.api.containerd.services.snapshots.v1.UsageResponse;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixServer;
import io.berth.oci.image.ChainId;
import io.berth.testing.InProcessGrpc;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What {@code system df} counts, of two images that share a layer of 1 MB and have 2 MB and 4 MB of
 * their own, a container of the first, and two volumes.
 */
final class DiskUsageTest {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private Lines lines = new Lines(Map.of());

  @BeforeEach
  void serve() throws IOException {
    lines =
        new Lines(
            Map.of(
                "containerd", grpc.serve(new Containers(), new Snapshots()),
                "image", grpc.serve(new Images(), new Volumes())));
  }

  @Test
  void sums() {
    assertEquals(0, lines.berth("system", "df"));
    assertEquals(
        """
        TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE
        Images          2         1         7MB       5MB (71%)
        Containers      2         1         30kB      20kB (66%)
        Local Volumes   2         1         600B      500B (83%)
        Build Cache     0         0         0B        0B
        """,
        lines.out());
    lines.reset();
    assertEquals(0, lines.berth("system", "df", "--format", "{{.Type}}={{.Reclaimable}}"));
    assertTrue(lines.out().startsWith("Images=5MB (71%)\n"), lines.out());
  }

  @Test
  void each() {
    assertEquals(0, lines.berth("system", "df", "-v"));
    assertTrue(lines.out().matches("(?s).*one .*3MB +1MB +2MB +2\n.*"), lines.out());
    assertTrue(lines.out().matches("(?s).*two .*5MB +1MB +4MB +0\n.*"), lines.out());
    assertTrue(lines.out().matches("(?s).*\nfree +0 +500B\n.*"), lines.out());
    assertTrue(
        lines
            .out()
            .endsWith(
                """
                Build cache usage: 0B

                CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED
                """),
        lines.out());
    lines.reset();
    assertEquals(1, lines.berth("system", "df", "-v", "--format", "json"));
  }

  private static final class Images extends ImagesGrpc.ImagesImplBase {
    private static Image image(String id, String own, long size) {
      return Image.newBuilder()
          .setId("sha256:" + id)
          .addNames("docker.io/library/" + id + ":latest")
          .addDiffIds("sha256:base")
          .addDiffIds(own)
          .setSize(size)
          .build();
    }

    @Override
    public void list(
        io.berth.api.berth.image.v1.ListRequest request,
        StreamObserver<io.berth.api.berth.image.v1.ListResponse> responses) {
      Calls.answer(
          responses,
          () ->
              io.berth.api.berth.image.v1.ListResponse.newBuilder()
                  .addImages(image("one", "sha256:a", 3_000_000))
                  .addImages(image("two", "sha256:b", 5_000_000))
                  .build());
    }

    @Override
    public void usage(
        Empty request, StreamObserver<io.berth.api.berth.image.v1.UsageResponse> responses) {
      Calls.answer(
          responses,
          () ->
              io.berth.api.berth.image.v1.UsageResponse.newBuilder()
                  .setSnapshotter("overlayfs")
                  .build());
    }
  }

  private static final class Snapshots extends SnapshotsGrpc.SnapshotsImplBase {
    @Override
    public void usage(UsageRequest request, StreamObserver<UsageResponse> responses) {
      Map<String, Long> sizes =
          Map.of(
              "sha256:base",
              1_000_000L,
              ChainId.of(List.of("sha256:base", "sha256:a")),
              2_000_000L,
              ChainId.of(List.of("sha256:base", "sha256:b")),
              4_000_000L);
      Calls.answer(
          responses,
          () -> {
            // A snapshotter that nobody named is none of a service's.
            assertEquals("overlayfs", request.getSnapshotter());
            return UsageResponse.newBuilder().setSize(sizes.get(request.getKey())).build();
          });
    }
  }

  private static final class Containers extends ContainersGrpc.ContainersImplBase {
    private static Container container(State state, long size) {
      return Container.newBuilder()
          .setId("c" + size)
          .setImageId("sha256:one")
          .setState(StateInfo.newBuilder().setState(state))
          .setSizeRw(size)
          .build();
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListResponse> responses) {
      Calls.answer(
          responses,
          () ->
              ListResponse.newBuilder()
                  .addContainers(container(State.STATE_RUNNING, 10_000))
                  .addContainers(container(State.STATE_EXITED, 20_000))
                  .build());
    }
  }

  private static final class Volumes extends VolumesGrpc.VolumesImplBase {
    @Override
    public void list(
        io.berth.api.berth.volume.v1.ListRequest request,
        StreamObserver<io.berth.api.berth.volume.v1.ListResponse> responses) {
      Calls.answer(
          responses,
          () ->
              io.berth.api.berth.volume.v1.ListResponse.newBuilder()
                  .addVolumes(Volume.newBuilder().setName("used").setSize(100).addUsers("c10000"))
                  .addVolumes(Volume.newBuilder().setName("free").setSize(500))
                  .build());
    }
  }
}
