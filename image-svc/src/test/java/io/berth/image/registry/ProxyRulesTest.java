package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The environment's words for proxies, as programs written in Go take them. */
// case I5
final class ProxyRulesTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // what is excepted | scheme | host | port | whether it goes through the proxy
        "'' | https | registry.example | 443 | true",
        "'' | http | registry.example | 80 | false",
        "'' | https | localhost | 5000 | false",
        "'' | https | 127.8.9.1 | 5000 | false",
        "'' | https | [::1] | 5000 | false",
        "* | https | registry.example | 443 | false",
        "example | https | registry.example | 443 | false",
        "EXAMPLE, other | https | registry.example | 443 | false",
        ".example | https | registry.example | 443 | false",
        "*.example | https | registry.example | 443 | false",
        "ample | https | registry.example | 443 | true",
        "registry.example | https | Registry.Example | 443 | false",
        ".registry.example | https | registry.example | 443 | true",
        "registry.example:5000 | https | registry.example | 443 | true",
        "registry.example:443 | https | registry.example | 443 | false",
        "10.1.2.3 | https | 10.1.2.3 | 443 | false",
        "10.1.2.3:5000 | https | 10.1.2.3 | 443 | true",
        "10.0.0.0/8 | https | 10.1.2.3 | 443 | false",
        "10.0.0.0/8 | https | 11.1.2.3 | 443 | true",
        "10.0.0.0/nine | https | 10.1.2.3 | 443 | true",
        "10.0.0.0/8 | https | ten.example | 443 | true",
        "fd00::/8 | https | [fd12::1] | 5000 | false",
        "[fd12::1]:5000 | https | [fd12::1] | 5000 | false",
        "10.1.2.3 | https | registry.example | 443 | true",
      })
  void exceptions(String except, String scheme, String host, int port, boolean through) {
    ProxyRules rules =
        ProxyRules.of(Map.of("https_proxy", "http://proxy.example:3128", "NO_PROXY", except));
    URI expected = URI.create("http://proxy.example:3128");
    assertEquals(through ? expected : null, rules.proxyFor(scheme, host, port));
  }

  @Test
  void capitals_comeFirst_andASchemeIsNotNeeded() {
    ProxyRules rules = ProxyRules.of(Map.of("HTTP_PROXY", "a:1", "http_proxy", "http://b:2"));
    assertEquals(URI.create("http://a:1"), rules.proxyFor("http", "x", 80));
  }

  @Test
  void setting_holdsForThisMachineToo_andAnEmptyOneForNone() {
    assertEquals(
        URI.create("http://p"), ProxyRules.always("http://p").proxyFor("https", "localhost", 1));
    assertNull(ProxyRules.always("").proxyFor("https", "x", 1));
  }

  /** A slash that should have been written as %2F ends the host for the parser. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://me:hid/den@proxy:3128",
        "me:hidden@proxy:3128",
        "socks5://hidden@hidden@proxy:1",
        "hidden://x@proxy"
      })
  void passwordOfAProxy_isNotShown(String address) {
    ProxyRules rules = ProxyRules.of(Map.of("HTTPS_PROXY", address));
    assertFalse(rules.toString().contains("den@"), rules::toString);
    assertFalse(rules.toString().contains("me:"), rules::toString);
  }

  @Test
  void proxyThatCannotBeUsed_isToldWithoutItsPassword() {
    ProxyRules rules = ProxyRules.of(Map.of("HTTPS_PROXY", "socks5://me:hidden@proxy:1080"));
    var e =
        assertThrows(
            BerthException.FailedPrecondition.class, () -> rules.proxyFor("https", "x", 443));
    assertEquals(
        "proxy `socks5://proxy:1080` cannot be used: write http://HOST:PORT in HTTP_PROXY,"
            + " HTTPS_PROXY, or `proxy` of the registry's settings",
        e.getMessage());
    assertFalse(rules.toString().contains("hidden"), rules::toString);
  }
}
