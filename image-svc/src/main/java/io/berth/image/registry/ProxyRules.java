package io.berth.image.registry;

import io.berth.base.error.BerthException;
import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Through which proxy servers are reached. The environment says it by the variables that most
 * programs know, {@code HTTP_PROXY}, {@code HTTPS_PROXY} and {@code NO_PROXY} (or in small
 * letters); they mean what they mean to programs written in Go, docker and containerd among them.
 *
 * @param http for addresses without TLS; empty for none
 * @param https for addresses with TLS; empty for none
 * @param except what is reached by the straight way
 * @param everywhere whether this machine and networks are reached through the proxy as well
 */
public record ProxyRules(String http, String https, List<String> except, boolean everywhere) {
  /** No proxy at all. */
  public static final ProxyRules NONE = new ProxyRules("", "", List.of(), false);

  public ProxyRules {
    except = List.copyOf(except);
  }

  /** The rules that an environment has. */
  public static ProxyRules of(Map<String, String> environment) {
    return new ProxyRules(
        variable(environment, "HTTP_PROXY"),
        variable(environment, "HTTPS_PROXY"),
        Arrays.stream(variable(environment, "NO_PROXY").split(","))
            .map(entry -> entry.strip().toLowerCase(Locale.ROOT))
            .filter(entry -> !entry.isEmpty())
            .toList(),
        /* everywhere= */ false);
  }

  private static String variable(Map<String, String> environment, String name) {
    String text = environment.getOrDefault(name, "").strip();
    return text.isEmpty()
        ? environment.getOrDefault(name.toLowerCase(Locale.ROOT), "").strip()
        : text;
  }

  /** One proxy for everything, this machine included; an empty text for none. */
  public static ProxyRules always(String proxy) {
    return new ProxyRules(proxy, proxy, List.of(), /* everywhere= */ true);
  }

  /**
   * The proxy for a server: {@code http://[USER:PASSWORD@]HOST[:PORT]}; null for the straight way.
   *
   * @throws BerthException FAILED_PRECONDITION for a proxy that cannot be used
   */
  @Nullable URI proxyFor(String scheme, String host, int port) {
    String proxy = scheme.equals("https") ? https : http;
    if (proxy.isEmpty() || isExcepted(host.toLowerCase(Locale.ROOT), port)) {
      return null;
    }
    String address = proxy.contains("://") ? proxy : "http://" + proxy;
    try {
      URI uri = URI.create(address);
      if ("http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw unusable(address);
    }
    throw unusable(address);
  }

  /** What may be shown of an address: all but who is told to it, whatever that is written with. */
  private static String open(String address) {
    int end = address.lastIndexOf('@');
    int scheme = address.indexOf("://");
    String begin = scheme < 0 || scheme > end ? "" : address.substring(0, scheme + 3);
    return end < 0 ? address : begin + address.substring(end + 1);
  }

  private static BerthException unusable(String proxy) {
    return new BerthException.FailedPrecondition(
        "proxy `"
            + open(proxy)
            + "` cannot be used: write http://HOST:PORT in HTTP_PROXY, HTTPS_PROXY, or `proxy` of"
            + " the registry's settings");
  }

  private boolean isExcepted(String host, int port) {
    if (everywhere) {
      return false;
    }
    String bare = host.replaceAll("^\\[|]$|\\.$", "");
    InetAddress address = literal(bare);
    return bare.equals("localhost")
        || (address != null && address.isLoopbackAddress())
        || except.stream().anyMatch(entry -> covers(entry, bare, address, port));
  }

  private static boolean covers(
      String entry, String host, @Nullable InetAddress address, int port) {
    if (entry.equals("*")) {
      return true;
    }
    if (entry.contains("/")) {
      return address != null && isIn(entry, address);
    }
    String name = entry;
    if (literal(entry) == null) {
      int colon = entry.lastIndexOf(':');
      if (colon >= 0 && !entry.substring(colon + 1).equals(Integer.toString(port))) {
        return false;
      }
      name = colon < 0 ? entry : entry.substring(0, colon);
    }
    name = name.replaceAll("^\\[|]$", "");
    InetAddress same = literal(name);
    if (same != null) {
      return same.equals(address);
    }
    String domain = name.replaceFirst("^\\*?\\.", "");
    return host.endsWith("." + domain) || (host.equals(domain) && name.equals(domain));
  }

  private static boolean isIn(String block, InetAddress address) {
    int slash = block.indexOf('/');
    InetAddress network = literal(block.substring(0, slash));
    String length = block.substring(slash + 1);
    byte[] all = address.getAddress();
    if (network == null
        || !length.matches("[0-9]{1,3}")
        || network.getAddress().length != all.length) {
      return false;
    }
    byte[] begin = network.getAddress();
    int bits = Math.min(Integer.parseInt(length), all.length * 8);
    for (int i = 0; i < bits; i++) {
      int mask = 0x80 >> i % 8;
      if ((all[i / 8] & mask) != (begin[i / 8] & mask)) {
        return false;
      }
    }
    return true;
  }

  /** The address that a text is; null for a name. Asks nobody. */
  private static @Nullable InetAddress literal(String text) {
    if (!text.matches("[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*")) {
      return null;
    }
    try {
      return InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Shows no password. */
  @Override
  public String toString() {
    return "ProxyRules[" + open(http) + ", " + open(https) + ", " + except + "]";
  }
}
