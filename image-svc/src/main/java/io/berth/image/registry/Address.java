package io.berth.image.registry;

import io.berth.base.error.BerthException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where a request goes over HTTP. Every address that somebody else names, be it of an upload, of a
 * redirect or of a token service, becomes one by {@link #led}: what is refused is refused there.
 */
final class Address {
  /** The characters that RFC 3986 lets stand as they are; brackets are allowed in hosts alone. */
  private static final String PLAIN = "-._~:/?#@!$&'()*+,;=";

  private final URI uri;

  /**
   * The server that answers at an address. A secret that is meant for one address is sent to others
   * of the same origin, and to no other origin.
   *
   * @param port the scheme's own where the address names none
   */
  record Origin(String scheme, String host, int port) {
    @Override
    public String toString() {
      boolean usual = port == (scheme.equals("https") ? 443 : 80);
      return scheme + "://" + host + (usual ? "" : ":" + port);
    }
  }

  private Address(URI uri) {
    this.uri = uri;
  }

  /** An address that a name or a setting gives. INVALID_ARGUMENT if it is none of HTTP. */
  static Address of(String text) {
    try {
      URI uri = new URI(text);
      String why = fault(uri);
      if (why.isEmpty()) {
        return new Address(uri);
      }
      throw new BerthException.InvalidArgument("registry address `" + text + "`: " + why);
    } catch (URISyntaxException e) {
      throw new BerthException.InvalidArgument(
          "registry address `" + text + "`: " + e.getReason(), e);
    }
  }

  /** The address that an answer came from. */
  static Address answering(HttpResponse<?> response) {
    return new Address(response.uri());
  }

  /** The address of a path below this one; the path is trusted. */
  Address at(String path) {
    return new Address(uri.resolve(path));
  }

  /** This address with one more parameter, which is encoded already. */
  Address with(String parameter) {
    return new Address(URI.create(uri + (uri.getRawQuery() == null ? "?" : "&") + parameter));
  }

  /**
   * The address that an answer from here names: absolute, or relative to this one. What may not
   * stand in an address, such as a blank or a bar, is taken as browsers do.
   *
   * @param what the words for an error
   * @param told what the answer's header says
   * @throws BerthException FAILED_PRECONDITION for one that is none of HTTP, that brings a user
   *     along, or that leads from TLS to a connection without
   */
  Address led(String what, String told) {
    URI next;
    try {
      next = resolve(new URI(escaped(told.strip())));
    } catch (URISyntaxException e) {
      throw refused(what, "names an address that makes no sense", e);
    }
    String why = told.isBlank() ? "it is empty" : fault(next);
    if (!why.isEmpty()) {
      throw refused(what, "names an address that cannot be used: " + why, null);
    }
    Address address = new Address(next);
    if (origin().scheme.equals("https") && !address.origin().scheme.equals("https")) {
      throw refused(
          what, "leads to " + address.origin() + ", out of TLS; it has to name https there", null);
    }
    return address;
  }

  private BerthException refused(String what, String why, @Nullable Exception cause) {
    String text = what + ": " + origin() + " " + why;
    return cause == null
        ? new BerthException.FailedPrecondition(text)
        : new BerthException.FailedPrecondition(text, cause);
  }

  /**
   * Resolves a reference as RFC 3986, 5.2 says. {@link URI#resolve} does not: it drops the last
   * name of the path before a reference that is a query alone.
   */
  private URI resolve(URI told) throws URISyntaxException {
    URI absolute =
        told.getScheme() == null
                && told.getRawAuthority() == null
                && told.getRawPath().isEmpty()
                && told.getRawQuery() != null
            ? uri.resolve(uri.getRawPath() + "?" + told.getRawQuery())
            : uri.resolve(told);
    String text = absolute.toString();
    int fragment = text.indexOf('#');
    return fragment < 0 ? absolute : new URI(text.substring(0, fragment));
  }

  /**
   * Why this is no address to ask; empty if it is one. The answer never shows a user that the
   * address names.
   */
  private static String fault(URI uri) {
    String scheme = uri.getScheme();
    if (!"http".equalsIgnoreCase(scheme) && !"https".equalsIgnoreCase(scheme)) {
      return "it is neither http nor https";
    }
    if (uri.getRawUserInfo() != null || String.valueOf(uri.getRawAuthority()).contains("@")) {
      return "it has a user in it";
    }
    return uri.getHost() == null ? "it names no host" : "";
  }

  private static String escaped(String told) {
    StringBuilder text = new StringBuilder(told.length());
    int host = told.matches("(?i)https?://\\[.*") ? told.indexOf(']') : -1;
    // The HTTP client gives each byte of a header as one character.
    byte[] bytes = told.getBytes(StandardCharsets.ISO_8859_1);
    for (int i = 0; i < bytes.length; i++) {
      char c = (char) (bytes[i] & 0xff);
      boolean letter = c < 0x80 && Character.isLetterOrDigit(c);
      boolean bracket = (c == '[' || c == ']') && i <= host;
      if (letter || bracket || PLAIN.indexOf(c) >= 0 || (c == '%' && isEscape(told, i))) {
        text.append(c);
      } else {
        text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(bytes[i]));
      }
    }
    return text.toString();
  }

  private static boolean isEscape(String text, int at) {
    return at + 2 < text.length()
        && HexFormat.isHexDigit(text.charAt(at + 1))
        && HexFormat.isHexDigit(text.charAt(at + 2));
  }

  Origin origin() {
    String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
    int usual = scheme.equals("https") ? 443 : 80;
    return new Origin(
        scheme, uri.getHost().toLowerCase(Locale.ROOT), uri.getPort() < 0 ? usual : uri.getPort());
  }

  /** The host, with a port where the address names one. */
  String authority() {
    return uri.getRawAuthority();
  }

  /** A request to this address, without any credentials. */
  HttpRequest.Builder request() {
    return HttpRequest.newBuilder(uri);
  }

  @Override
  public String toString() {
    return uri.toString();
  }
}
