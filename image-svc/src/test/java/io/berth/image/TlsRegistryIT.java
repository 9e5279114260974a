package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.ListRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.base.rpc.UnixChannel;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.Index;
import io.berth.oci.image.MediaTypes;
import io.berth.oci.image.Platform;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A registry behind TLS with a certificate that nobody vouches for, tokens, several platforms. */
@Tag("root")
final class TlsRegistryIT {
  @RegisterExtension
  final ServiceExtension service = new ServiceExtension("[image]\nregistries = \"@/hosts\"\n");

  @TempDir Path folder;

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private Image pull(PullRequest.Builder request) {
    List<Progress> steps = new ArrayList<>();
    images().pull(request.build()).forEachRemaining(steps::add);
    return steps.getLast().getImage();
  }

  private String refused(PullRequest.Builder request) {
    var e = assertThrows(StatusRuntimeException.class, () -> pull(request));
    String message = String.valueOf(e.getMessage());
    assertFalse(message.contains("\n"), message);
    assertEquals(0, images().list(ListRequest.getDefaultInstance()).getImagesCount());
    return message;
  }

  private FakeRegistry encrypted() throws Exception {
    return FakeRegistry.encrypted(folder);
  }

  @Test
  void strangeCertificate_isRefusedUnlessAsked() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    try (FakeRegistry registry = encrypted().image("1", image)) {
      String ref = "https://" + registry.ref("1");
      String message = refused(PullRequest.newBuilder().setRef(ref));
      assertTrue(message.startsWith("UNAVAILABLE: fetch manifest of "), message);
      assertTrue(message.contains("certif"), message);
      assertEquals(List.of(), registry.requests(""));
      assertEquals(
          image.config().digest(),
          pull(PullRequest.newBuilder().setRef(ref).setInsecureTls(true)).getId());
    }
  }

  /**
   * The authorities are those of the machine, or of another bundle that SSL_CERT_FILE names, as for
   * other tools.
   */
  @Test
  void certificateInTheBundle_isTrusted() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    try (FakeRegistry registry = encrypted().image("1", image)) {
      Path bundle = certificate();
      try (ServiceProcess process =
          new ServiceProcess(folder.resolve("own"), Map.of("SSL_CERT_FILE", bundle.toString()))) {
        List<Progress> steps = new ArrayList<>();
        UnixChannel.in(ImagesGrpc.newBlockingStub(process.channel()), "default", null)
            .pull(PullRequest.newBuilder().setRef("https://" + registry.ref("1")).build())
            .forEachRemaining(steps::add);
        assertEquals(image.config().digest(), steps.getLast().getImage().getId());
      }
    }
  }

  private Path certificate() throws Exception {
    KeyStore store =
        KeyStore.getInstance(folder.resolve("keys.p12").toFile(), "secret".toCharArray());
    return Files.writeString(
        folder.resolve("bundle.crt"),
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder().encodeToString(store.getCertificate("registry").getEncoded())
            + "\n-----END CERTIFICATE-----\n");
  }

  /** What the operator says of one registry holds without a restart. */
  @Test
  void settingsOfTheHost_vouchForIt() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    try (FakeRegistry registry = encrypted().image("1", image)) {
      PullRequest.Builder request = PullRequest.newBuilder().setRef("https://" + registry.ref("1"));
      Path file =
          Files.createDirectories(service.folder().resolve("hosts"))
              .resolve("127.0.0.1:" + registry.port() + ".toml");
      Files.writeString(file, "ca = \"" + folder.resolve("none.crt") + "\"\n");
      String message = refused(request);
      assertTrue(message.contains("none.crt`: no such file"), message);
      Files.writeString(file, "ca = \"" + certificate() + "\"\n");
      assertEquals(image.config().digest(), pull(request).getId());
      // This also holds for a name without a scheme, although registries on this machine are asked
      // by plain HTTP otherwise.
      Files.writeString(file, "skip_verify = true\nplain_http = false\n");
      assertEquals(
          image.config().digest(),
          pull(PullRequest.newBuilder().setRef(registry.ref("1"))).getId());
    }
  }

  /** Of a registry on this machine nobody says whether it speaks TLS, or who vouches for it. */
  @Test // case I15
  void registryOnThisMachine_isAskedByTlsIfItSpeaksIt() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    try (FakeRegistry registry = encrypted().image("1", image);
        FakeRegistry plain = FakeRegistry.plain().image("1", image)) {
      PullRequest.Builder request = PullRequest.newBuilder();
      assertEquals(image.config().digest(), pull(request.setRef(registry.ref("1"))).getId());
      assertEquals(image.config().digest(), pull(request.setRef(plain.ref("1"))).getId());
      // Whoever says who vouches for it wants that to be looked at.
      Path file =
          Files.createDirectories(service.folder().resolve("hosts"))
              .resolve("127.0.0.1:" + registry.port() + ".toml");
      Files.writeString(file, "ca = \"" + certificate() + "\"\n");
      assertEquals(image.config().digest(), pull(request.setRef(registry.ref("1"))).getId());
      Path other = Files.createDirectories(folder.resolve("other"));
      try (FakeRegistry stranger = FakeRegistry.encrypted(other)) {
        Path hosts = file.resolveSibling("127.0.0.1:" + stranger.port() + ".toml");
        Files.writeString(hosts, "ca = \"" + certificate() + "\"\n");
        var e =
            assertThrows(
                StatusRuntimeException.class, () -> pull(request.setRef(stranger.ref("1"))));
        assertTrue(String.valueOf(e.getMessage()).contains("certif"), e.getMessage());
        assertEquals(List.of(), stranger.requests(""));
      }
    }
  }

  /** A registry that wants to see a certificate of its client. */
  @Test // case I13
  void certificateOfOurs_isShownToTheRegistryThatItIsFor() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    Path keys = folder.resolve("keys.p12");
    FakeRegistry.keys(folder);
    KeyStore store = KeyStore.getInstance(keys.toFile(), "secret".toCharArray());
    Path hosts = Files.createDirectories(service.folder().resolve("hosts"));
    Files.writeString(
        hosts.resolve("client.key"),
        "-----BEGIN PRIVATE KEY-----\n"
            + Base64.getMimeEncoder()
                .encodeToString(store.getKey("registry", "secret".toCharArray()).getEncoded())
            + "\n-----END PRIVATE KEY-----\n");
    Files.copy(certificate(), hosts.resolve("client.cert"));
    try (FakeRegistry registry = FakeRegistry.demanding(keys).image("1", image)) {
      String domain = "127.0.0.1:" + registry.port();
      PullRequest.Builder request = PullRequest.newBuilder().setRef(registry.ref("1"));
      String message = refused(request);
      assertTrue(message.startsWith("UNAVAILABLE: fetch manifest of "), message);
      Files.writeString(
          hosts.resolve(domain + ".toml"),
          "ca = [\"client.cert\"]\nclient = [[\"client.cert\", \"client.key\"]]\n");
      assertEquals(image.config().digest(), pull(request).getId());
      // Docker's way needs no table.
      Files.delete(hosts.resolve(domain + ".toml"));
      Path folder = Files.createDirectories(hosts.resolve(domain));
      Files.copy(hosts.resolve("client.cert"), folder.resolve("ca.crt"));
      Files.move(hosts.resolve("client.cert"), folder.resolve("client.cert"));
      Files.move(hosts.resolve("client.key"), folder.resolve("client.key"));
      assertEquals(image.config().digest(), pull(request).getId());
    }
  }

  @Test
  void tokenOverTls_isAskedForOnceAndSentAlong() throws Exception {
    Archives.Image image = Archives.image("sh", StreamedPullIT.noise(1));
    AtomicReference<String> query = new AtomicReference<>("");
    try (FakeRegistry registry = encrypted().image("1", image)) {
      registry.gate((exchange, _) -> {
        if (exchange.getRequestURI().getPath().equals("/token")) {
          query.set(exchange.getRequestURI().getQuery());
          byte[] body = "{\"access_token\":\"t1\"}".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          return true;
        }
        if ("Bearer t1".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
          return false;
        }
        exchange
            .getResponseHeaders()
            .add(
                "WWW-Authenticate",
                "Bearer realm=\"https://127.0.0.1:"
                    + registry.port()
                    + "/token\",service=\"s\",scope=\"repository:x:pull\"");
        exchange.sendResponseHeaders(401, -1);
        return true;
      });
      String ref = "https://" + registry.ref("1");
      assertEquals(
          image.config().digest(),
          pull(PullRequest.newBuilder().setRef(ref).setInsecureTls(true)).getId());
      assertEquals("service=s&scope=repository:x:pull", query.get());
      assertEquals(1, registry.requests("/token").size());
    }
  }

  @Test
  void index_isChosenFromByPlatform() throws Exception {
    Archives.Image mine = Archives.image("mine", StreamedPullIT.noise(1));
    Archives.Image other = Archives.image("other", StreamedPullIT.noise(2));
    Platform host = Platform.host();
    String strange = host.architecture().equals("s390x") ? "ppc64le" : "s390x";
    byte[] index =
        Index.of(
                List.of(
                    of(other.manifest(), new Platform("linux", strange, "")),
                    of(mine.manifest(), host)))
            .bytes();
    try (FakeRegistry registry =
        FakeRegistry.plain()
            .image("a", mine)
            .image("b", other)
            .manifest("1", MediaTypes.OCI_INDEX, index)) {
      String message =
          refused(PullRequest.newBuilder().setRef(registry.ref("1")).setPlatform("linux/riscv64"));
      assertTrue(message.startsWith("NOT_FOUND: pull `"), message);
      assertTrue(
          message.contains("no image for platform linux/riscv64; there are linux/" + strange),
          message);
      Image image = pull(PullRequest.newBuilder().setRef(registry.ref("1")));
      assertEquals(mine.config().digest(), image.getId());
      assertEquals(
          Descriptor.of(MediaTypes.OCI_INDEX, index).digest(), image.getTarget().getDigest());
      assertEquals(List.of(), registry.requests(FakeRegistry.layer(other, 0)));
    }
  }

  private static Descriptor of(Descriptor manifest, Platform platform) {
    return new Descriptor(
        manifest.mediaType(),
        manifest.digest(),
        manifest.size(),
        platform,
        manifest.annotations(),
        manifest.artifactType(),
        manifest.urls());
  }
}
