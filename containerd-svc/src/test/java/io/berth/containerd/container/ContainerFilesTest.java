package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ContainerFilesTest {
  private static final String LOCAL =
      """
      127.0.0.1\tlocalhost
      ::1\tlocalhost ip6-localhost ip6-loopback
      fe00::0\tip6-localnet
      ff00::0\tip6-mcastprefix
      ff02::1\tip6-allnodes
      ff02::2\tip6-allrouters
      """;

  private static HostsFile hosts(String... extra) {
    return new HostsFile(
        "web", "example.org", List.of("10.1.0.2", "fd00::2"), List.of(extra), "10.1.0.1");
  }

  @Test
  void hosts_hasItselfAndWhatAPersonAdds() {
    assertEquals(
        LOCAL
            + "1.2.3.4\ta\n2001:db8::1\tb\n2001:db8::2\tc\n10.1.0.1\tup\n1.2.3.5\td\n"
            + "10.1.0.2\tweb.example.org web\nfd00::2\tweb.example.org web\n",
        hosts("a:1.2.3.4", "b:2001:db8::1", "c:[2001:db8::2]", "up:host-gateway", "d=1.2.3.5")
            .text());
    assertEquals(
        LOCAL + "10.1.0.2\tweb\n",
        new HostsFile("web", "", List.of("10.1.0.2", ""), List.of(), "").text());
  }

  /** Case N14: a name with dots is known by what stands before them as well. */
  @Test
  void hosts_hasTheShortName() {
    assertEquals(
        LOCAL + "10.1.0.2\tfoo.bar.baz foo\n",
        new HostsFile("foo.bar.baz", "", List.of("10.1.0.2"), List.of(), "").text());
    assertEquals(
        LOCAL + "10.1.0.2\tfoo.bar.baz foo.bar foo\n",
        new HostsFile("foo.bar", "baz", List.of("10.1.0.2"), List.of(), "").text());
  }

  @Test
  void hosts_ofTheHostsNetwork_isTheHosts() {
    assertEquals("1.1.1.1 x\n1.2.3.4\ta\n", hosts("a:1.2.3.4").text("1.1.1.1 x"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        ":1.2.3.4",
        "a:",
        "a:1.2.3",
        "a:name",
        "a b:1.2.3.4",
        "a:1.2.3.4\n6.6.6.6 x",
        "a#:1.2.3.4",
        "a:fe80::1%eth0"
      })
  void hosts_refusesWhatIsNoLine(String extra) {
    BerthException e =
        assertThrows(BerthException.InvalidArgument.class, () -> hosts(extra).text());
    assertFalse(e.getMessage().contains("\n"));
  }

  @Test
  void hosts_withoutGateway_refusesTheWordForIt() {
    HostsFile none = new HostsFile("a", "", List.of(), List.of("up:host-gateway"), "");
    assertThrows(BerthException.InvalidArgument.class, none::text);
  }

  // --- resolv.conf

  private static final String STUB =
      "# made by a program\n"
          + "nameserver 127.0.0.53\n"
          + "nameserver ::1\n"
          + "options edns0 trust-ad\n"
          + "domain old\n"
          + "search lan home\n";
  private static final String BEHIND =
      "nameserver 192.0.2.1\nnameserver fe80::1%eth0\nsearch other\n";
  private static final ResolvFile PLAIN =
      new ResolvFile(List.of(), List.of(), List.of(), List.of());

  @Test
  void resolv_leavesLoopbackOut_andTakesWhatIsBehindIt() {
    String rest = "search lan home\noptions edns0 trust-ad\n";
    assertEquals(
        "nameserver 192.0.2.1\n" + rest, PLAIN.text(STUB, BEHIND, List.of("9.9.9.9"), false));
    assertEquals("nameserver 9.9.9.9\n" + rest, PLAIN.text(STUB, STUB, List.of("9.9.9.9"), false));
    assertEquals(
        "nameserver 192.0.2.7\n" + rest,
        PLAIN.text(STUB + "nameserver 192.0.2.7 comment\n", BEHIND, List.of(), false));
    assertEquals(
        "nameserver 127.0.0.53\nnameserver ::1\n" + rest,
        PLAIN.text(STUB, BEHIND, List.of(), true));
    assertEquals("", PLAIN.text("", "", List.of(), false));
  }

  @Test // case N13
  void resolv_leavesOutWhatAContainerWithoutIpv6CannotReach() {
    String six = "nameserver 2001:db8::53\n";
    assertEquals("", PLAIN.text(six, six, List.of(), false));
    assertEquals(
        "nameserver 192.0.2.1\n",
        PLAIN.text(six + "nameserver 192.0.2.1\n", six, List.of(), false));
    assertEquals(six, PLAIN.text(six, "", List.of(), true), "the host itself can");
    assertFalse(ResolvFile.hasReachable(six, STUB));
    assertTrue(ResolvFile.hasReachable(STUB, BEHIND));
  }

  @Test // case N4
  void hosts_followALinkedContainerAndLeaveOtherLines() {
    assertEquals(
        "127.0.0.1\tlocalhost\n10.1.0.9\tweb\n10.1.0.9\tw1\n1.2.3.4\tweb2\n",
        LinkedHosts.withAddress(
            "127.0.0.1\tlocalhost\n10.1.0.2\tweb\n10.1.0.2\tw1\n1.2.3.4\tweb2\n",
            Set.of("web", "w1"),
            "10.1.0.9"));
  }

  @Test
  void resolv_takesThePersonsWordFirst_thenTheNetworks() {
    assertEquals(
        "nameserver 127.0.0.11\n",
        new ResolvFile(List.of(), List.of("."), List.of(), List.of("127.0.0.11"))
            .text("nameserver 192.0.2.1\nsearch lan\n", "", List.of(), false));
    assertEquals(
        "nameserver 9.9.9.9\nnameserver 2620:fe::fe\nsearch a.b\noptions ndots:2\n",
        new ResolvFile(
                List.of("9.9.9.9", "2620:fe::fe"),
                List.of("a.b"),
                List.of("ndots:2"),
                List.of("127.0.0.11"))
            .text(STUB, BEHIND, List.of(), false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "name", "1.2.3", "1.2.3.4\nsearch evil", "a b"})
  void resolv_refusesWhatNoResolverReads(String bad) {
    List<String> none = List.of();
    BerthException e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> new ResolvFile(List.of(bad), none, none, none).text("", "", none, false));
    assertFalse(e.getMessage().contains("\n"));
    if (bad.isEmpty() || bad.contains(" ")) {
      assertThrows(
          BerthException.InvalidArgument.class,
          () -> new ResolvFile(none, List.of(bad), none, none).text("", "", none, false));
      assertThrows(
          BerthException.InvalidArgument.class,
          () -> new ResolvFile(none, none, List.of(bad), none).text("", "", none, false));
    }
  }
}
