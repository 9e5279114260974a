package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.testing.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ports and what they lead to. */
final class PortsTest {
  /** Case N11. */
  @ParameterizedTest
  @CsvSource({
    "80, 80/tcp",
    "80/TCP, 80/tcp",
    "8080:80, 8080:80/tcp",
    "127.0.0.1:8080:80, 127.0.0.1:8080:80/tcp",
    "127.0.0.1::80, 127.0.0.1::80/tcp",
    "53:53/udp, 53:53/udp",
    "[::1]:8080:80, [::1]:8080:80/tcp",
    "0:80, 80/tcp",
    ":80, 80/tcp",
    "8000-8002:80-82, 8000-8002:80-82/tcp",
    "20000-24999:20000-24999, 20000-24999:20000-24999/tcp",
    "18200-18210:80, 18200-18210:80/tcp",
    "3000-3005, 3000-3005/tcp"
  })
  void mappings(String word, String plain) {
    assertEquals(plain, PortMapping.parse("-p", word).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0", "70000", "0:99999", "70000:80", "x", "80:", "-1:80", "8000-8002:80-81", "82-80",
        "80/icmp", "80/", "", "0-5:80", "99999999999", "80-81-82", "[::1:80:80", "[]:80:80", "٨٠"
      })
  void noMappings(String word) {
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> PortMapping.parse("-p", word));
    assertTrue(e.getMessage().startsWith("-p `" + word + "`"), e.getMessage());
  }

  @Test
  void sctpIsRefusedByName() {
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class, () -> PortMapping.parse("-p", "80:80/SCTP"));
    assertEquals(
        "-p `80:80/SCTP`: ports of sctp cannot be published, only those of tcp and udp",
        e.getMessage());
  }

  @Test
  void mappingsGiveWhatTheyWereMadeOf() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          int first = (int) draw.number(1, 60_000);
          PortRange container = new PortRange(first, first + (int) draw.number(0, 5_000));
          int at = (int) draw.number(1, 65_535);
          PortRange host =
              draw.oneOf(
                  new PortRange(0, 0),
                  at + container.size() > 65_536
                      ? container
                      : new PortRange(at, at + container.size() - 1));
          PortMapping mapping =
              new PortMapping(
                  draw.oneOf("", "127.0.0.1", "::1", "fe80::1"),
                  host,
                  container,
                  draw.oneOf("tcp", "udp"));
          assertEquals(mapping, PortMapping.parse("-p", mapping.toString()));
        });
  }

  @Test
  void junkIsNoMapping() {
    Junk.takes(
        word -> PortMapping.parse("-p", word),
        "80",
        "8000-8010",
        ":",
        "-",
        "/tcp",
        "/sctp",
        "/",
        "[::1]",
        "[",
        "]",
        "127.0.0.1",
        "0");
    Junk.takes(word -> PortRange.WithProtocol.parse("--expose", word), "80", "-", "/", "udp");
  }
}
