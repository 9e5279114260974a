package io.berth.cli.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.api.berth.container.v1.PortBinding;
import io.berth.base.error.BerthException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code -p} takes, and what it refuses. */
final class PortsTest {
  private static String words(PortBinding port) {
    return port.getHostIp()
        + "|"
        + port.getHostPort()
        + "|"
        + port.getContainerPort()
        + "|"
        + port.getProtocol();
  }

  @ParameterizedTest
  @CsvSource({
    "80, |0|80|tcp",
    "8080:80, |8080|80|tcp",
    "127.0.0.1:8080:80, 127.0.0.1|8080|80|tcp",
    "127.0.0.1::80, 127.0.0.1|0|80|tcp",
    "53:53/udp, |53|53|udp",
    "[::1]:8080:80, ::1|8080|80|tcp",
    "0:80, |0|80|tcp"
  })
  void oneBinding(String text, String expected) {
    assertEquals(
        expected,
        Ports.parse(text).stream().map(PortsTest::words).collect(Collectors.joining(",")));
  }

  @Test
  void rangesGoInStep() {
    assertEquals(
        "|8000|80|tcp,|8001|81|tcp,|8002|82|tcp",
        Ports.parse("8000-8002:80-82").stream()
            .map(PortsTest::words)
            .collect(Collectors.joining(",")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "70000",
        "0:99999",
        "70000:80",
        "x",
        "80:",
        "-1:80",
        "8000-8002:80-81",
        "82-80",
        "80/icmp",
        ""
      })
  void refused(String text) {
    BerthException e = assertThrows(BerthException.InvalidArgument.class, () -> Ports.parse(text));
    assertEquals("-p `" + text + "`", e.getMessage().substring(0, 5 + text.length()));
  }
}
