package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.base.id.Digest;
import io.berth.base.rpc.UnixChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Shows what goes to a registry, and in which order. */
@Tag("root")
final class PushIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  private Archives.Image image;

  @BeforeEach
  void load() throws Exception {
    image = Archives.image("sh", StreamedPullIT.noise(1), StreamedPullIT.noise(2));
    LoadAndPrepareIT.load(service, Archives.oci(image, "app:1"), "");
  }

  private void push(String ref) {
    ImagesGrpc.ImagesBlockingStub images =
        UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
    images.tag(TagRequest.newBuilder().setRef("app:1").setName(ref).build());
    images.push(PushRequest.newBuilder().setRef(ref).build()).forEachRemaining(_ -> {});
  }

  /** A registry that has nothing and takes everything. */
  private static boolean take(HttpExchange exchange, List<String> taken) throws IOException {
    switch (exchange.getRequestMethod()) {
      case "POST" -> {
        exchange.getResponseHeaders().add("Location", "/v2/x/blobs/uploads/u?state=1");
        exchange.sendResponseHeaders(202, -1);
      }
      case "PUT" -> {
        byte[] body = exchange.getRequestBody().readAllBytes();
        taken.add(Digest.sha256(body).toString());
        exchange.sendResponseHeaders(201, -1);
      }
      default -> exchange.sendResponseHeaders(404, -1);
    }
    return true;
  }

  private static void meet(CyclicBarrier barrier) {
    try {
      barrier.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new AssertionError("the other layer never came", e);
    }
  }

  @Test
  void layers_goSideBySideAndTheManifestLast() throws Exception {
    List<String> taken = new CopyOnWriteArrayList<>();
    CyclicBarrier both = new CyclicBarrier(2);
    List<String> layers = List.of(FakeRegistry.layer(image, 0), FakeRegistry.layer(image, 1));
    try (FakeRegistry registry = FakeRegistry.plain()) {
      registry.gate((exchange, _) -> {
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        if (layers.stream().anyMatch(query::contains)) {
          meet(both);
        }
        return take(exchange, taken);
      });
      push(registry.ref("1"));
      assertEquals(4, taken.size());
      assertTrue(taken.containsAll(image.blobs().keySet()), taken::toString);
      assertEquals(image.manifest().digest(), taken.getLast());
    }
  }

  @Test
  void refusedLayer_keepsTheManifestBack() throws Exception {
    List<String> taken = new CopyOnWriteArrayList<>();
    String refused = FakeRegistry.layer(image, 0);
    try (FakeRegistry registry = FakeRegistry.plain()) {
      registry.gate((exchange, _) -> {
        if (String.valueOf(exchange.getRequestURI().getQuery()).contains(refused)) {
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(403, -1);
          return true;
        }
        return take(exchange, taken);
      });
      var e = assertThrows(StatusRuntimeException.class, () -> push(registry.ref("1")));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith("PERMISSION_DENIED: push layer " + refused + " to `"), message);
      assertEquals(List.of(), registry.requests("/manifests/"));
    }
  }
}
