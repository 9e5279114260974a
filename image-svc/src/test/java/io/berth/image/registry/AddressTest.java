package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses that registries name, honest and hostile ones. */
final class AddressTest {
  private static final Address UPLOADS = Address.of("https://r.example/v2/x/blobs/uploads/");

  // The first eight are examples of RFC 3986, 5.4.1.
  @ParameterizedTest // case S3, I12
  @CsvSource(
      delimiter = ' ',
      value = {
        "http://a/b/c/d;p?q g http://a/b/c/g",
        "http://a/b/c/d;p?q ./g http://a/b/c/g",
        "http://a/b/c/d;p?q /g http://a/g",
        "http://a/b/c/d;p?q //g http://g",
        "http://a/b/c/d;p?q ?y http://a/b/c/d;p?y",
        "http://a/b/c/d;p?q g?y#s http://a/b/c/g?y",
        "http://a/b/c/d;p?q ../../g http://a/g",
        "http://a/b/c/d;p?q ;x http://a/b/c/;x",
        "https://r/v2/x/blobs/uploads/ 7?_state=x https://r/v2/x/blobs/uploads/7?_state=x",
        "https://r/u 7?_state=a|b{c}^\"d https://r/7?_state=a%7Cb%7Bc%7D%5E%22d",
        "https://r/u /50%off%20x https://r/50%25off%20x",
        "https://r/u https://[::1]:5000/x[1] https://[::1]:5000/x%5B1%5D",
        "https://r/u /\u00e4 https://r/%E4",
      })
  void led_isResolvedAgainstWhoAnswered(String base, String told, String expected) {
    assertEquals(expected, Address.of(base).led("push", told).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://r.example/v2/x",
        "HTTP://r.example:443/",
        "http://127.0.0.1/",
        "ftp://r.example/",
        "file:///etc/passwd",
        "https:/only/a/path",
        "https:r.example",
        "https:\\\\r.example/",
        "https://u:hidden@r.example/",
        "https://u@r.example/",
        "https://@r.example/",
        "//u:hidden@other/",
        "https://bad_host@hidden_host:x/",
        "https:///nobody",
        "https://r.example:port/",
        "",
        " "
      })
  void led_refusesWhatLeadsAstray(String told) {
    var e =
        assertThrows(
            BerthException.FailedPrecondition.class, () -> UPLOADS.led("push layer", told));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.startsWith("push layer: https://r.example "), message);
    assertFalse(message.contains("hidden"), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "https://r.example:443/x true",
        "https://R.EXAMPLE/ true",
        "https://r.example:444/ false",
        "https://x.r.example/ false",
        "https://r.example./ false",
        "https://r.example.evil/ false",
        "//r.example/a true",
        "b true"
      })
  void authorization_isForItsOriginAlone(String told, boolean same) {
    Address address = UPLOADS.led("push", told);
    Authorization authorization = new Authorization(UPLOADS.origin(), "Basic secret");
    assertEquals(
        same,
        authorization
            .to(address, address.request())
            .build()
            .headers()
            .firstValue("Authorization")
            .isPresent());
    assertFalse(authorization.toString().contains("secret"));
  }

  @Test
  void origin_tellsSchemesApart() {
    Address plain = Address.of("http://r.example/");
    assertFalse(plain.led("push", "https://r.example/").origin().equals(plain.origin()));
    assertEquals(plain.origin(), plain.led("push", "http://r.example:80/").origin());
    assertEquals(
        "http://r.example:5000", Address.of("http://r.example:5000/x").origin().toString());
  }

  /**
   * Whatever a server names becomes an address of HTTP with a host and without a user, or is
   * refused.
   */
  @Test
  void led_isTotal() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String[] parts = {
      "http", "https", ":", "/", "//", "@", "\\", "[", "]", "?", "#", "%", "%2", "a", "..", "é",
      " ", "{", "\t", "::1", "80", "u:p@"
    };
    for (int i = 0; i < 20_000; i++) {
      StringBuilder told = new StringBuilder();
      for (int n = random.nextInt(9); n >= 0; n--) {
        told.append(parts[random.nextInt(parts.length)]);
      }
      try {
        Address address = UPLOADS.led("push", told.toString());
        assertEquals("https", address.origin().scheme(), () -> seed + " " + told);
        assertFalse(address.origin().host().isEmpty(), () -> seed + " " + told);
        address.request().GET().build();
      } catch (BerthException.FailedPrecondition refused) {
        assertFalse(String.valueOf(refused.getMessage()).contains("\n"));
      }
    }
  }
}
