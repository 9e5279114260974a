package io.berth.image.registry;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Requests to one registry for one repository: authorised, redirected, with clear errors. A
 * redirect to another host gets no credentials. Thread-safe.
 */
final class HttpExchange {
  private static final int MAX_REDIRECTS = 5;
  private static final int MAX_TEXT = 64 << 10;
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private final HttpClient client;
  private final Access access;
  private final String repository;

  /** Authorization headers by scope, as far as a challenge was answered. */
  private final Map<String, String> authorizations = new ConcurrentHashMap<>();

  /**
   * @param repository path that tokens are asked for
   */
  HttpExchange(HttpClient client, Access access, String repository) {
    this.client = client;
    this.access = access;
    this.repository = repository;
  }

  /**
   * Sends, answers a challenge once, follows redirects. The caller closes the body.
   *
   * @param what the words for an error
   * @param actions that a token is asked for: {@code pull} or {@code pull,push}; empty for none
   */
  HttpResponse<InputStream> send(String what, HttpRequest.Builder builder, String actions)
      throws IOException {
    HttpRequest request = builder.timeout(TIMEOUT).build();
    String host = hostOf(request.uri());
    HttpResponse<InputStream> response = once(what, request, authorizations.get(actions));
    if (response.statusCode() == 401) {
      String header = response.headers().firstValue("WWW-Authenticate").orElse("");
      response.body().close();
      String authorization = authorize(what, header, actions, host);
      authorizations.put(actions, authorization);
      response = once(what, request, authorization);
    }
    for (int i = 0; isRedirect(response.statusCode()) && i < MAX_REDIRECTS; i++) {
      URI target = request.uri().resolve(response.headers().firstValue("Location").orElse(""));
      response.body().close();
      if (request.uri().getScheme().equals("https") && !"https".equals(target.getScheme())) {
        throw new BerthException.FailedPrecondition(
            what
                + ": the registry leads from https to `"
                + target.getScheme()
                + "`, which is refused");
      }
      request = HttpRequest.newBuilder(request, (_, _) -> true).uri(target).build();
      response =
          once(what, request, hostOf(target).equals(host) ? authorizations.get(actions) : null);
    }
    return response;
  }

  private static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  private static String hostOf(URI uri) {
    return (uri.getHost() + ":" + uri.getPort()).toLowerCase(Locale.ROOT);
  }

  private HttpResponse<InputStream> once(
      String what, HttpRequest request, @Nullable String authorization) throws IOException {
    HttpRequest sent =
        authorization == null
            ? request
            : HttpRequest.newBuilder(request, (_, _) -> true)
                .header("Authorization", authorization)
                .build();
    try {
      return client.send(sent, HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled(what + ": interrupted", e);
    } catch (IllegalArgumentException e) {
      throw new BerthException.InvalidArgument(what + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new IOException(what + ": " + describe(request.uri(), e), e);
    }
  }

  private static String describe(URI uri, IOException e) {
    String at = uri.getScheme() + "://" + uri.getAuthority();
    String text = words(e);
    if (text.contains("Unsupported or unrecognized SSL message")
        || text.contains("plaintext connection")) {
      return at + " speaks no TLS; list it in `image.insecure_registries`, or ask for plain HTTP";
    }
    return "connect to " + at + ": " + text.replace('\n', ' ');
  }

  /** The client's failures to connect often have no words of their own. */
  private static String words(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException) {
        return "this name has no address";
      }
      if (cause.getMessage() != null) {
        return cause.getMessage();
      }
    }
    return e instanceof ConnectException ? "connection refused" : e.getClass().getSimpleName();
  }

  private String authorize(String what, String header, String actions, String host)
      throws IOException {
    if (!access.credentials().registryToken().isEmpty()) {
      return "Bearer " + access.credentials().registryToken();
    }
    Challenge challenge = Challenge.of(header);
    if (challenge == null) {
      throw new BerthException.Unauthenticated(
          what + ": the registry wants a login, and does not say how");
    }
    if (challenge.scheme().equals("basic")) {
      if (access.credentials().username().isEmpty()) {
        throw new BerthException.Unauthenticated(
            what + ": the registry at " + host + " wants a login");
      }
      return basic();
    }
    if (!challenge.scheme().equals("bearer")) {
      throw new BerthException.Unauthenticated(
          what
              + ": the registry wants authorisation by `"
              + challenge.scheme()
              + "`, which is not supported");
    }
    return "Bearer " + token(what, challenge, actions);
  }

  private String basic() {
    String pair = access.credentials().username() + ":" + access.credentials().password();
    return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  private String token(String what, Challenge challenge, String actions) throws IOException {
    URI realm;
    try {
      realm = URI.create(challenge.parameter("realm"));
    } catch (IllegalArgumentException e) {
      throw new BerthException.Unauthenticated(
          what + ": the registry names no usable token service", e);
    }
    boolean http = "http".equals(realm.getScheme());
    if (!http && !"https".equals(realm.getScheme())) {
      throw new BerthException.Unauthenticated(
          what + ": the registry names `" + realm + "` as token service, which is no HTTP address");
    }
    if (http && !access.plainHttp()) {
      throw new BerthException.Unauthenticated(
          what + ": the registry asks for credentials over plain HTTP, which is refused");
    }
    String scope = challenge.parameter("scope");
    String asked =
        !actions.isEmpty() && (scope.isEmpty() || actions.contains("push"))
            ? "repository:" + repository + ":" + actions
            : scope;
    HttpRequest request =
        access.credentials().identityToken().isEmpty()
            ? byGet(realm, challenge, asked)
            : byPost(realm, challenge, asked);
    HttpResponse<InputStream> response = once(what, request, null);
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        throw refusal(what + ": ask " + realm.getHost() + " for a token", response, body);
      }
      JsonNode answer = Json.tree(body.readNBytes(MAX_TEXT), "token of " + realm.getHost());
      String token = answer.path("token").asText(answer.path("access_token").asText(""));
      if (token.isEmpty()) {
        throw new BerthException.Unauthenticated(
            what + ": " + realm.getHost() + " answered without a token");
      }
      return token;
    }
  }

  private HttpRequest byGet(URI realm, Challenge challenge, String scope) {
    String query =
        "service="
            + encoded(challenge.parameter("service"))
            + (scope.isEmpty() ? "" : "&scope=" + encoded(scope))
            + (access.credentials().username().isEmpty()
                ? ""
                : "&account=" + encoded(access.credentials().username()));
    URI uri = URI.create(realm + (realm.getRawQuery() == null ? "?" : "&") + query);
    HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(TIMEOUT).GET();
    if (!access.credentials().username().isEmpty()) {
      request.header("Authorization", basic());
    }
    return request.build();
  }

  private HttpRequest byPost(URI realm, Challenge challenge, String scope) {
    String form =
        "grant_type=refresh_token&client_id=berth&service="
            + encoded(challenge.parameter("service"))
            + "&scope="
            + encoded(scope)
            + "&refresh_token="
            + encoded(access.credentials().identityToken());
    return HttpRequest.newBuilder(realm)
        .timeout(TIMEOUT)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofString(form))
        .build();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /** The error that an answer means, with the registry's own words. */
  BerthException refusal(String what, HttpResponse<InputStream> response, InputStream body) {
    int status = response.statusCode();
    String text = what + ": the registry answered " + status + words(body);
    return switch (status) {
      case 401 -> new BerthException.Unauthenticated(text + "; log in with other credentials");
      case 403 -> new BerthException.PermissionDenied(text);
      case 404 -> new BerthException.NotFound(text);
      case 416 -> new BerthException.OutOfRange(text);
      case 429 -> new BerthException.ResourceExhausted(text + "; try again later");
      case 408, 500, 502, 503, 504 -> new BerthException.Unavailable(text);
      default -> new BerthException.Unknown(text);
    };
  }

  private static String words(InputStream body) {
    try {
      JsonNode errors = Json.tree(body.readNBytes(MAX_TEXT), "error").path("errors");
      String words = errors.path(0).path("message").asText(errors.path(0).path("code").asText(""));
      return words.isEmpty()
          ? ""
          : " ("
              + (words.length() > 200 ? words.substring(0, 200) : words).replace('\n', ' ')
              + ")";
    } catch (IOException | BerthException e) {
      return "";
    }
  }
}
