package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.VerifyRequest;
import io.berth.api.berth.image.v1.VerifyResponse;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.ListStatusesRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.base.rpc.UnixChannel;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import io.berth.testing.Eventually;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Layers are unpacked while they come, and nothing shows of a pull that did not go well. */
@Tag("root")
final class StreamedPullIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private List<Progress> pull(String ref) {
    return pull(ref, _ -> {});
  }

  private List<Progress> pull(String ref, Consumer<Progress> told) {
    List<Progress> steps = new ArrayList<>();
    images()
        .pull(PullRequest.newBuilder().setRef(ref).build())
        .forEachRemaining(step -> {
          steps.add(step);
          told.accept(step);
        });
    return steps;
  }

  private String refused(String ref) {
    var e = assertThrows(StatusRuntimeException.class, () -> pull(ref));
    String message = String.valueOf(e.getMessage());
    assertFalse(message.contains("\n"), message);
    return message;
  }

  static byte[] noise(int seed) throws IOException {
    byte[] bytes = new byte[3 << 20];
    new Random(seed).nextBytes(bytes);
    return Archives.layer()
        .directory("d" + seed, 0750, 7)
        .file("d" + seed + "/noise", 0644, bytes)
        .file("d" + seed + "/a", "1")
        .tar();
  }

  private void assertNothingShows() throws IOException {
    assertEquals(0, images().list(ListRequest.getDefaultInstance()).getImagesCount());
    assertEquals(List.of(), snapshots());
    assertEquals(List.of(), names(service.root().resolve("unpack")));
    assertEquals(List.of(), names(service.root().resolve("s")));
  }

  private List<String> snapshots() {
    List<String> keys = new ArrayList<>();
    UnixChannel.in(SnapshotsGrpc.newBlockingStub(service.channel()), "default", null)
        .list(ListSnapshotsRequest.newBuilder().setSnapshotter("overlayfs").build())
        .forEachRemaining(page -> page.getInfoList().forEach(info -> keys.add(info.getName())));
    return keys;
  }

  static List<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private void assertVerified(String ref) {
    Iterator<VerifyResponse> answers =
        images().verify(VerifyRequest.newBuilder().setRef(ref).build());
    while (answers.hasNext()) {
      assertEquals("", answers.next().getFinding());
    }
  }

  @Test
  void layer_isUnpackedBeforeItIsAllThere() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1));
    String layer = FakeRegistry.layer(image, 0);
    CountDownLatch goOn = new CountDownLatch(1);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          layer,
          (exchange, blob) -> {
            exchange.sendResponseHeaders(200, blob.length);
            exchange.getResponseBody().write(blob, 0, blob.length - 1000);
            exchange.getResponseBody().flush();
            await(goOn);
            exchange.getResponseBody().write(blob, blob.length - 1000, 1000);
            return true;
          });
      CompletableFuture<List<Progress>> pull =
          CompletableFuture.supplyAsync(() -> pull(registry.ref("1")));
      Eventually.holds(
          "the layer was being unpacked",
          () -> {
            List<String> folders = names(service.root().resolve("unpack"));
            return !folders.isEmpty()
                && Files.exists(
                    service
                        .root()
                        .resolve("unpack")
                        .resolve(folders.getFirst())
                        .resolve("d1/noise"));
          });
      assertEquals(0, images().list(ListRequest.getDefaultInstance()).getImagesCount());
      assertEquals(List.of(), snapshots());
      goOn.countDown();
      assertEquals(image.config().digest(), pull.get().getLast().getImage().getId());
      assertEquals(1, snapshots().size());
      assertEquals(List.of(), names(service.root().resolve("unpack")));
      assertVerified(registry.ref("1"));
    }
  }

  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new AssertionError("nobody let it go on");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void registryWithoutRanges_sendsFromTheBeginningAndTheLayerIsRight() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1));
    String layer = FakeRegistry.layer(image, 0);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          layer,
          (exchange, blob) -> {
            if (registry.requests(layer).size() == 1) {
              return FakeRegistry.breakOff(exchange, blob, blob.length / 2);
            }
            exchange.sendResponseHeaders(200, blob.length);
            exchange.getResponseBody().write(blob);
            return true;
          });
      assertEquals(image.config().digest(), pull(registry.ref("1")).getLast().getImage().getId());
      assertTrue(
          registry.requests(layer).getLast().contains("bytes="),
          registry.requests(layer)::toString);
      assertVerified(registry.ref("1"));
    }
  }

  @Test
  void layerLongerThanNamed_isRefused() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1));
    String layer = FakeRegistry.layer(image, 0);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          layer,
          (exchange, blob) -> {
            exchange.sendResponseHeaders(200, blob.length + 5);
            exchange.getResponseBody().write(blob);
            exchange.getResponseBody().write(new byte[5]);
            return true;
          });
      String message = refused(registry.ref("1"));
      assertTrue(
          message.startsWith("DATA_LOSS: fetch layer " + layer + ": more came than the "), message);
      assertNothingShows();
    }
  }

  @Test
  void registryThatDies_isToldAndWhatCameIsGoneOnWith() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1), noise(2));
    String layer = FakeRegistry.layer(image, 0);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          layer,
          (exchange, blob) ->
              registry.requests(layer).size() == 1
                  ? FakeRegistry.breakOff(exchange, blob, blob.length / 2)
                  : FakeRegistry.breakOff(exchange, blob, 0));
      String message = refused(registry.ref("1"));
      assertTrue(message.startsWith("UNAVAILABLE: fetch layer " + layer), message);
      assertNothingShows();
      registry.whenAsked(layer, (_, _) -> false);
      pull(registry.ref("1"));
      String last = registry.requests(layer).getLast();
      assertTrue(last.contains("bytes="), last);
      assertVerified(registry.ref("1"));
    }
  }

  @Test
  void layerOfTheRightDigestThatIsNoArchive_isRefused() throws Exception {
    byte[] wrong = noise(1);
    wrong[3] ^= 1;
    Archives.Image image = Archives.image("sh", noise(2), wrong);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      String message = refused(registry.ref("1"));
      assertTrue(message.startsWith("INVALID_ARGUMENT: read archive near byte 0: "), message);
      assertNothingShows();
    }
  }

  @Test
  void layerWithAnotherDiffId_isRefused() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1));
    Archives.Image other = Archives.image("sh", noise(2));
    byte[] manifest =
        Manifest.of(
                other.config(),
                List.of(
                    Descriptor.of(
                        MediaTypes.OCI_LAYER_GZIP,
                        image.blobs().get(FakeRegistry.layer(image, 0)))))
            .bytes();
    try (FakeRegistry registry =
        FakeRegistry.plain()
            .image("1", image)
            .image("2", other)
            .manifest("3", MediaTypes.OCI_MANIFEST, manifest)) {
      String message = refused(registry.ref("3"));
      assertTrue(
          message.startsWith(
              "INVALID_ARGUMENT: unpack layer "
                  + FakeRegistry.layer(image, 0)
                  + ": its content has the digest "),
          message);
      assertNothingShows();
    }
  }

  @Test
  void sameImageTwiceAtOnce_isFetchedOnce() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1), noise(2));
    String layer = FakeRegistry.layer(image, 0);
    CountDownLatch goOn = new CountDownLatch(1);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          layer,
          (_, _) -> {
            await(goOn);
            return false;
          });
      Queue<Progress> told = new ConcurrentLinkedQueue<>();
      CompletableFuture<List<Progress>> first =
          CompletableFuture.supplyAsync(() -> pull(registry.ref("1"), told::add));
      CompletableFuture<List<Progress>> second =
          CompletableFuture.supplyAsync(() -> pull(registry.ref("1"), told::add));
      // Nothing of the layer comes before the registry goes on, so only the pull that waits for the
      // other one reports it as being downloaded.
      Eventually.holds(
          "one pull waited for the other's layer",
          () ->
              !registry.requests(layer).isEmpty()
                  && told.stream()
                      .anyMatch(step ->
                          layer.startsWith(step.getId(), "sha256:".length())
                              && !step.getId().isEmpty()
                              && step.getStatus().equals("downloading")));
      goOn.countDown();
      assertEquals(image.config().digest(), first.get().getLast().getImage().getId());
      assertEquals(image.config().digest(), second.get().getLast().getImage().getId());
      assertEquals(1, registry.requests(layer).size());
      assertVerified(registry.ref("1"));
      assertEquals(List.of(), names(service.root().resolve("unpack")));
    }
  }

  @Test
  void cancelledPull_stopsAndIsGoneOnWith() throws Exception {
    Archives.Image image = Archives.image("sh", noise(1), noise(2));
    String layer = FakeRegistry.layer(image, 0);
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.whenAsked(
          layer, (exchange, blob) -> registry.stall(exchange, blob, blob.length / 2));
      Context.CancellableContext context = Context.current().withCancellation();
      CompletableFuture<Object> pull =
          CompletableFuture.supplyAsync(() -> {
            Context before = context.attach();
            try {
              return pull(registry.ref("1"));
            } catch (StatusRuntimeException e) {
              return e.getStatus().getCode();
            } finally {
              context.detach(before);
            }
          });
      Eventually.holds("half of the layer had come", () -> offsetOfIngests() > 1 << 20);
      context.cancel(null);
      assertEquals(Status.Code.CANCELLED, pull.get(10, TimeUnit.SECONDS));
      Eventually.holds(
          "what was unpacked had gone", () -> names(service.root().resolve("unpack")).isEmpty());
      assertNothingShows();
      Eventually.holds(
          "the lease of the pull had gone",
          () ->
              UnixChannel.in(LeasesGrpc.newBlockingStub(service.channel()), "default", null)
                      .list(
                          io.berth.api.containerd.services.leases.v1.ListRequest
                              .getDefaultInstance())
                      .getLeasesCount()
                  == 0);
      registry.whenAsked(layer, (_, _) -> false);
      pull(registry.ref("1"));
      assertTrue(
          registry.requests(layer).getLast().contains("bytes="),
          registry.requests(layer)::toString);
      assertVerified(registry.ref("1"));
    }
  }

  private long offsetOfIngests() {
    return UnixChannel.in(ContentGrpc.newBlockingStub(service.channel()), "default", null)
        .listStatuses(ListStatusesRequest.getDefaultInstance())
        .getStatusesList()
        .stream()
        .mapToLong(status -> status.getOffset())
        .max()
        .orElse(0);
  }
}
