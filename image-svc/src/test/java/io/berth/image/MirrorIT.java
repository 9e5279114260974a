package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.image.v1.CheckLoginRequest;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.base.rpc.UnixChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mirrors, other settings of single registries, and logins. */
@Tag("root")
final class MirrorIT {
  @RegisterExtension
  final ServiceExtension service = new ServiceExtension("[image]\nregistries = \"@/hosts\"\n");

  private final Archives.Image image;

  MirrorIT() throws IOException {
    image = Archives.image("sh", StreamedPullIT.noise(1));
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private Image pull(FakeRegistry from) {
    List<Progress> steps = new ArrayList<>();
    images()
        .pull(
            PullRequest.newBuilder()
                .setRef(from.ref("1"))
                .setCredentials(Credentials.newBuilder().setUsername("me").setPassword("pw"))
                .build())
        .forEachRemaining(steps::add);
    return steps.getLast().getImage();
  }

  private void settings(FakeRegistry registry, String text) throws Exception {
    Path folder = Files.createDirectories(service.folder().resolve("hosts"));
    Files.writeString(folder.resolve("127.0.0.1:" + registry.port() + ".toml"), text);
  }

  private void mirrors(FakeRegistry registry, String... addresses) throws Exception {
    settings(
        registry,
        Stream.of(addresses)
            .map(address -> '"' + address + '"')
            .collect(Collectors.joining(", ", "mirrors = [", "]\n")));
  }

  private static String address(FakeRegistry registry) {
    return "http://127.0.0.1:" + registry.port();
  }

  @Test
  void mirrorIsAskedInstead_andNeverSeesThePassword() throws Exception {
    List<String> authorizations = new ArrayList<>();
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image);
        FakeRegistry mirror = FakeRegistry.plain().image("1", image)) {
      mirror.gate((exchange, _) -> {
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        if (header != null) {
          authorizations.add(header);
        }
        return false;
      });
      mirrors(origin, address(mirror) + "/");
      Image pulled = pull(origin);
      assertEquals(image.config().digest(), pulled.getId());
      // The image is still named after the registry.
      assertEquals(List.of(origin.ref("1")), pulled.getNamesList());
      assertEquals(List.of(), origin.requests(""));
      assertEquals(List.of(), authorizations);
    }
  }

  @Test
  void mirrorThatHasOnlySome_isHelpedOut() throws Exception {
    Archives.Image other = Archives.image("other", StreamedPullIT.noise(2));
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image);
        FakeRegistry empty = FakeRegistry.plain().image("2", other);
        FakeRegistry broken = FakeRegistry.plain().image("1", image);
        FakeRegistry mirror = FakeRegistry.plain()) {
      String layer = FakeRegistry.layer(image, 0);
      broken.gate((exchange, _) -> {
        exchange.sendResponseHeaders(500, -1);
        return true;
      });
      mirror
          .image("1", image)
          .whenAsked(
              layer,
              (exchange, _) -> {
                exchange.sendResponseHeaders(404, -1);
                return true;
              });
      String nobody;
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        nobody = "http://127.0.0.1:" + socket.getLocalPort();
      }
      mirrors(origin, nobody, address(broken), address(empty), address(mirror));
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(1, origin.requests("").size(), () -> "" + origin.requests(""));
      assertEquals(1, origin.requests(layer).size());
      // A mirror that failed is left out for the rest of the transfer.
      assertEquals(1, broken.requests("").size());
      assertTrue(empty.requests("").size() > 1);
    }
  }

  @Test
  void mirrorThatBreaksOffInALayer_isLeftForTheRegistry() throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image);
        FakeRegistry mirror = FakeRegistry.plain().image("1", image)) {
      String layer = FakeRegistry.layer(image, 0);
      mirror.whenAsked(
          layer, (exchange, bytes) -> FakeRegistry.breakOff(exchange, bytes, bytes.length / 2));
      mirrors(origin, address(mirror));
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(1, mirror.requests(layer).size());
      assertEquals(1, origin.requests(layer).size());
    }
  }

  private void theirs(FakeRegistry registry, String text) throws Exception {
    Path folder = service.folder().resolve("hosts/127.0.0.1_" + registry.port() + "_");
    Files.writeString(Files.createDirectories(folder).resolve("hosts.toml"), text);
  }

  @Test // case I13
  void mirrorBelowAPathOfTheApi_isAskedThere() throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain();
        FakeRegistry mirror = FakeRegistry.plain().image("1", image)) {
      mirrors(origin, address(mirror) + "/v2/proxy", address(mirror) + "/below");
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(List.of(), mirror.requests("/below"));
      assertEquals(1, mirror.requests("GET /v2/proxy/x/manifests/1 ").size());
    }
  }

  @Test // case I13
  void serverOfContainerdsTable_isAskedInPlaceOfTheRegistry() throws Exception {
    List<String> queries = new ArrayList<>();
    List<String> authorizations = new ArrayList<>();
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image);
        FakeRegistry mirror = FakeRegistry.plain().image("1", image)) {
      mirror.gate((exchange, _) -> {
        queries.add(exchange.getRequestURI().getQuery());
        authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
        return false;
      });
      theirs(origin, "server = \"" + address(mirror) + "/\"\nnobody_knows = 1\n");
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(List.of(), origin.requests(""));
      assertEquals(1, mirror.requests("GET /v2/x/manifests/1 ").size());
      assertEquals("ns=127.0.0.1:" + origin.port(), queries.getFirst());
      assertEquals(List.of("null"), authorizations.stream().distinct().toList());
    }
  }

  @Test // case I13
  void hostsOfContainerdsTable_areAskedForWhatTheyCan() throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image);
        FakeRegistry tags = FakeRegistry.plain().image("1", image);
        FakeRegistry blobs = FakeRegistry.plain().image("1", image)) {
      theirs(
          origin,
          """
          server = "%s"
          [host."%s/api"]
          capabilities = ["resolve"]
          override_path = true
          [host."%s"]
          capabilities = ["pull"]
          [host."%s".header]
          X-Which = ["a", "b"]
          """
              .formatted(address(origin), address(tags), address(blobs), address(blobs)));
      List<String> headers = new ArrayList<>();
      blobs.gate((exchange, _) -> {
        headers.addAll(exchange.getRequestHeaders().get("X-Which"));
        return false;
      });
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(List.of(), origin.requests(""));
      assertEquals(List.of("GET /api/x/manifests/1 null"), tags.requests(""));
      assertEquals(2, blobs.requests("/v2/x/blobs/").size());
      assertEquals(List.of("a", "b"), headers.subList(0, 2));
      // None of the two takes an image, so the registry itself does.
      origin.gate(OddRegistryIT.taking(201));
      push(origin);
      assertEquals(1, origin.requests("PUT /v2/x/manifests/1").size());
    }
  }

  private void push(FakeRegistry to) {
    images().push(PushRequest.newBuilder().setRef(to.ref("1")).build()).forEachRemaining(_ -> {});
  }

  @Test // case I13
  void registryWithoutAServerForAWish_isToldWithTheKey() throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image)) {
      pull(origin);
      theirs(origin, "capabilities = [\"pull\", \"resolve\"]\n");
      var e = assertThrows(StatusRuntimeException.class, () -> push(origin));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith("FAILED_PRECONDITION: `127.0.0.1:"), message);
      assertTrue(message.contains("can be asked to push; see `capabilities`"), message);
    }
  }

  /** A mirror's own login and headers go to it, and not where it leads to. */
  @Test // case I13
  void loginOfAMirror_isToldToNobodyElse() throws Exception {
    List<String> seen = new ArrayList<>();
    FakeRegistry.Answer listens =
        (exchange, _) -> {
          seen.add(
              exchange.getRequestHeaders().getFirst("Authorization")
                  + " "
                  + exchange.getRequestHeaders().getFirst("X-Secret"));
          return false;
        };
    String layer = FakeRegistry.layer(image, 0);
    try (FakeRegistry origin = FakeRegistry.plain();
        FakeRegistry storage = FakeRegistry.plain().image("1", image).gate(listens);
        FakeRegistry mirror = FakeRegistry.plain().image("1", image)) {
      String basic =
          "Basic " + Base64.getEncoder().encodeToString("m:s".getBytes(StandardCharsets.UTF_8));
      mirror.gate((exchange, _) -> {
        if (!basic.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
          exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"x\"");
          exchange.sendResponseHeaders(401, -1);
          return true;
        }
        if (exchange.getRequestURI().getPath().endsWith(layer)) {
          exchange
              .getResponseHeaders()
              .add("Location", address(storage) + exchange.getRequestURI().getPath());
          exchange.sendResponseHeaders(307, -1);
          return true;
        }
        return false;
      });
      settings(
          origin,
          "[host.\"%s\"]\nusername = \"m\"\npassword = \"s\"\nheader = {X-Secret = \"h\"}\n"
              .formatted(address(mirror)));
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(List.of("null null"), seen);
      assertEquals(List.of(), origin.requests(""));
    }
  }

  private static FakeRegistry.Answer listing(String... tags) {
    byte[] list =
        Stream.of(tags)
            .map(tag -> '"' + tag + '"')
            .collect(Collectors.joining(",", "{\"tags\":[", "]}"))
            .getBytes(StandardCharsets.UTF_8);
    return (exchange, _) -> {
      boolean asked = exchange.getRequestURI().getPath().endsWith("/tags/list");
      if (asked) {
        exchange.sendResponseHeaders(200, list.length);
        exchange.getResponseBody().write(list);
      }
      return asked;
    };
  }

  /** A mirror lists what it has, which need not be all. */
  @Test
  void tags_areThoseOfTheRegistry() throws Exception {
    try (FakeRegistry origin =
            FakeRegistry.plain().image("1", image).image("2", image).gate(listing("1", "2"));
        FakeRegistry mirror = FakeRegistry.plain().image("1", image).gate(listing("1"))) {
      mirrors(origin, address(mirror));
      List<String> names = new ArrayList<>();
      images()
          .pull(
              PullRequest.newBuilder()
                  .setRef(origin.ref("1").replaceFirst(":1$", ""))
                  .setAllTags(true)
                  .build())
          .forEachRemaining(step -> {
            if (step.hasImage()) {
              names.addAll(step.getImage().getNamesList());
            }
          });
      assertTrue(names.contains(origin.ref("2")), names::toString);
    }
  }

  /** A password that was typed for a registry is not tried where its settings lead to. */
  @Test
  void login_isNotCheckedElsewhere() throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain();
        FakeRegistry other = FakeRegistry.plain()) {
      settings(origin, "server = \"" + address(other) + "\"\n");
      var e =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  images()
                      .checkLogin(
                          CheckLoginRequest.newBuilder()
                              .setRegistry("127.0.0.1:" + origin.port())
                              .setCredentials(
                                  Credentials.newBuilder().setUsername("me").setPassword("pw"))
                              .build()));
      assertTrue(
          String.valueOf(e.getMessage()).contains("to which no login for it is told"),
          e.getMessage());
      assertEquals(List.of(), other.requests(""));
    }
  }

  @Test // case I13
  void settingsOfAllOthers_holdForRegistriesWithoutAFile() throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image);
        FakeRegistry mirror = FakeRegistry.plain().image("1", image)) {
      Path folder = Files.createDirectories(service.folder().resolve("hosts/_default"));
      Path file = folder.resolve("hosts.toml");
      Files.writeString(file, "username = \"u\"\n");
      var e = assertThrows(StatusRuntimeException.class, () -> pull(origin));
      assertTrue(String.valueOf(e.getMessage()).contains("told to every registry"), e.getMessage());
      Files.writeString(file, "[host.\"" + address(mirror) + "\"]\n");
      assertEquals(image.config().digest(), pull(origin).getId());
      assertEquals(List.of(), origin.requests(""));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mirrors = \"x\"",
        "mirrors = [\"ftp://x\"]",
        "mirrors = [\"http://u:p@x\"]",
        "mirror = []",
        "ca = \"\"",
        "skip_verify = \"yes\"",
        "capabilities = [\"fly\"]",
        "client = [[\"a\", \"b\", \"c\"]]",
        "header = {Host = \"x\"}",
        "header = {X = \"a\\nb\"}",
        "server = \"http://u:p@x\"",
        "[host.\"http://x\"]\nmirrors = []",
        "host = \"x\"",
        "host = {\"http://x\" = 1}",
        "header = \"x\"",
        "client = 1",
        "= ="
      })
  void settingsThatMakeNoSense_areToldWithTheirFile(String text) throws Exception {
    try (FakeRegistry origin = FakeRegistry.plain().image("1", image)) {
      settings(origin, text);
      var e = assertThrows(StatusRuntimeException.class, () -> pull(origin));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith("FAILED_PRECONDITION: read registry settings `"), message);
      assertTrue(message.contains(origin.port() + ".toml"), message);
      assertEquals(List.of(), origin.requests(""));
    }
  }

  @Test
  void loginIsCheckedByTheTokenService() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain()) {
      String right =
          "Basic " + Base64.getEncoder().encodeToString("me:pw".getBytes(StandardCharsets.UTF_8));
      registry.gate((exchange, _) -> {
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        if (exchange.getRequestURI().getPath().equals("/token")) {
          boolean known = right.equals(authorization);
          byte[] body = "{\"token\":\"t1\"}".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(known ? 200 : 401, known ? body.length : -1);
          if (known) {
            exchange.getResponseBody().write(body);
          }
        } else if ("Bearer t1".equals(authorization)) {
          exchange.sendResponseHeaders(200, -1);
        } else {
          exchange
              .getResponseHeaders()
              .add(
                  "WWW-Authenticate",
                  "Bearer realm=\"" + address(registry) + "/token\",service=\"s\"");
          exchange.sendResponseHeaders(401, -1);
        }
        return true;
      });
      CheckLoginRequest.Builder login =
          CheckLoginRequest.newBuilder().setRegistry("127.0.0.1:" + registry.port());
      var _ = images().checkLogin(login.setCredentials(of("me", "pw")).build());
      var e =
          assertThrows(
              StatusRuntimeException.class,
              () -> images().checkLogin(login.setCredentials(of("me", "no")).build()));
      assertTrue(String.valueOf(e.getMessage()).startsWith("UNAUTHENTICATED: log in to `"));
      assertTrue(String.valueOf(e.getMessage()).contains("401"), e.getMessage());
    }
  }

  private static Credentials of(String user, String password) {
    return Credentials.newBuilder().setUsername(user).setPassword(password).build();
  }
}
