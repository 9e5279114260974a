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
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * Requests to one registry for one repository: authorised, redirected, with clear errors. Wherever
 * its answers lead, another host gets no credentials. Thread-safe.
 */
final class HttpExchange {
  private static final int MAX_REDIRECTS = 5;
  private static final int MAX_TEXT = 64 << 10;

  private final HttpClient client;
  private final SilenceLimit silence;
  private final Access access;
  private final Address.Origin registry;
  private final String repository;

  /** The authorizations by what they are for, as far as a challenge was answered. */
  private final Map<Purpose, Authorization> authorizations = new ConcurrentHashMap<>();

  private record Purpose(Address.Origin origin, String actions) {}

  /**
   * @param registry whom the access is for
   * @param repository path that tokens are asked for
   */
  HttpExchange(HttpClients clients, Access access, Address.Origin registry, String repository) {
    this.client = clients.of(access);
    this.silence = clients.silence();
    this.access = access;
    this.registry = registry;
    this.repository = repository;
  }

  /** Adds what is asked of an address: the method, headers, content. */
  interface Ask extends UnaryOperator<HttpRequest.Builder> {}

  /**
   * Sends a request, answers the registry's challenge once, and follows redirects. The caller
   * closes the body.
   *
   * @param what the words for an error
   * @param actions that a token is asked for: {@code pull} or {@code pull,push}; empty for none
   */
  HttpResponse<InputStream> send(String what, Address to, Ask ask, String actions)
      throws IOException {
    Address at = to;
    Set<Address.Origin> challenged = new HashSet<>();
    int redirects = 0;
    while (true) {
      Purpose purpose = new Purpose(at.origin(), actions);
      HttpResponse<InputStream> response = once(what, at, ask, authorizations.get(purpose));
      if (response.statusCode() == 401 && challenged.add(at.origin())) {
        List<String> offers = response.headers().allValues("WWW-Authenticate");
        response.body().close();
        authorizations.put(purpose, authorize(what, Challenge.all(offers), actions, at));
      } else if (isRedirect(response.statusCode()) && redirects++ < MAX_REDIRECTS) {
        response.body().close();
        at = at.led(what, response.headers().firstValue("Location").orElse(""));
      } else if (response.statusCode() == 401 && !at.origin().equals(registry)) {
        response.body().close();
        throw elsewhere(what, at);
      } else {
        return response;
      }
    }
  }

  private BerthException elsewhere(String what, Address at) {
    return new BerthException.Unauthenticated(
        what
            + ": "
            + registry
            + " leads to "
            + at.origin()
            + ", which wants a login; the one for the registry goes nowhere else");
  }

  private static boolean isRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }

  private HttpResponse<InputStream> once(
      String what, Address to, Ask ask, @Nullable Authorization authorization) throws IOException {
    HttpRequest.Builder builder = ask.apply(to.request());
    URI proxy = proxyFor(to);
    if (proxy != null && proxy.getUserInfo() != null) {
      builder.header("Proxy-Authorization", "Basic " + base64(proxy.getUserInfo()));
    }
    try {
      if (to.origin().equals(registry)) {
        access.headers().forEach((name, values) -> add(builder, name, values));
      }
      // The answer to a challenge takes the place of what the settings say, if both are there.
      if (authorization != null) {
        authorization.to(to, builder);
      }
      HttpResponse<InputStream> response = silence.send(client, builder.build());
      if (proxy != null && response.statusCode() == 407) {
        throw refusedBy(proxy, what, to, response);
      }
      if (TryLater.isMeantBy(response)) {
        try (InputStream body = response.body()) {
          throw new TryLater(refusal(what, response, body), TryLater.pause(response));
        }
      }
      return response;
    } catch (TryLater e) {
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled(what + ": interrupted", e);
    } catch (IllegalArgumentException e) {
      throw new BerthException.InvalidArgument(what + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new IOException(what + ": " + describe(to.origin(), proxy, e), e);
    }
  }

  private static BerthException refusedBy(
      URI proxy, String what, Address to, HttpResponse<InputStream> response) throws IOException {
    // An answer to the wish for a tunnel comes without a body.
    @Nullable InputStream body = response.body();
    if (body != null) {
      body.close();
    }
    return new BerthException.Unauthenticated(
        what
            + ": "
            + through(proxy, to.origin())
            + (proxy.getUserInfo() == null
                ? "the proxy wants a login; put it into the proxy's address as `NAME:PASSWORD@`"
                : "the proxy refuses the login in its address"));
  }

  private @Nullable URI proxyFor(Address to) {
    Address.Origin at = to.origin();
    return access.proxies().proxyFor(at.scheme(), at.host(), at.port());
  }

  private static void add(HttpRequest.Builder request, String name, List<String> values) {
    values.forEach(value -> request.header(name, value));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String describe(Address.Origin at, @Nullable URI proxy, IOException e) {
    if (proxy != null) {
      return through(proxy, at) + words(e).replace('\n', ' ');
    }
    if (isTlsFailure(e) && TlsProbe.answersWithoutTls(at.host(), at.port())) {
      return at + " speaks no TLS; list it in `image.insecure_registries`, or ask for plain HTTP";
    }
    return "connect to " + at + ": " + words(e).replace('\n', ' ');
  }

  private static String through(URI proxy, Address.Origin to) {
    return "connect to "
        + to
        + " through the proxy "
        + proxy.getHost()
        + (proxy.getPort() < 0 ? "" : ":" + proxy.getPort())
        + ": ";
  }

  /**
   * Whether TLS failed before the handshake: a failed handshake, such as for a certificate that
   * nobody vouches for, has found somebody on the other side who speaks TLS.
   */
  private static boolean isTlsFailure(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SSLException) {
        return !(cause instanceof SSLHandshakeException);
      }
    }
    return false;
  }

  /** Words for a failure. The client's failures to connect often have none of their own. */
  private static String words(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException) {
        return "this name has no address: no server in /etc/resolv.conf knows it, or none answers";
      }
      if (cause.getMessage() != null) {
        return cause.getMessage();
      }
    }
    return e instanceof ConnectException ? "connection refused" : e.getClass().getSimpleName();
  }

  /**
   * Answers the first challenge that can be answered with what the caller has. A host that the
   * registry leads to is asked as nobody.
   */
  private Authorization authorize(String what, List<Challenge> offers, String actions, Address at)
      throws IOException {
    boolean own = at.origin().equals(registry);
    Access.Credentials who = own ? access.credentials() : Access.Credentials.NONE;
    if (!who.registryToken().isEmpty()) {
      return new Authorization(registry, "Bearer " + who.registryToken());
    }
    for (Challenge offer : offers) {
      if (offer.scheme().equals("basic") && !who.username().isEmpty()) {
        return new Authorization(registry, basic());
      }
      if (offer.scheme().equals("bearer") && !offer.parameter("realm").isEmpty()) {
        return new Authorization(at.origin(), "Bearer " + token(what, offer, actions, at, who));
      }
    }
    if (!own) {
      throw elsewhere(what, at);
    }
    throw new BerthException.Unauthenticated(what + ": " + unanswered(offers));
  }

  /** Why none of the challenges can be answered. */
  private String unanswered(List<Challenge> offers) {
    List<String> schemes = offers.stream().map(Challenge::scheme).distinct().toList();
    if (schemes.isEmpty()) {
      return "the registry wants a login, and does not say how";
    }
    if (schemes.contains("basic")) {
      return "the registry at " + registry + " wants a login";
    }
    return schemes.contains("bearer")
        ? "the registry names no token service"
        : "the registry wants authorisation by `"
            + String.join("`, `", schemes)
            + "`, which is not supported";
  }

  private String basic() {
    return "Basic "
        + base64(access.credentials().username() + ":" + access.credentials().password());
  }

  /**
   * Asks a token service for a token. It is told who asks wherever it is, for the registry names
   * it: so the token protocol wants it, and so docker does it. But it is not asked without TLS if
   * the registry is asked with TLS.
   */
  private String token(
      String what, Challenge challenge, String actions, Address at, Access.Credentials who)
      throws IOException {
    Address realm = at.led(what, challenge.parameter("realm"));
    String host = realm.origin().host();
    String scope = challenge.parameter("scope");
    String asked =
        !actions.isEmpty() && (scope.isEmpty() || actions.contains("push"))
            ? "repository:" + repository + ":" + actions
            : scope;
    HttpResponse<InputStream> response =
        who.identityToken().isEmpty()
            ? byGet(what, realm, challenge, asked, who)
            : byPost(what, realm, challenge, asked);
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        throw refusal(what + ": ask " + host + " for a token", response, body);
      }
      JsonNode answer = Json.tree(silence.read(body, MAX_TEXT), "token of " + host);
      String token = answer.path("token").asText("");
      if (token.isEmpty()) {
        token = answer.path("access_token").asText("");
      }
      if (token.isEmpty()) {
        throw new BerthException.Unauthenticated(what + ": " + host + " answered without a token");
      }
      return token;
    }
  }

  private HttpResponse<InputStream> byGet(
      String what, Address realm, Challenge challenge, String scope, Access.Credentials who)
      throws IOException {
    String query =
        "service="
            + encoded(challenge.parameter("service"))
            + (scope.isEmpty() ? "" : "&scope=" + encoded(scope))
            + (who.username().isEmpty() ? "" : "&account=" + encoded(who.username()));
    return once(
        what,
        realm.with(query),
        HttpRequest.Builder::GET,
        who.username().isEmpty() ? null : new Authorization(realm.origin(), basic()));
  }

  private HttpResponse<InputStream> byPost(
      String what, Address realm, Challenge challenge, String scope) throws IOException {
    String form =
        "grant_type=refresh_token&client_id=berth&service="
            + encoded(challenge.parameter("service"))
            + "&scope="
            + encoded(scope)
            + "&refresh_token="
            + encoded(access.credentials().identityToken());
    return once(
        what,
        realm,
        request ->
            request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form)),
        null);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /** Reads an answer up to a bound, as long as it goes on. */
  byte[] read(InputStream body, int most) throws IOException {
    return silence.read(body, most);
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

  private String words(InputStream body) {
    try {
      JsonNode errors = Json.tree(silence.read(body, MAX_TEXT), "error").path("errors");
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
