package io.berth.network.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.PortSocket.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PublishedPortTest {
  @Test
  void portsOutsideOfTheirRange_areRefused() {
    for (int wrong : new int[] {-1, 65536, 70000, 99999, Integer.MAX_VALUE}) {
      assertThrows(
          BerthException.InvalidArgument.class,
          () -> new PublishedPort(Protocol.TCP, Ipv4.ANY, wrong, 80));
      assertThrows(
          BerthException.InvalidArgument.class,
          () -> new PublishedPort(Protocol.TCP, Ipv4.ANY, 80, wrong));
    }
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> new PublishedPort(Protocol.TCP, Ipv4.ANY, 80, 0));
    assertEquals(0, new PublishedPort(Protocol.TCP, Ipv4.ANY, 0, 65535).hostPort());
  }

  @Test
  void protocols_areTcpAndUdp() {
    assertEquals(Protocol.TCP, PublishedPort.protocol(""));
    assertEquals(Protocol.UDP, PublishedPort.protocol("UDP"));
    assertThrows(BerthException.InvalidArgument.class, () -> PublishedPort.protocol("sctp"));
  }

  @Test
  void storedText_isReadBack() {
    Random random = new Random(9);
    List<PublishedPort> ports = new ArrayList<>();
    assertEquals(ports, PublishedPort.readAll(PublishedPort.writeAll(ports)));
    for (int i = 0; i < 50; i++) {
      ports.add(
          new PublishedPort(
              random.nextBoolean() ? Protocol.TCP : Protocol.UDP,
              new Ipv4(random.nextInt()),
              random.nextInt(65536),
              1 + random.nextInt(65535)));
      assertEquals(ports, PublishedPort.readAll(PublishedPort.writeAll(ports)));
    }
  }
}
