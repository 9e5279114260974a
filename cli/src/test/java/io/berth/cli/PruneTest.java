package io.berth.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.api.berth.container.v1.PruneResponse;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.network.v1.PruneNetworksRequest;
import io.berth.api.berth.network.v1.PruneNetworksResponse;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixServer;
import io.berth.testing.InProcessGrpc;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is asked before something goes, and what is told of it afterwards. */
final class PruneTest {
  private static final String ASKED = "Do you want to go on? [y/N] ";

  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);

  private final List<String> asked = new ArrayList<>();
  private boolean nothingToRemove;
  private Lines lines = new Lines(Map.of());

  @BeforeEach
  void serve() throws IOException {
    lines =
        new Lines(
            Map.of(
                "containerd", grpc.serve(new Containers()),
                "image", grpc.serve(new Images(), new Volumes()),
                "network", grpc.serve(new Networks())));
  }

  @ParameterizedTest // case P1
  @ValueSource(
      strings = {
        "system prune",
        "system prune -a --volumes",
        "container prune",
        "image prune -a",
        "volume prune",
        "network prune"
      })
  void withoutAYesNothingGoes(String line) {
    for (String answer : List.of("", "n\n", "\n", "yes\n", "no y\n")) {
      lines.input(answer);
      assertEquals(0, lines.berth(line.split(" ")), lines.err());
      assertEquals(List.of(), asked, line + " after `" + answer + "`");
      assertTrue(lines.out().startsWith("WARNING! This removes"), lines.out());
      assertTrue(lines.out().contains(ASKED), lines.out());
      assertEquals("", lines.err());
    }
  }

  @Test
  void whatIsAskedNamesWhatGoes() {
    assertEquals(0, lines.berth("system", "prune", "-a", "--volumes", "--filter", "label=a=b"));
    assertEquals(
        """
        WARNING! This removes:
          - all containers that do not run
          - all networks that no container uses
          - all anonymous volumes that no container uses
          - all images that no container uses
        of these only what fits:
          - label=a=b

        """
            + ASKED
            + "\n",
        lines.out());
    lines.reset();
    assertEquals(0, lines.berth("system", "prune"));
    assertTrue(lines.out().contains("  - all images without a name\n"), lines.out());
    assertTrue(!lines.out().contains("volumes"), lines.out());
    lines.reset();
    lines.input("n\n");
    assertEquals(0, lines.berth("container", "prune"));
    assertEquals("WARNING! This removes all containers that do not run.\n" + ASKED, lines.out());
  }

  @Test
  void whatWentIsListed() {
    lines.input("y\nmore");
    assertEquals(0, lines.berth("system", "prune", "--volumes"), lines.err());
    assertEquals(
        """
        Deleted Containers:
        0123
        4567

        Deleted Networks:
        lone

        Deleted Volumes:
        v1

        Deleted Images:
        untagged: busybox:latest
        deleted: sha256:1

        Total reclaimed space: 6B
        """,
        lines.out().substring(lines.out().indexOf(ASKED) + ASKED.length()));
    assertEquals(
        List.of(
            "containers []", "networks [] but [stopped]", "volumes false []", "images false []"),
        asked);
  }

  /** Docker takes what {@code printf y} writes for an answer, and so does this. */
  @Test
  void aYesNeedsNoEndOfLine() {
    lines.input(" Y ");
    assertEquals(0, lines.berth("container", "prune"));
    assertEquals(List.of("containers []"), asked);
  }

  @Test
  void forceDoesNotAsk() {
    assertEquals(0, lines.berth("image", "prune", "-af"), lines.err());
    assertEquals(
        "Deleted Images:\n"
            + "untagged: busybox:latest\n"
            + "deleted: sha256:1\n\n"
            + "Total reclaimed space: 2B\n",
        lines.out());
    lines.reset();
    assertEquals(0, lines.berth("network", "prune", "-f"));
    assertEquals("Deleted Networks:\nlone\n\n", lines.out());
    lines.reset();
    nothingToRemove = true;
    assertEquals(0, lines.berth("container", "prune", "--force"));
    assertEquals("Total reclaimed space: 0B\n", lines.out());
  }

  @Test
  void filtersGoToEveryService() {
    assertEquals(
        0,
        lines.berth("system", "prune", "-f", "--filter", "until=2026-01-02T03:04:05Z"),
        lines.err());
    assertEquals(
        List.of(
            "containers [until=2026-01-02T03:04:05Z]",
            "networks [until=2026-01-02T03:04:05Z] but [stopped]",
            "images false [until=2026-01-02T03:04:05Z]"),
        asked);
    asked.clear();
    assertEquals(0, lines.berth("network", "prune", "-f", "--filter", "label!=env"));
    assertEquals(List.of("networks [label!=env] but [stopped]"), asked);
  }

  /** An age is counted from now, whatever the service would take for one. */
  @Test
  void anAgeIsAMomentOnTheWire() {
    assertEquals(0, lines.berth("image", "prune", "-f", "--filter", "until=24h"), lines.err());
    assertTrue(asked.getFirst().matches("images false \\[until=20.*Z]"), asked.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "system prune --filter bogus=1",
        "container prune --filter until=soon",
        "container prune --filter status=exited",
        "image prune --filter dangling=perhaps",
        "image prune --filter until=1h --filter until=2h",
        "volume prune --filter until=1h",
        "system prune --volumes --filter until=1h",
        "network prune --filter label"
      })
  void aWrongFilterIsRefusedBeforeAnybodyIsAsked(String line) {
    lines.input("y\n");
    assertEquals(1, lines.berth(line.split(" ")));
    assertEquals("", lines.out());
    assertEquals(1, lines.err().lines().count(), lines.err());
    assertEquals(List.of(), asked);
  }

  private final class Containers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
      asked.add("containers " + request.getFiltersList());
      Calls.answer(
          responses,
          () ->
              nothingToRemove
                  ? PruneResponse.getDefaultInstance()
                  : PruneResponse.newBuilder().addIds("0123").addIds("4567").setBytes(1).build());
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListResponse> responses) {
      Calls.answer(
          responses,
          () ->
              ListResponse.newBuilder()
                  .addContainers(
                      Container.newBuilder()
                          .setNetwork(NetworkConfig.newBuilder().setMode("stopped")))
                  .build());
    }
  }

  private final class Images extends ImagesGrpc.ImagesImplBase {
    @Override
    public void prune(
        io.berth.api.berth.image.v1.PruneRequest request,
        StreamObserver<io.berth.api.berth.image.v1.PruneResponse> responses) {
      asked.add("images " + request.getAll() + " " + request.getFiltersList());
      Calls.answer(
          responses,
          () ->
              io.berth.api.berth.image.v1.PruneResponse.newBuilder()
                  .addDeleted("untagged: busybox:latest")
                  .addDeleted("deleted: sha256:1")
                  .setBytes(2)
                  .build());
    }
  }

  private final class Volumes extends VolumesGrpc.VolumesImplBase {
    @Override
    public void prune(
        io.berth.api.berth.volume.v1.PruneRequest request,
        StreamObserver<io.berth.api.berth.volume.v1.PruneResponse> responses) {
      asked.add("volumes " + request.getAll() + " " + request.getFiltersList());
      Calls.answer(
          responses,
          () ->
              io.berth.api.berth.volume.v1.PruneResponse.newBuilder()
                  .addNames("v1")
                  .setBytes(3)
                  .build());
    }
  }

  private final class Networks extends NetworksGrpc.NetworksImplBase {
    @Override
    public void prune(
        PruneNetworksRequest request, StreamObserver<PruneNetworksResponse> responses) {
      asked.add("networks " + request.getFiltersList() + " but " + request.getKeptList());
      Calls.answer(responses, () -> PruneNetworksResponse.newBuilder().addNames("lone").build());
    }
  }
}
