package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.RemoveRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Pull and push against Debian's docker-registry, and against a server that misbehaves. */
@Tag("root")
final class RegistryIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  @TempDir Path folder;

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private List<Progress> pull(String ref) {
    List<Progress> steps = new ArrayList<>();
    images().pull(PullRequest.newBuilder().setRef(ref).build()).forEachRemaining(steps::add);
    return steps;
  }

  private static byte[] noise() throws Exception {
    byte[] bytes = new byte[3 << 20];
    new Random(1).nextBytes(bytes);
    return Archives.layer().file("noise", 0644, bytes).file("a", "1").tar();
  }

  /** A layer that goes in pieces. */
  private static byte[] large() throws Exception {
    byte[] bytes = new byte[20 << 20];
    new Random(2).nextBytes(bytes);
    return Archives.layer().file("large", 0644, bytes).tar();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Process registry(int port) throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("config.yml"),
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: "
                + folder.resolve("store")
                + "\nhttp:\n  addr: 127.0.0.1:"
                + port
                + "\n");
    Process process =
        new ProcessBuilder("docker-registry", "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    Eventually.holds(
        "the registry listened",
        () -> {
          try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
          }
        });
    return process;
  }

  @Test // case I1
  void pushedImage_canBePulledAgain() throws Exception {
    int port = freePort();
    Process registry = registry(port);
    try {
      Archives.Image image = Archives.image("sh", noise(), large());
      LoadAndPrepareIT.load(service, Archives.oci(image, "app:1"), "");
      String ref = "127.0.0.1:" + port + "/team/app:1";
      images().tag(TagRequest.newBuilder().setRef("app:1").setName(ref).build());
      images().push(PushRequest.newBuilder().setRef(ref).build()).forEachRemaining(_ -> {});
      String name = " {name=127.0.0.1:" + port + "/team/app}";
      assertEquals("default: image push " + ref + name, OutboxIT.told(service).getLast());
      images().remove(RemoveRequest.newBuilder().setRef("app:1").setForce(true).build());
      images().remove(RemoveRequest.newBuilder().setRef(ref).setForce(true).build());
      service.stop();
      // The images are pulled into another store.
      deleteStore();
      service.start();
      Progress last = pull("http://" + ref).getLast();
      assertEquals(List.of("default: image pull " + ref + name), OutboxIT.told(service));
      assertEquals(image.config().digest(), last.getImage().getId());
      assertEquals(image.manifest().digest(), last.getMessage());
      var rootfs = UnixChannel.in(RootfsGrpc.newBlockingStub(service.channel()), "default", null);
      assertEquals(
          1,
          rootfs
              .prepare(PrepareRequest.newBuilder().setRef(ref).setUser("0").setKey("k").build())
              .getMountsCount());
      assertTrue(pull(ref).stream().anyMatch(step -> step.getStatus().equals("exists")));
      var missing =
          assertThrows(
              StatusRuntimeException.class, () -> pull("127.0.0.1:" + port + "/team/nope:1"));
      assertTrue(
          String.valueOf(missing.getMessage())
              .startsWith(
                  "NOT_FOUND: fetch manifest of `127.0.0.1:"
                      + port
                      + "/team/nope:1`: the registry answered 404"),
          missing.getMessage());
    } finally {
      registry.destroy();
      registry.waitFor();
    }
  }

  private void deleteStore() throws IOException {
    try (var files = Files.walk(service.root())) {
      for (Path path : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  /** Serves one image, and does to its first layer what a test wants. */
  private static final class BadRegistry implements AutoCloseable {
    final HttpServer server;
    final Archives.Image image;
    final String layer;
    final AtomicInteger layerRequests = new AtomicInteger();
    final List<String> ranges = new ArrayList<>();
    boolean breakOff;
    boolean corrupt;
    boolean tokens;

    BadRegistry() throws Exception {
      image = Archives.image("sh", noise());
      layer = image.blobs().keySet().iterator().next();
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext("/", this::answer);
      server.start();
    }

    private byte[] of(String digest) {
      return Objects.requireNonNull(image.blobs().get(digest), digest);
    }

    String ref() {
      return "127.0.0.1:" + server.getAddress().getPort() + "/x:1";
    }

    private void answer(HttpExchange exchange) throws IOException {
      try (exchange) {
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/token")) {
          token(exchange);
        } else if (tokens
            && !"Bearer secret".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
          exchange
              .getResponseHeaders()
              .add(
                  "WWW-Authenticate",
                  "Bearer realm=\"http://127.0.0.1:"
                      + server.getAddress().getPort()
                      + "/token\",service=\"s\",scope=\"repository:x:pull\"");
          exchange.sendResponseHeaders(401, -1);
        } else if (path.endsWith("/manifests/1")) {
          exchange.getResponseHeaders().add("Content-Type", image.manifest().mediaType());
          send(exchange, of(image.manifest().digest()), 0);
        } else {
          blob(exchange, path.substring(path.lastIndexOf('/') + 1));
        }
      }
    }

    private void token(HttpExchange exchange) throws IOException {
      String expected =
          "Basic " + Base64.getEncoder().encodeToString("me:pw".getBytes(StandardCharsets.UTF_8));
      boolean right = expected.equals(exchange.getRequestHeaders().getFirst("Authorization"));
      byte[] body =
          (right ? "{\"token\":\"secret\"}" : "{\"errors\":[{\"message\":\"who are you\"}]}")
              .getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(right ? 200 : 401, body.length);
      exchange.getResponseBody().write(body);
    }

    private void blob(HttpExchange exchange, String digest) throws IOException {
      byte[] bytes = of(digest);
      if (!digest.equals(layer)) {
        send(exchange, bytes, 0);
        return;
      }
      int request = layerRequests.incrementAndGet();
      String range = exchange.getRequestHeaders().getFirst("Range");
      ranges.add(String.valueOf(range));
      if (corrupt) {
        byte[] wrong = bytes.clone();
        wrong[wrong.length - 1] ^= 1;
        send(exchange, wrong, 0);
      } else if (breakOff && request == 1) {
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
        exchange.getResponseBody().flush();
        // If less than what was announced is sent, closing breaks the connection.
      } else {
        send(exchange, bytes, range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", "")));
      }
    }

    private void send(HttpExchange exchange, byte[] bytes, int from) throws IOException {
      exchange.sendResponseHeaders(from == 0 ? 200 : 206, bytes.length - from);
      exchange.getResponseBody().write(bytes, from, bytes.length - from);
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }

  @Test
  void brokenConnection_isGoneOnWithFromWhereItBroke() throws Exception {
    try (BadRegistry registry = new BadRegistry()) {
      registry.breakOff = true;
      List<Progress> steps = pull(registry.ref());
      assertEquals(registry.image.config().digest(), steps.getLast().getImage().getId());
      assertTrue(
          steps.stream().anyMatch(step -> step.getStatus().equals("retrying")), steps::toString);
      assertEquals(2, registry.layerRequests.get());
      assertTrue(registry.ranges.getLast().startsWith("bytes="), registry.ranges::toString);
    }
  }

  @Test
  void wrongBytes_areRefusedAndNothingIsNamed() throws Exception {
    try (BadRegistry registry = new BadRegistry()) {
      registry.corrupt = true;
      var e = assertThrows(StatusRuntimeException.class, () -> pull(registry.ref()));
      assertTrue(
          String.valueOf(e.getMessage())
              .startsWith(
                  "DATA_LOSS: fetch layer "
                      + registry.layer
                      + ": what came has the digest sha256:"),
          e.getMessage());
      assertEquals(
          0,
          images()
              .list(io.berth.api.berth.image.v1.ListRequest.getDefaultInstance())
              .getImagesCount());
      registry.corrupt = false;
      assertEquals(
          registry.image.config().digest(), pull(registry.ref()).getLast().getImage().getId());
    }
  }

  @Test
  void token_isFetchedWithTheCredentials() throws Exception {
    try (BadRegistry registry = new BadRegistry()) {
      registry.tokens = true;
      var e = assertThrows(StatusRuntimeException.class, () -> pull(registry.ref()));
      assertTrue(String.valueOf(e.getMessage()).contains("(who are you)"), e.getMessage());
      List<Progress> steps = new ArrayList<>();
      images()
          .pull(
              PullRequest.newBuilder()
                  .setRef(registry.ref())
                  .setCredentials(Credentials.newBuilder().setUsername("me").setPassword("pw"))
                  .build())
          .forEachRemaining(steps::add);
      assertEquals(registry.image.config().digest(), steps.getLast().getImage().getId());
    }
  }
}
