package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.base.id.Digest;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Uploads of large layers: in pieces, gone on with, and bounded by silence alone. */
@Tag("root")
// case I1
final class UploadIT {
  private static final int PIECE = 8 << 20;

  @RegisterExtension
  final ServiceExtension service = new ServiceExtension("[image]\nregistry_silence = 1\n");

  private Archives.Image image;
  private String layer;
  private byte[] bytes;

  @BeforeEach
  void load() throws Exception {
    byte[] noise = new byte[20 << 20];
    new Random(1).nextBytes(noise);
    image = Archives.image("sh", Archives.layer().file("noise", 0644, noise).tar());
    layer = FakeRegistry.layer(image, 0);
    bytes = image.blobs().get(layer);
    LoadAndPrepareIT.load(service, Archives.oci(image, "app:1"), "");
  }

  private List<Progress> push(FakeRegistry registry) {
    ImagesGrpc.ImagesBlockingStub images =
        UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
    String ref = registry.ref("1");
    images.tag(TagRequest.newBuilder().setRef("app:1").setName(ref).build());
    List<Progress> steps = new ArrayList<>();
    images.push(PushRequest.newBuilder().setRef(ref).build()).forEachRemaining(steps::add);
    return steps;
  }

  /** Takes a request's content from the connection. */
  private interface Intake {
    void read(InputStream content, ByteArrayOutputStream into) throws IOException;
  }

  /** A registry that takes uploads by the book, and counts what it was sent. */
  private static final class Uploads implements FakeRegistry.Answer {
    final Map<String, ByteArrayOutputStream> begun = new ConcurrentHashMap<>();
    final Map<String, byte[]> taken = new ConcurrentHashMap<>();
    final List<String> ranges = new CopyOnWriteArrayList<>();
    private final AtomicInteger ids = new AtomicInteger();
    volatile Intake intake = (content, into) -> content.transferTo(into);
    volatile Intake ending = (content, into) -> content.transferTo(into);
    volatile boolean takesPieces = true;
    volatile long leastPiece;

    @Override
    public boolean to(HttpExchange exchange, byte[] blob) throws IOException {
      String path = exchange.getRequestURI().getPath();
      if (path.contains("/manifests/")) {
        var _ = exchange.getRequestBody().readAllBytes();
        return answer(exchange, exchange.getRequestMethod().equals("PUT") ? 201 : 404);
      }
      return switch (exchange.getRequestMethod()) {
        case "POST" -> {
          String id = "u" + ids.getAndIncrement();
          begun.put(id, new ByteArrayOutputStream());
          if (leastPiece > 0) {
            exchange.getResponseHeaders().add("OCI-Chunk-Min-Length", Long.toString(leastPiece));
          }
          exchange.getResponseHeaders().add("Location", "/v2/x/blobs/uploads/" + id);
          yield answer(exchange, 202);
        }
        case "PATCH" -> piece(exchange, upload(path));
        case "GET" -> told(exchange, upload(path), 204);
        case "PUT" -> end(exchange, upload(path));
        default -> answer(exchange, 404);
      };
    }

    private ByteArrayOutputStream upload(String path) {
      return begun.get(path.substring(path.lastIndexOf('/') + 1));
    }

    private boolean piece(HttpExchange exchange, ByteArrayOutputStream upload) throws IOException {
      String range = String.valueOf(exchange.getRequestHeaders().getFirst("Content-Range"));
      ranges.add(range);
      if (!takesPieces) {
        var _ = exchange.getRequestBody().readAllBytes();
        return answer(exchange, 405);
      }
      if (!range.startsWith(upload.size() + "-")) {
        var _ = exchange.getRequestBody().readAllBytes();
        return answer(exchange, 416);
      }
      intake.read(exchange.getRequestBody(), upload);
      return told(exchange, upload, 202);
    }

    private static boolean told(HttpExchange exchange, ByteArrayOutputStream upload, int status)
        throws IOException {
      exchange.getResponseHeaders().add("Range", "0-" + Math.max(0, upload.size() - 1));
      return answer(exchange, status);
    }

    private boolean end(HttpExchange exchange, ByteArrayOutputStream upload) throws IOException {
      ending.read(exchange.getRequestBody(), upload);
      String digest = exchange.getRequestURI().getQuery().replaceFirst(".*digest=", "");
      byte[] all = upload.toByteArray();
      if (!Digest.sha256(all).toString().equals(digest)) {
        return answer(exchange, 400);
      }
      taken.put(digest, all);
      return answer(exchange, 201);
    }

    /** The same one, which knows of no upload that broke off. */
    FakeRegistry.Answer forgetting() {
      return (exchange, blob) ->
          exchange.getRequestMethod().equals("GET") ? answer(exchange, 404) : to(exchange, blob);
    }

    private static boolean answer(HttpExchange exchange, int status) throws IOException {
      exchange.sendResponseHeaders(status, -1);
      return true;
    }
  }

  @Test
  void largeLayer_goesInPieces_whoseProgressIsTold() throws Exception {
    Uploads uploads = new Uploads();
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads)) {
      List<Progress> steps = push(registry);
      assertArrayEquals(bytes, uploads.taken.get(layer));
      assertEquals(
          List.of(
              "0-" + (PIECE - 1),
              PIECE + "-" + (2 * PIECE - 1),
              2 * PIECE + "-" + (bytes.length - 1)),
          uploads.ranges);
      // How many of the steps between are told depends on how fast they come.
      assertTrue(
          steps.stream().anyMatch(step -> step.getCurrent() > 0 && step.getTotal() == bytes.length),
          steps::toString);
    }
  }

  @Test
  void connectionThatBreaks_isGoneOnWithFromWhereTheRegistryIs() throws Exception {
    Uploads uploads = new Uploads();
    int some = 1 << 20;
    uploads.intake =
        (content, into) -> {
          if (into.size() == PIECE) {
            into.write(content.readNBytes(some));
            throw new IOException("the registry's connection broke");
          }
          content.transferTo(into);
        };
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads)) {
      push(registry);
      assertArrayEquals(bytes, uploads.taken.get(layer));
      assertEquals(PIECE + some, Integer.parseInt(uploads.ranges.get(2).replaceFirst("-.*", "")));
      // One upload of the layer, and one of the configuration.
      assertEquals(2, uploads.begun.size());
    }
  }

  @Test
  void uploadThatTheRegistryForgets_beginsAnew() throws Exception {
    Uploads uploads = new Uploads();
    AtomicBoolean broke = new AtomicBoolean();
    uploads.intake =
        (content, into) -> {
          if (into.size() == PIECE && broke.compareAndSet(false, true)) {
            into.reset();
            throw new IOException("the registry's connection broke");
          }
          content.transferTo(into);
        };
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads.forgetting())) {
      push(registry);
      assertArrayEquals(bytes, uploads.taken.get(layer));
      assertEquals(3, uploads.begun.size());
    }
  }

  /** Pieces that were sent before are no step on: all attempts are used up. */
  @Test
  void registryThatNeverGetsOn_isGivenUp() throws Exception {
    Uploads uploads = new Uploads();
    uploads.intake =
        (content, into) -> {
          if (into.size() == PIECE) {
            throw new IOException("the registry's connection broke");
          }
          content.transferTo(into);
        };
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads.forgetting())) {
      var e = assertThrows(StatusRuntimeException.class, () -> push(registry));
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
    }
  }

  @Test
  void registryThatTakesNoPieces_getsTheWhole() throws Exception {
    Uploads uploads = new Uploads();
    uploads.takesPieces = false;
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads)) {
      push(registry);
      assertArrayEquals(bytes, uploads.taken.get(layer));
      assertEquals(1, uploads.ranges.size());
    }
  }

  /** The registry is never silent for the limit, but the upload takes three times as long. */
  @Test
  void uploadThatTakesLongerThanTheLimitOfSilence_isNotGivenUp() throws Exception {
    Uploads uploads = new Uploads();
    uploads.leastPiece = 64 << 20;
    uploads.ending = (content, into) -> slowly(content, into, /* seconds= */ 3);
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads)) {
      long begun = System.nanoTime();
      push(registry);
      assertTrue(System.nanoTime() - begun > 3_000_000_000L, "the registry was not slow");
      assertArrayEquals(bytes, uploads.taken.get(layer));
      // The layer and the configuration, once each.
      assertEquals(2, registry.requests("PUT /v2/x/blobs/uploads/").size());
    }
  }

  /** Reads at the pace of a slow line. */
  private void slowly(InputStream content, ByteArrayOutputStream into, int seconds)
      throws IOException {
    long begun = System.nanoTime();
    byte[] part = new byte[64 << 10];
    for (int count = content.read(part); count >= 0; count = content.read(part)) {
      into.write(part, 0, count);
      long due = begun + into.size() * (seconds * 1_000_000_000L) / bytes.length;
      while (into.size() > PIECE / 8 && System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
    }
  }

  /** A registry that stops reading is given up after the limit, and the rest is sent anew. */
  @Test
  void registryThatStopsReading_isAskedHowFarItCame() throws Exception {
    Uploads uploads = new Uploads();
    int some = 1 << 20;
    uploads.leastPiece = 2 * PIECE;
    uploads.intake =
        (content, into) -> {
          if (into.size() == 0) {
            into.write(content.readNBytes(some));
            try {
              Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
          content.transferTo(into);
        };
    try (FakeRegistry registry = FakeRegistry.plain().gate(uploads)) {
      push(registry);
      assertArrayEquals(bytes, uploads.taken.get(layer));
      assertEquals(some + "-" + (some + 2 * PIECE - 1), uploads.ranges.get(1));
    }
  }
}
