package io.berth.e2e;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Debian's docker-registry on a loopback port, with a storage folder that a test may damage. */
final class LocalRegistry implements AutoCloseable {
  private final Path folder;
  private final int port = freePort();
  private final HttpClient http = HttpClient.newHttpClient();
  private final String account;
  private @Nullable Process process;

  /** Starts it; all it keeps is in the folder. */
  LocalRegistry(Path folder) throws Exception {
    this(folder, /* account= */ "");
  }

  /**
   * One that serves nobody else.
   *
   * @param account a line of htpasswd(1), with bcrypt
   */
  LocalRegistry(Path folder, String account) throws Exception {
    this.folder = folder;
    this.account = account;
    start();
  }

  /** A port of 127.0.0.1 that nobody has at this moment. */
  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  void start() throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("config.yml"),
            """
            version: 0.1
            storage:
              filesystem:
                rootdirectory: %s
            http:
              addr: 127.0.0.1:%d
            %s\
            """
                .formatted(folder.resolve("store"), port, authorisation()));
    process =
        new ProcessBuilder("docker-registry", "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    Eventually.holds(
        "answers; its log is " + folder.resolve("log"),
        () -> {
          try (var _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return true;
          }
        });
  }

  private String authorisation() throws IOException {
    if (account.isEmpty()) {
      return "";
    }
    Path accounts = Files.writeString(folder.resolve("htpasswd"), account + "\n");
    return """
    auth:
      htpasswd:
        realm: test
        path: %s
    """
        .formatted(accounts);
  }

  int port() {
    return port;
  }

  /** {@code 127.0.0.1:PORT/PATH}. */
  String ref(String path) {
    return "127.0.0.1:" + port + "/" + path;
  }

  /** kill -9. */
  void kill() {
    Objects.requireNonNull(process).destroyForcibly().onExit().join();
  }

  /** Where a blob's bytes are stored. */
  Path stored(String digest) {
    String hex = digest.substring(digest.indexOf(':') + 1);
    return folder
        .resolve("store/docker/registry/v2/blobs/sha256")
        .resolve(hex.substring(0, 2))
        .resolve(hex)
        .resolve("data");
  }

  /** Puts an image under a tag, by the registry's own protocol. */
  void put(String repository, String tag, OciImage image) throws Exception {
    List<OciImage.Blob> blobs = new ArrayList<>(image.layers());
    blobs.add(image.config());
    for (OciImage.Blob blob : blobs) {
      upload(repository, blob);
    }
    putDocument(repository, tag, image.manifest());
  }

  /** Puts a manifest or an index, whose parts are there, under a tag or digest. */
  void putDocument(String repository, String version, OciImage.Blob document) throws Exception {
    URI uri =
        URI.create("http://127.0.0.1:" + port + "/v2/" + repository + "/manifests/" + version);
    expect(
        201,
        HttpRequest.newBuilder(uri)
            .header("Content-Type", document.mediaType())
            .PUT(HttpRequest.BodyPublishers.ofByteArray(document.bytes())));
  }

  private void upload(String repository, OciImage.Blob blob) throws Exception {
    URI base = URI.create("http://127.0.0.1:" + port + "/v2/" + repository + "/blobs/uploads/");
    String location =
        expect(202, HttpRequest.newBuilder(base).POST(HttpRequest.BodyPublishers.noBody()))
            .headers()
            .firstValue("Location")
            .orElseThrow();
    URI to =
        base.resolve(location + (location.contains("?") ? "&" : "?") + "digest=" + blob.digest());
    expect(
        201,
        HttpRequest.newBuilder(to)
            .header("Content-Type", "application/octet-stream")
            .PUT(HttpRequest.BodyPublishers.ofByteArray(blob.bytes())));
  }

  private HttpResponse<String> expect(int status, HttpRequest.Builder request) throws Exception {
    HttpResponse<String> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != status) {
      throw new AssertionError(response + ": " + response.body());
    }
    return response;
  }

  @Override
  public void close() {
    kill();
    http.close();
  }
}
