package io.berth.linux.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressTextTest {
  @Test
  void everyAddress_isReadBackFromItsText() {
    Random random = new Random(4);
    for (int i = 0; i < 10_000; i++) {
      Ipv4 address = new Ipv4(random.nextInt());
      assertEquals(Optional.of(address), Ipv4.parse(address.toString()));
      assertEquals(address, Ipv4.of(address.bytes()));
      MacAddress mac = new MacAddress(random.nextLong() >>> 16);
      assertEquals(Optional.of(mac), MacAddress.parse(mac.toString()));
      // Case N14.
      assertEquals(Optional.of(mac), MacAddress.parse(mac.toString().replace(':', '-')));
      assertEquals(mac, MacAddress.of(mac.bytes()));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.4 ",
        "1.2.3.-4",
        "1.2.3.99999999999",
        "a.b.c.d",
        "::1"
      })
  void textThatIsNoAddress_isRefused(String text) {
    assertEquals(Optional.empty(), Ipv4.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "02:42:ac:11:00",
        "02:42:ac:11:00:02:03",
        "02-42:ac-11:00-02",
        "zz:42:ac:11:00:02"
      })
  void textThatIsNoHardwareAddress_isRefused(String text) {
    assertEquals(Optional.empty(), MacAddress.parse(text));
  }

  @Test
  void localHardwareAddress_isForOneStationAndMarkedLocal() {
    MacAddress mac = MacAddress.local(-1);
    assertEquals("fe:ff:ff:ff:ff:ff", mac.toString());
    assertTrue(mac.isUnicast());
    assertFalse(new MacAddress(0x0100_5e00_0001L).isUnicast());
    assertFalse(new MacAddress(0).isUnicast());
  }

  @Test
  void order_isTheNetworksNotThatOfSignedNumbers() {
    assertTrue(new Ipv4(0x0a000001).compareTo(new Ipv4(0xc0a80001)) < 0);
  }
}
