package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteSocket;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.Networks;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is in a container cannot configure the host through a link of ours. */
@Tag("root")
final class HostLinksIT {
  private static final String PREFIX = "2001:db8:7::";
  private static final Map<String, String> WANTED =
      Map.of(
          "ipv6/conf/%s/disable_ipv6", "1",
          "ipv6/conf/%s/accept_ra", "0",
          "ipv6/conf/%s/autoconf", "0",
          "ipv6/conf/%s/accept_redirects", "0",
          "ipv4/conf/%s/accept_redirects", "0");

  @TempDir Path folder;
  private TestHost host;
  private NetworkEngine engine;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
    engine = host.start();
  }

  @AfterEach
  void removeHost() throws Exception {
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
    host.close();
  }

  private List<Link> ourLinks() throws IOException {
    try (RouteSocket links = RouteSocket.open(host.host)) {
      return links.links().stream()
          .filter(link -> !Set.of("lo", "lan0").contains(link.name()))
          .toList();
    }
  }

  private String bridge() {
    return engine.settings().names().bridge();
  }

  /** A table of the host's, as this machine's {@code /proc/net} does not show it. */
  private List<String> table(String name) throws IOException {
    return host.host.call(() -> Files.readAllLines(Path.of("/proc/thread-self/net", name)));
  }

  /** Addresses and routes of IPv6 that a link of ours has on the host. */
  private Set<String> ipv6OfOurLinks() throws IOException {
    Set<String> names = new TreeSet<>(ourLinks().stream().map(Link::name).toList());
    Set<String> found = new TreeSet<>();
    for (String table : List.of("if_inet6", "ipv6_route")) {
      for (String line : table(table)) {
        String link = line.substring(line.lastIndexOf(' ') + 1);
        // Every link is in the routes for multicast, from its start.
        if (names.contains(link) && !line.startsWith("ff00")) {
          found.add(table + " " + line);
        }
      }
    }
    return found;
  }

  private long received() throws IOException {
    return table("snmp6").stream()
        .filter(line -> line.startsWith("Ip6InReceives "))
        .mapToLong(line -> Long.parseLong(line.split("\\s+")[1]))
        .sum();
  }

  /** Two, of which the host has seen both when this returns: the first is done with then. */
  private void advertise(NetworkNamespace netns) throws Exception {
    for (int i = 0; i < 2; i++) {
      long before = received();
      RawFrames.advertiseRouter(netns, "eth0", PREFIX);
      Eventually.holds("the host sees an advertisement", () -> received() != before);
    }
  }

  /** A container that claims to be a router changes nothing on the host. */
  @Test // case S7, CVE-2020-13401
  void routerAdvertisementOfAContainer_configuresNothing() throws Exception {
    EndpointRecord attacker = engine.attachments().attach(host.call("attacker"));
    try (NetworkNamespace netns = NetworkNamespace.open(attacker.netns())) {
      advertise(netns);
      assertEquals(Set.of(), ipv6OfOurLinks());
      // An administrator's order for all links reaches ours, too: still nobody configures them.
      host.host.setSysctl("ipv6/conf/all/disable_ipv6", "0");
      assertEquals("0", host.host.sysctl("ipv6/conf/" + bridge() + "/disable_ipv6"));
      advertise(netns);
      assertFalse(
          ipv6OfOurLinks().stream().anyMatch(line -> line.contains("20010db80007")),
          () -> "an address or a route of the advertisement's: " + unchecked());
    }
  }

  private Set<String> unchecked() {
    try {
      return ipv6OfOurLinks();
    } catch (IOException e) {
      return Set.of(e.toString());
    }
  }

  /** This holds for bridges, for cables to containers and for those that are kept ready. */
  @Test // case S7
  void everyLinkOnTheHost_takesNothingFromWhoIsOnIt() throws Exception {
    engine.attachments().attach(host.call("a"));
    engine
        .networks()
        .create(
            new Networks.Wish(
                "mine", Optional.empty(), Optional.empty(), false, Map.of(), Map.of()));
    engine.attachments().attach(host.call("b", "mine", Optional.empty()));
    try (NetworkNamespace given = NetworkNamespace.create()) {
      engine
          .attachments()
          .attach(host.call("c", "bridge", Optional.of(Path.of(given.fd().procPath()))));
      Eventually.holds(
          "links of three containers, two bridges and what is kept ready on each",
          () -> ourLinks().size() >= 5 + 2 * host.ready);
      engine.stop();
      engine = host.start();
      for (Link link : ourLinks()) {
        settled(link);
      }
    }
  }

  /** What is being made or deleted at this moment counts once it is up. */
  private void settled(Link link) throws IOException {
    if (!link.up()) {
      return;
    }
    for (Map.Entry<String, String> entry : WANTED.entrySet()) {
      String key = entry.getKey().formatted(link.name());
      assertEquals(entry.getValue(), host.host.sysctl(key), key);
    }
  }

  /** Links of a build that left the kernel's defaults are mended, and what came by them goes. */
  @Test // case S7
  void linksWithTheKernelsDefaults_areMendedAtTheStart() throws Exception {
    EndpointRecord attacker = engine.attachments().attach(host.call("attacker"));
    try (NetworkNamespace netns = NetworkNamespace.open(attacker.netns())) {
      for (Link link : ourLinks()) {
        for (String key : WANTED.keySet()) {
          host.host.setSysctl(key.formatted(link.name()), key.endsWith("disable_ipv6") ? "0" : "1");
        }
      }
      advertise(netns);
      assertFalse(ipv6OfOurLinks().isEmpty(), "the advertisement is a good one");
      engine.stop();
      engine = host.start();
      assertEquals(Set.of(), ipv6OfOurLinks());
      for (Link link : ourLinks()) {
        settled(link);
      }
    }
  }

  /**
   * A link with an MTU below 1280 bytes has no IPv6 at all (RFC 8200, section 5), so it has no
   * switches of IPv6 either.
   */
  @Test // case S7
  void hostWhoseWayOutIsTooNarrowForIpv6_hasANetwork() throws Exception {
    TestHost.run(host.host, "ip", "link", "set", "lan0", "mtu", "1200");
    EndpointRecord client = engine.attachments().attach(host.call("client"));
    try (NetworkNamespace netns = NetworkNamespace.open(client.netns());
        AutoCloseable _ = Traffic.echo(host.lan, 7000)) {
      assertEquals(
          TestHost.ADDRESS.toString(), Traffic.tcp(netns, TestHost.OTHER_MACHINE.toString(), 7000));
    }
  }

  /** Not even between the moment a cable comes and the one in which it is configured. */
  @Test // case S7
  void givenNamespace_getsNoIpv6AddressByTheCable() throws Exception {
    try (NetworkNamespace given = NetworkNamespace.create()) {
      engine
          .attachments()
          .attach(host.call("c", "bridge", Optional.of(Path.of(given.fd().procPath()))));
      assertEquals("1", given.sysctl("ipv6/conf/eth0/disable_ipv6"));
    }
  }
}
