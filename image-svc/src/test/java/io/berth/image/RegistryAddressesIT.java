package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.base.id.Digest;
import io.berth.base.rpc.UnixChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The addresses that a registry's answers name: uploads, redirects, token services. Two ports of
 * the loopback are two origins.
 */
@Tag("root")
final class RegistryAddressesIT {
  private static final String BASIC =
      "Basic " + Base64.getEncoder().encodeToString("me:pw".getBytes(StandardCharsets.UTF_8));

  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  @TempDir Path folder;
  private Archives.Image image;

  @BeforeEach
  void load() throws Exception {
    image = Archives.image("sh", StreamedPullIT.noise(1));
    LoadAndPrepareIT.load(service, Archives.oci(image, "app:1"), "");
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private static Credentials credentials() {
    return Credentials.newBuilder().setUsername("me").setPassword("pw").build();
  }

  private void push(FakeRegistry registry) {
    images().tag(TagRequest.newBuilder().setRef("app:1").setName(registry.ref("1")).build());
    images()
        .push(
            PushRequest.newBuilder()
                .setRef(registry.ref("1"))
                .setCredentials(credentials())
                .build())
        .forEachRemaining(_ -> {});
  }

  private Progress pull(String ref) {
    List<Progress> steps = new ArrayList<>();
    images()
        .pull(
            PullRequest.newBuilder()
                .setRef(ref)
                .setCredentials(credentials())
                .setInsecureTls(true)
                .build())
        .forEachRemaining(steps::add);
    return steps.getLast();
  }

  private static String refused(Runnable call) {
    var e = assertThrows(StatusRuntimeException.class, call::run);
    String message = String.valueOf(e.getMessage());
    assertFalse(message.contains("\n"), message);
    return message;
  }

  /** What a host was asked, and with which credentials. */
  private static final class Heard {
    final List<String> authorizations = new CopyOnWriteArrayList<>();
    final Set<String> taken = ConcurrentHashMap.newKeySet();

    void hear(HttpExchange exchange) {
      authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
    }
  }

  private static boolean answer(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
    return true;
  }

  private static boolean lead(HttpExchange exchange, int status, String location)
      throws IOException {
    exchange.getResponseHeaders().add("Location", location);
    return answer(exchange, status);
  }

  /** Whether the request carries a login; one that does not is told how to log in. */
  private static boolean isMe(HttpExchange exchange, String challenge) {
    boolean me = BASIC.equals(exchange.getRequestHeaders().getFirst("Authorization"));
    if (!me) {
      exchange.getResponseHeaders().add("WWW-Authenticate", challenge);
    }
    return me;
  }

  /** Takes what is uploaded. */
  private static boolean take(HttpExchange exchange, Heard heard) throws IOException {
    heard.hear(exchange);
    heard.taken.add(Digest.sha256(exchange.getRequestBody().readAllBytes()).toString());
    return answer(exchange, 201);
  }

  /** A registry with a login, whose uploads go to the address that a test says. */
  private static FakeRegistry.Answer uploadsTo(String location, Heard heard) {
    return (exchange, _) -> {
      String path = exchange.getRequestURI().getPath();
      if (!isMe(exchange, "Basic realm=\"x\"")) {
        return answer(exchange, 401);
      }
      return switch (exchange.getRequestMethod()) {
        case "POST" -> lead(exchange, 202, location);
        case "PUT" ->
            (path.contains("/manifests/") || path.startsWith("/v2/x/blobs/uploads/"))
                ? take(exchange, heard)
                : answer(exchange, 404);
        default -> answer(exchange, 404);
      };
    };
  }

  /** The login of one host is not for another. */
  @Test // case S3
  void uploadAtAnotherHost_goesThereWithoutTheLogin() throws Exception {
    Heard own = new Heard();
    Heard other = new Heard();
    try (FakeRegistry registry = FakeRegistry.plain();
        FakeRegistry storage = FakeRegistry.plain()) {
      storage.gate((exchange, _) -> take(exchange, other));
      registry.gate(uploadsTo("http://127.0.0.1:" + storage.port() + "/put?x=1", own));
      push(registry);
    }
    assertEquals(Set.of("null"), Set.copyOf(other.authorizations));
    assertEquals(Set.of(FakeRegistry.layer(image, 0), image.config().digest()), other.taken);
    assertEquals(Set.of(image.manifest().digest()), own.taken);
    assertEquals(Set.of(BASIC), Set.copyOf(own.authorizations));
  }

  @Test // case S3
  void uploadAtAnotherHostThatWantsALogin_isRefusedWithBothNames() throws Exception {
    Heard other = new Heard();
    try (FakeRegistry registry = FakeRegistry.plain();
        FakeRegistry storage = FakeRegistry.plain()) {
      storage.gate((exchange, _) -> {
        other.hear(exchange);
        exchange.getRequestBody().readAllBytes();
        return isMe(exchange, "Basic realm=\"x\"") ? answer(exchange, 201) : answer(exchange, 401);
      });
      registry.gate(uploadsTo("http://127.0.0.1:" + storage.port() + "/put", new Heard()));
      String message = refused(() -> push(registry));
      assertTrue(message.startsWith("UNAUTHENTICATED: push layer "), message);
      assertTrue(message.contains("127.0.0.1:" + registry.port()), message);
      assertTrue(message.contains("127.0.0.1:" + storage.port()), message);
    }
    assertEquals(Set.of("null"), Set.copyOf(other.authorizations));
  }

  /** A client that has TLS is not led to an address without it, not even without its login. */
  @Test // case S3
  void uploadFromHttpsToHttp_isRefused() throws Exception {
    Heard other = new Heard();
    try (FakeRegistry registry = FakeRegistry.encrypted(folder);
        FakeRegistry storage = FakeRegistry.plain()) {
      storage.gate((exchange, _) -> take(exchange, other));
      registry.gate(uploadsTo("http://127.0.0.1:" + storage.port() + "/put", new Heard()));
      images().tag(TagRequest.newBuilder().setRef("app:1").setName(registry.ref("1")).build());
      PushRequest request =
          PushRequest.newBuilder()
              .setRef("https://" + registry.ref("1"))
              .setCredentials(credentials())
              .setInsecureTls(true)
              .build();
      String message = refused(() -> images().push(request).forEachRemaining(_ -> {}));
      assertTrue(message.startsWith("FAILED_PRECONDITION: push layer "), message);
      assertTrue(message.contains("http://127.0.0.1:" + storage.port()), message);
    }
    assertEquals(List.of(), other.authorizations);
    assertEquals(Set.of(), other.taken);
  }

  /**
   * A name and password in an address were chosen by the server, not by the user, so such an
   * address is refused.
   */
  @Test // case S3
  void addressWithAUserInIt_isRefusedAndNotShown() throws Exception {
    Heard other = new Heard();
    try (FakeRegistry registry = FakeRegistry.plain();
        FakeRegistry storage = FakeRegistry.plain()) {
      storage.gate((exchange, _) -> take(exchange, other));
      registry.gate(uploadsTo("http://u:hidden@127.0.0.1:" + storage.port() + "/put", new Heard()));
      String message = refused(() -> push(registry));
      assertTrue(message.startsWith("FAILED_PRECONDITION: push layer "), message);
      assertFalse(message.contains("hidden"), message);
    }
    assertEquals(Set.of(), other.taken);
  }

  /** A layer that is redirected to another host is fetched there, without the login. */
  @Test // case S3
  void redirectedLayer_isFetchedWithoutTheLogin() throws Exception {
    Archives.Image wanted = Archives.image("other", StreamedPullIT.noise(7));
    String layer = FakeRegistry.layer(wanted, 0);
    Heard other = new Heard();
    try (FakeRegistry storage = FakeRegistry.plain().image("1", wanted);
        FakeRegistry registry = FakeRegistry.plain().image("1", wanted)) {
      storage.gate((exchange, _) -> {
        other.hear(exchange);
        return false;
      });
      registry.gate((exchange, _) -> {
        if (!isMe(exchange, "Basic realm=\"x\"")) {
          return answer(exchange, 401);
        }
        String path = exchange.getRequestURI().getPath();
        return path.endsWith(layer)
            && lead(exchange, 307, "http://127.0.0.1:" + storage.port() + path);
      });
      assertEquals(wanted.config().digest(), pull(registry.ref("1")).getImage().getId());
    }
    assertEquals(List.of("null"), other.authorizations);
  }

  /** A registry with TLS may name a token service without TLS, which is told nothing. */
  @Test // case S3
  void tokenServiceByHttpOfARegistryByHttps_hearsNothing() throws Exception {
    Heard other = new Heard();
    try (FakeRegistry registry = FakeRegistry.encrypted(folder);
        FakeRegistry tokens = FakeRegistry.plain()) {
      tokens.gate((exchange, _) -> {
        other.hear(exchange);
        return answer(exchange, 404);
      });
      registry.gate((exchange, _) -> {
        isMe(exchange, "Bearer realm=\"http://127.0.0.1:" + tokens.port() + "/t\",service=\"s\"");
        return answer(exchange, 401);
      });
      String message = refused(() -> pull("https://" + registry.ref("1")));
      assertTrue(message.startsWith("FAILED_PRECONDITION: fetch manifest of "), message);
    }
    assertEquals(List.of(), other.authorizations);
  }

  /** A relative address belongs to the server that answered, and is resolved as browsers do. */
  @Test // case I12
  void relativeAddressOfAnUpload_isOfWhoAnswered() throws Exception {
    Heard own = new Heard();
    try (FakeRegistry registry = FakeRegistry.plain()) {
      registry.gate(uploadsTo("7?_state=a|b{c}^\"d e", own));
      push(registry);
      assertEquals(List.of(), registry.requests("PUT /v2/x/7"), "beside the address that answered");
    }
    assertEquals(
        Set.of(FakeRegistry.layer(image, 0), image.config().digest(), image.manifest().digest()),
        own.taken);
  }

  /** If uploads are redirected, a relative address belongs to the new place. */
  @Test // case I12
  void redirectedUpload_goesOnWhereItWasRedirectedTo() throws Exception {
    Heard other = new Heard();
    try (FakeRegistry registry = FakeRegistry.plain();
        FakeRegistry storage = FakeRegistry.plain()) {
      storage.gate((exchange, _) ->
          exchange.getRequestMethod().equals("POST")
              ? lead(exchange, 202, "up/1")
              : exchange.getRequestURI().getPath().equals("/moved/up/1")
                  ? take(exchange, other)
                  : answer(exchange, 404));
      registry.gate((exchange, _) -> {
        if (!isMe(exchange, "Basic realm=\"x\"")) {
          return answer(exchange, 401);
        }
        return switch (exchange.getRequestMethod()) {
          case "POST" -> lead(exchange, 307, "http://127.0.0.1:" + storage.port() + "/moved/start");
          case "PUT" -> answer(exchange, 201);
          default -> answer(exchange, 404);
        };
      });
      push(registry);
    }
    assertEquals(Set.of(FakeRegistry.layer(image, 0), image.config().digest()), other.taken);
    assertEquals(Set.of("null"), Set.copyOf(other.authorizations));
  }
}
