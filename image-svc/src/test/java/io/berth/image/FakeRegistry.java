package io.berth.image;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/**
 * A registry that answers many at once, and does to single blobs what a test wants. Every request
 * is written down.
 */
final class FakeRegistry implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, Document> manifests = new ConcurrentHashMap<>();
  private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private volatile Answer gate = (_, _) -> false;

  /** Handles a request. */
  interface Answer {
    /** Answers it, or answers false and leaves it to the registry. */
    boolean to(HttpExchange exchange, byte[] blob) throws IOException;
  }

  // The record is only sent, and nobody compares two of them.
  @SuppressWarnings("ArrayRecordComponent")
  private record Document(String mediaType, byte[] bytes) {}

  private FakeRegistry(HttpServer server) {
    this.server = server;
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  /** A registry over plain HTTP. */
  static FakeRegistry plain() throws IOException {
    return of(HttpServer.create(free(), 0));
  }

  /** A registry over TLS for 127.0.0.1, with a certificate in {@code keys.p12} of the folder. */
  static FakeRegistry encrypted(Path folder) throws Exception {
    HttpsServer server = HttpsServer.create(free(), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context(keys(folder))));
    return of(server);
  }

  /** A registry over TLS that wants its clients to show the same certificate as it has itself. */
  static FakeRegistry demanding(Path keys) throws Exception {
    HttpsServer server = HttpsServer.create(free(), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context(keys)) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters wanted = getSSLContext().getDefaultSSLParameters();
            wanted.setNeedClientAuth(true);
            parameters.setSSLParameters(wanted);
          }
        });
    return of(server);
  }

  private static SSLContext context(Path keys) throws Exception {
    KeyStore store = KeyStore.getInstance(keys.toFile(), "secret".toCharArray());
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, "secret".toCharArray());
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("registry", store.getCertificate("registry"));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  /** Makes a key with a certificate for 127.0.0.1 in {@code keys.p12} of the folder. */
  static Path keys(Path folder) throws Exception {
    Path keys = folder.resolve("keys.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-alias",
                "registry",
                "-dname",
                "CN=registry",
                "-ext",
                "SAN=IP:127.0.0.1",
                "-keystore",
                keys.toString(),
                "-storepass",
                "secret")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start();
    if (keytool.waitFor() != 0) {
      throw new AssertionError(Files.readString(folder.resolve("keytool.log")));
    }
    return keys;
  }

  /** A registry on a server that a test made. */
  static FakeRegistry of(HttpServer server) {
    return new FakeRegistry(server);
  }

  /** An address of the loopback with any free port. */
  static InetSocketAddress free() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  FakeRegistry image(String tag, Archives.Image image) {
    blobs.putAll(image.blobs());
    manifest(tag, image.manifest().mediaType(), bytes(image.manifest().digest()));
    manifest(
        image.manifest().digest(), image.manifest().mediaType(), bytes(image.manifest().digest()));
    return this;
  }

  FakeRegistry manifest(String version, String mediaType, byte[] bytes) {
    manifests.put(version, new Document(mediaType, bytes));
    return this;
  }

  /** Has requests for a blob answered in another way. */
  FakeRegistry whenAsked(String digest, Answer answer) {
    answers.put(digest, answer);
    return this;
  }

  /** Sets what is asked before everything else. */
  FakeRegistry gate(Answer answer) {
    gate = answer;
    return this;
  }

  int port() {
    return server.getAddress().getPort();
  }

  String ref(String tag) {
    return "127.0.0.1:" + port() + "/x:" + tag;
  }

  /** The requests whose path and range hold the text. */
  List<String> requests(String part) {
    return requests.stream().filter(request -> request.contains(part)).toList();
  }

  /** The digest of the n-th layer. */
  static String layer(Archives.Image image, int index) {
    return List.copyOf(image.blobs().keySet()).get(index);
  }

  private byte[] bytes(String digest) {
    return Objects.requireNonNull(blobs.get(digest), digest);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      String range = exchange.getRequestHeaders().getFirst("Range");
      requests.add(exchange.getRequestMethod() + " " + path + " " + range);
      if (gate.to(exchange, new byte[0])) {
        return;
      }
      String name = path.substring(path.lastIndexOf('/') + 1);
      if (path.contains("/manifests/")) {
        Document document = manifests.get(name);
        if (document == null) {
          exchange.sendResponseHeaders(404, -1);
        } else {
          exchange.getResponseHeaders().add("Content-Type", document.mediaType);
          send(exchange, document.bytes);
        }
        return;
      }
      byte[] blob = blobs.get(name);
      Answer special = answers.get(name);
      if (blob == null) {
        exchange.sendResponseHeaders(404, -1);
      } else if (special == null || !special.to(exchange, blob)) {
        send(exchange, blob);
      }
    }
  }

  /** Sends the bytes, or the range of them that was asked for. */
  static void send(HttpExchange exchange, byte[] bytes) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    exchange.sendResponseHeaders(from == 0 ? 200 : 206, bytes.length - from);
    exchange.getResponseBody().write(bytes, from, bytes.length - from);
  }

  /**
   * Sends only a part of what was announced; the closing of the exchange breaks the connection
   * then.
   */
  static boolean breakOff(HttpExchange exchange, byte[] bytes, int after) throws IOException {
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes, 0, after);
    exchange.getResponseBody().flush();
    return true;
  }

  /** Sends a part, and then nothing for as long as the registry lives. */
  boolean stall(HttpExchange exchange, byte[] bytes, int after) throws IOException {
    breakOff(exchange, bytes, after);
    try {
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return true;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
