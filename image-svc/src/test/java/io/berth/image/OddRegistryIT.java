package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import io.berth.api.berth.image.v1.Credentials;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.PushRequest;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.image.v1.TagRequest;
import io.berth.base.id.Digest;
import io.berth.base.rpc.UnixChannel;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.Index;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import io.berth.oci.image.Platform;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Answers that registries give now and then, and that no registry of Debian's can be made to. */
@Tag("root")
final class OddRegistryIT {
  @RegisterExtension final ServiceExtension service = new ServiceExtension();
  private Archives.Image image;

  @BeforeEach
  void make() throws Exception {
    image = Archives.image("sh", StreamedPullIT.noise(1));
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return UnixChannel.in(ImagesGrpc.newBlockingStub(service.channel()), "default", null);
  }

  private List<Progress> pull(PullRequest.Builder request) {
    List<Progress> steps = new ArrayList<>();
    images()
        .pull(
            request
                .setCredentials(Credentials.newBuilder().setUsername("me").setPassword("pw"))
                .build())
        .forEachRemaining(steps::add);
    return steps;
  }

  private Progress pull(FakeRegistry registry) {
    return pull(PullRequest.newBuilder().setRef(registry.ref("1"))).getLast();
  }

  private void push(String ref) {
    images().push(PushRequest.newBuilder().setRef(ref).build()).forEachRemaining(_ -> {});
  }

  private static boolean answer(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
    return true;
  }

  /** A gate that gives one answer to the first request that fits, and lets the others through. */
  private static FakeRegistry.Answer once(String part, FakeRegistry.Answer odd) {
    AtomicInteger asked = new AtomicInteger();
    return (exchange, blob) ->
        (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()).contains(part)
            && asked.getAndIncrement() == 0
            && odd.to(exchange, blob);
  }

  @Test // case I9
  void busyRegistry_isWaitedFor() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.gate(
          once(
              "/manifests/1",
              (exchange, _) -> {
                exchange.getResponseHeaders().add("Retry-After", "1");
                return answer(exchange, 429);
              }));
      assertEquals("done", pull(registry).getStatus());
      assertEquals(2, registry.requests("/manifests/1").size());
    }
  }

  @Test // case I9
  void busyForAnHour_isToldAtOnce() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.gate((exchange, _) -> {
        exchange.getResponseHeaders().add("Retry-After", "3600");
        return answer(exchange, 429);
      });
      var e = assertThrows(StatusRuntimeException.class, () -> pull(registry));
      assertTrue(String.valueOf(e.getMessage()).contains("answered 429"), e.getMessage());
      assertEquals(1, registry.requests("/manifests/1").size());
    }
  }

  /** Takes everything that is pushed. */
  static FakeRegistry.Answer taking(int taken) {
    return (exchange, _) -> {
      var _ = exchange.getRequestBody().readAllBytes();
      return switch (exchange.getRequestMethod()) {
        case "POST" -> {
          exchange.getResponseHeaders().add("Location", "/v2/x/blobs/uploads/1");
          yield answer(exchange, 202);
        }
        case "PUT" -> answer(exchange, taken);
        case "HEAD" -> answer(exchange, 404);
        default -> false;
      };
    };
  }

  @Test // cases I9, I16
  void push_isRepeatedForAManifestToo_andTakesEverySuccess() throws Exception {
    LoadAndPrepareIT.load(service, Archives.oci(image, "app:1"), "");
    try (FakeRegistry registry = FakeRegistry.plain()) {
      FakeRegistry.Answer busy =
          once("PUT /v2/x/manifests/1", (exchange, _) -> answer(exchange, 503));
      FakeRegistry.Answer takes = taking(200);
      registry.gate((exchange, blob) -> busy.to(exchange, blob) || takes.to(exchange, blob));
      images().tag(TagRequest.newBuilder().setRef("app:1").setName(registry.ref("1")).build());
      push(registry.ref("1"));
      assertEquals(2, registry.requests("PUT /v2/x/manifests/1").size());
    }
  }

  @Test // case I9
  void brokenLayer_whoseRangeIsRefusedOrWidened_isGoneOnWith() throws Exception {
    String layer = FakeRegistry.layer(image, 0);
    for (boolean refused : List.of(true, false)) {
      service.stop();
      service.start();
      AtomicInteger asked = new AtomicInteger();
      try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
        registry.whenAsked(
            layer,
            (exchange, blob) -> {
              boolean ranged = exchange.getRequestHeaders().getFirst("Range") != null;
              if (asked.getAndIncrement() == 0) {
                return FakeRegistry.breakOff(exchange, blob, blob.length / 2);
              }
              if (ranged && refused) {
                return answer(exchange, 416);
              }
              if (ranged) {
                exchange
                    .getResponseHeaders()
                    .add("Content-Range", "bytes 0-" + (blob.length - 1) + "/" + blob.length);
                exchange.sendResponseHeaders(206, blob.length);
                exchange.getResponseBody().write(blob);
                return true;
              }
              return false;
            });
        assertEquals("done", pull(registry).getStatus(), "refused: " + refused);
        images()
            .remove(
                io.berth.api.berth.image.v1.RemoveRequest.newBuilder()
                    .setRef(registry.ref("1"))
                    .setForce(true)
                    .build());
      }
    }
  }

  private static FakeRegistry.Answer login(String token, List<String> challenges) {
    return (exchange, _) -> {
      if (exchange.getRequestURI().getPath().equals("/token")) {
        byte[] answer = token.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, answer.length);
        exchange.getResponseBody().write(answer);
        return true;
      }
      if ("Bearer T".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
        return false;
      }
      String host = exchange.getRequestHeaders().getFirst("Host");
      for (String challenge : challenges) {
        exchange
            .getResponseHeaders()
            .add("WWW-Authenticate", challenge.replace("@", "http://" + host + "/token"));
      }
      return answer(exchange, 401);
    };
  }

  @Test // case I10
  void severalChallenges_theFirstThatCanBeAnsweredIs() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.gate(
          login(
              "{\"token\":\"\",\"access_token\":\"T\"}",
              List.of("Negotiate", "NTLM", "Bearer realm=\"@\",service=\"s\"")));
      assertEquals("done", pull(registry).getStatus());
    }
  }

  @Test // case I10
  void loginBehindARedirect_isAnswered() throws Exception {
    try (FakeRegistry other = FakeRegistry.plain().image("1", image);
        FakeRegistry registry = FakeRegistry.plain()) {
      other.gate(login("{\"token\":\"T\"}", List.of("Bearer realm=\"@\"")));
      registry.gate((exchange, _) -> {
        exchange
            .getResponseHeaders()
            .add(
                "Location",
                "http://127.0.0.1:" + other.port() + exchange.getRequestURI().getPath());
        return answer(exchange, 307);
      });
      assertEquals("done", pull(registry).getStatus());
    }
  }

  @Test // case I11
  void allTags_ofAllPages_andTheOthersGoOnWhenOneFails() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain()) {
      registry.image("a", image).image("c", image);
      registry.gate((exchange, _) -> {
        if (!exchange.getRequestURI().getPath().endsWith("/tags/list")) {
          return false;
        }
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        String tag = query.contains("last=b") ? "c" : query.contains("last=a") ? "b" : "a";
        if (!tag.equals("c")) {
          exchange
              .getResponseHeaders()
              .add("Link", "</v2/x/tags/list?last=" + tag + "&n=1>; rel=\"next\"");
        }
        byte[] page = ("{\"tags\":[\"" + tag + "\"]}").getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, page.length);
        exchange.getResponseBody().write(page);
        return true;
      });
      List<Progress> steps = new ArrayList<>();
      var answers =
          images()
              .pull(PullRequest.newBuilder().setRef(registry.ref("a")).setAllTags(true).build());
      var e =
          assertThrows(StatusRuntimeException.class, () -> answers.forEachRemaining(steps::add));
      assertTrue(String.valueOf(e.getMessage()).contains("1 of 3 tags failed"), e.getMessage());
      assertEquals(2, steps.stream().filter(Progress::hasImage).count());
      assertEquals(1, steps.stream().filter(step -> step.getStatus().equals("failed")).count());
      assertEquals(
          1,
          images()
              .resolve(ResolveRequest.newBuilder().setRef(registry.ref("c")).build())
              .getNamesList()
              .stream()
              .filter(name -> name.endsWith(":c"))
              .count());
    }
  }

  @Test // cases I2, I16
  void indexInAnIndex_withoutContentTypes_isPulledAndPushedWhole() throws Exception {
    Descriptor manifest = image.manifest().on(Platform.host());
    byte[] inner = Index.of(List.of(manifest)).bytes();
    Descriptor nested = Descriptor.of(MediaTypes.OCI_INDEX, inner).on(Platform.host());
    byte[] outer = Index.of(List.of(nested)).bytes();
    try (FakeRegistry registry = FakeRegistry.plain().image("x", image)) {
      registry.manifest(nested.digest(), "application/json", inner);
      registry.manifest("1", "application/octet-stream", outer);
      Progress done = pull(registry);
      assertEquals(Digest.sha256(outer).toString(), done.getMessage());
      registry.gate(taking(201));
      push(registry.ref("1"));
      List<String> puts = registry.requests("PUT /v2/x/manifests/");
      assertEquals(
          List.of(manifest.digest(), nested.digest(), "1"),
          puts.stream().map(put -> put.replaceAll(".*/manifests/(\\S+) .*", "$1")).toList());
      // Of one platform alone, its manifest gets the name.
      images()
          .push(
              PushRequest.newBuilder()
                  .setRef(registry.ref("1"))
                  .setPlatform(Platform.host().toString())
                  .build())
          .forEachRemaining(_ -> {});
      assertEquals(4, registry.requests("PUT /v2/x/manifests/").size());
    }
  }

  @Test // case I16
  void manifestBySha512_isPulled() throws Exception {
    byte[] bytes = Objects.requireNonNull(image.blobs().get(image.manifest().digest()));
    String digest =
        "sha512:"
            + java.util.HexFormat.of()
                .formatHex(java.security.MessageDigest.getInstance("SHA-512").digest(bytes));
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      registry.manifest(digest, image.manifest().mediaType(), bytes);
      String ref = "127.0.0.1:" + registry.port() + "/x@" + digest;
      Progress done = pull(PullRequest.newBuilder().setRef(ref)).getLast();
      assertEquals(digest, done.getMessage());
    }
  }

  @Test // case I16
  void pushToTheRepositoryBeside_asksForWhatIsThere() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain().image("1", image)) {
      pull(registry);
      List<String> posts = new ArrayList<>();
      registry.gate((exchange, blob) -> {
        if (exchange.getRequestMethod().equals("POST")) {
          posts.add(exchange.getRequestURI().getQuery());
          return answer(exchange, 201);
        }
        return taking(201).to(exchange, blob);
      });
      String beside = "127.0.0.1:" + registry.port() + "/y:1";
      images().tag(TagRequest.newBuilder().setRef(registry.ref("1")).setName(beside).build());
      push(beside);
      assertEquals(2, posts.size());
      assertTrue(posts.stream().allMatch(post -> post.endsWith("&from=x")), posts::toString);
      assertEquals(0, registry.requests("PUT /v2/y/blobs").size());
    }
  }

  /** An image whose only layer is handed out elsewhere, as its descriptor says. */
  private Archives.Image foreign(String... urls) throws IOException {
    Manifest own =
        Manifest.read(
            Objects.requireNonNull(image.blobs().get(image.manifest().digest())), "manifest");
    Descriptor layer = own.layers().getFirst();
    Descriptor elsewhere =
        new Descriptor(
            MediaTypes.OCI_LAYER_FOREIGN + "+gzip",
            layer.digest(),
            layer.size(),
            null,
            Map.of(),
            null,
            List.of(urls));
    byte[] manifest = Manifest.of(own.config(), List.of(elsewhere)).bytes();
    Descriptor descriptor = Descriptor.of(MediaTypes.OCI_MANIFEST, manifest);
    Map<String, byte[]> blobs =
        new HashMap<>(
            Map.of(
                own.config().digest(),
                Objects.requireNonNull(image.blobs().get(own.config().digest())),
                descriptor.digest(),
                manifest));
    return new Archives.Image(blobs, descriptor, own.config(), image.diffIds());
  }

  @Test // case I16
  void layerThatOthersHandOut_isFetchedThereAsNobody_andNotPushed() throws Exception {
    List<String> authorizations = new ArrayList<>();
    try (FakeRegistry other = FakeRegistry.plain().image("1", image);
        FakeRegistry registry = FakeRegistry.plain()) {
      String layer = FakeRegistry.layer(image, 0);
      other.gate((exchange, _) -> {
        authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
        return false;
      });
      registry.image(
          "1",
          foreign(
              "ftp://127.0.0.1/" + layer,
              "http://127.0.0.1:" + other.port() + "/gone",
              "http://127.0.0.1:" + other.port() + "/files/" + layer));
      assertEquals(image.config().digest(), pull(registry).getImage().getId());
      assertEquals(List.of("null"), authorizations.stream().distinct().toList());
      registry.gate(taking(201));
      push(registry.ref("1"));
      assertEquals(0, registry.requests("HEAD /v2/x/blobs/" + layer).size());
      assertEquals(1, registry.requests("PUT /v2/x/manifests/1").size());
    }
  }

  @Test // case I16
  void layerThatNobodyHandsOut_isToldAsMissing() throws Exception {
    try (FakeRegistry registry = FakeRegistry.plain()) {
      registry.image("1", foreign("http://127.0.0.1:" + registry.port() + "/gone"));
      var e = assertThrows(StatusRuntimeException.class, () -> pull(registry));
      assertTrue(
          String.valueOf(e.getMessage())
              .startsWith("NOT_FOUND: fetch layer " + FakeRegistry.layer(image, 0)),
          e.getMessage());
    }
  }

  @Test
  void pushOfAllTags_sendsTheNamesOfTheRepositoryAlone() throws Exception {
    LoadAndPrepareIT.load(service, Archives.oci(image, "app:1"), "");
    try (FakeRegistry registry = FakeRegistry.plain().gate(taking(201))) {
      String domain = "127.0.0.1:" + registry.port();
      for (String name : List.of("/x:1", "/x:2", "/xx:1", "/x/y:1")) {
        images().tag(TagRequest.newBuilder().setRef("app:1").setName(domain + name).build());
      }
      List<Progress> steps = new ArrayList<>();
      images()
          .push(PushRequest.newBuilder().setRef(domain + "/x").setAllTags(true).build())
          .forEachRemaining(steps::add);
      assertEquals(
          List.of("PUT /v2/x/manifests/1 null", "PUT /v2/x/manifests/2 null"),
          registry.requests("/manifests/"));
      assertEquals(
          2,
          steps.stream()
              .filter(step -> step.getMessage().equals(image.manifest().digest()))
              .count());
      var e =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  images()
                      .push(PushRequest.newBuilder().setRef(domain + "/z").setAllTags(true).build())
                      .forEachRemaining(_ -> {}));
      assertTrue(
          String.valueOf(e.getMessage()).startsWith("NOT_FOUND: push `" + domain + "/z"),
          e.getMessage());
    }
  }
}
