package io.berth.network.address;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class AddressPoolTest {
  private static final long SEED = 11;

  /** Neither the network's address, nor the broadcast address, nor the gateway's is given out. */
  @Test
  void smallNetwork_servesFiveContainersAndRefusesTheSixth() {
    AddressPool pool = pool("10.9.0.0/29");
    List<String> given = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      given.add(pool.acquire().toString());
    }
    assertEquals(List.of("10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"), given);
    String message =
        assertThrows(BerthException.ResourceExhausted.class, pool::acquire).getMessage();
    assertTrue(message.startsWith("no more IP addresses available in `10.9.0.0/29`"), message);
  }

  @Test
  void networkWithoutRoom_isRefused() {
    assertThrows(BerthException.InvalidArgument.class, () -> pool("10.9.0.0/31"));
    assertThrows(
        BerthException.InvalidArgument.class,
        () -> new AddressPool(Subnet.parse("10.9.0.1/32"), ip("10.9.0.1"), Ipv4.ANY));
    assertEquals(1, pool("10.9.0.0/30").capacity());
  }

  /** A pool costs what is in use, not what the 16 million addresses of a /8 would. */
  @Test
  void hugeNetwork_isMadeAtOnce() {
    AddressPool pool = pool("10.0.0.0/8");
    assertEquals(ip("10.0.0.2"), pool.acquire());
    assertEquals((1 << 24) - 3, pool.capacity());
  }

  @Test
  void releasedAddress_isReusedAfterAllOthers() {
    AddressPool pool = pool("10.9.0.0/28");
    Ipv4 first = pool.acquire();
    assertTrue(pool.release(first));
    for (int i = 1; i < pool.capacity(); i++) {
      assertNotEquals(first, pool.acquire());
    }
    assertEquals(first, pool.acquire());
  }

  @Test
  void secondRelease_doesNotHandTheAddressOutTwice() {
    AddressPool pool = pool("10.9.0.0/29");
    for (int i = 0; i < 5; i++) {
      pool.acquire();
    }
    assertTrue(pool.release(ip("10.9.0.3")));
    assertFalse(pool.release(ip("10.9.0.3")));
    assertFalse(pool.release(ip("192.168.0.1")));
    assertEquals(ip("10.9.0.3"), pool.acquire());
    assertThrows(BerthException.ResourceExhausted.class, pool::acquire);
  }

  /** Addresses go on over the end of a byte, and the broadcast address is left out. */
  @Test
  void allAddresses_areHostsAndEachComesOnce() {
    AddressPool pool = pool("10.9.254.0/23");
    Ipv4 before = pool.gateway();
    for (int i = 0; i < pool.capacity(); i++) {
      Ipv4 next = pool.acquire();
      assertEquals(before.bits() + 1, next.bits());
      before = next;
    }
    assertEquals(ip("10.9.255.254"), before);
  }

  @Test
  void askedForAddress_isGivenOnceAndNeverTheReservedOnes() {
    AddressPool pool = pool("10.9.0.0/29");
    pool.acquire(ip("10.9.0.5"));
    assertFalse(pool.acquire(ip("10.9.0.5")));
    for (String reserved : List.of("10.9.0.0", "10.9.0.1", "10.9.0.7", "10.9.0.8", "1.1.1.1")) {
      assertThrows(
          BerthException.InvalidArgument.class, () -> pool.acquire(ip(reserved)), reserved);
    }
    assertEquals(ip("10.9.0.2"), pool.acquire());
  }

  @Test
  void poolMadeAgain_goesOnBehindTheLastAddress() {
    AddressPool pool = pool("10.9.0.0/29");
    pool.acquire();
    pool.acquire();
    AddressPool again = new AddressPool(pool.subnet(), pool.gateway(), pool.last());
    assertEquals(ip("10.9.0.4"), again.acquire());
  }

  @Test
  void randomUse_agreesWithAQueueOfFreeAddresses() {
    Random random = new Random(SEED);
    AddressPool pool = pool("10.9.0.0/27");
    Deque<Ipv4> used = new ArrayDeque<>();
    for (int step = 0; step < 20_000; step++) {
      if (random.nextBoolean() && used.size() < pool.capacity()) {
        Ipv4 given = pool.acquire();
        assertFalse(used.contains(given), "step " + step + ", seed " + SEED);
        assertFalse(
            List.of("10.9.0.0", "10.9.0.1", "10.9.0.31").contains(given.toString()),
            "step " + step);
        used.add(given);
      } else if (!used.isEmpty()) {
        Ipv4 released = random.nextBoolean() ? used.removeFirst() : used.removeLast();
        assertTrue(pool.release(released));
      }
      assertEquals(used.size(), pool.inUse());
    }
  }

  @Test
  void subnetChoice_isStableAndEvadesWhatIsTaken() {
    SubnetChoice choice = new SubnetChoice(Subnet.parse("10.88.0.0/13"), 24);
    Subnet wanted = choice.choose(0xabcdef, List.of(Subnet.parse("0.0.0.0/0")));
    assertEquals(wanted, choice.choose(0xabcdef, List.of()));
    assertTrue(Subnet.parse("10.88.0.0/13").overlaps(wanted));
    Subnet other = choice.choose(0xabcdef, List.of(wanted));
    assertFalse(other.overlaps(wanted));
    assertFalse(
        choice.choose(0xabcdef, List.of(Subnet.around(wanted.network(), 20))).overlaps(wanted));
    assertThrows(
        BerthException.ResourceExhausted.class,
        () -> choice.choose(1, List.of(Subnet.parse("10.0.0.0/8"))));
  }

  @Test
  void subnetChoice_findsTheLastFreeOne() {
    SubnetChoice choice = new SubnetChoice(Subnet.parse("10.88.0.0/22"), 24);
    List<Subnet> taken =
        List.of(
            Subnet.parse("10.88.0.0/24"),
            Subnet.parse("10.88.1.0/24"),
            Subnet.parse("10.88.3.8/32"));
    for (int number = 0; number < 8; number++) {
      assertEquals(Subnet.parse("10.88.2.0/24"), choice.choose(number, taken));
    }
  }

  @Test
  void subnetText_isReadStrictly() {
    for (String wrong :
        List.of("10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "x/8", "")) {
      assertThrows(BerthException.InvalidArgument.class, () -> Subnet.parse(wrong), wrong);
    }
    assertEquals("10.0.0.0/8", Subnet.parse("10.0.0.0/8").toString());
  }

  private static AddressPool pool(String subnet) {
    Subnet parsed = Subnet.parse(subnet);
    return new AddressPool(parsed, parsed.at(1), parsed.network());
  }

  private static Ipv4 ip(String text) {
    return Ipv4.parse(text).orElseThrow();
  }
}
