package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.net.ConnectionTracking;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.Networks;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.net.DatagramSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Packets through every way that leads to a container, over TCP and UDP, and what the container
 * sees as their source: from another host, from the host's address, from 127.0.0.1, from other
 * containers, from itself.
 */
@Tag("root")
final class TrafficIT {
  private static final String HOST = TestHost.ADDRESS.toString();

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

  private static PublishedPort tcp(int from, int to) {
    return new PublishedPort(Protocol.TCP, Ipv4.ANY, from, to);
  }

  private static PublishedPort udp(int from, int to) {
    return new PublishedPort(Protocol.UDP, Ipv4.ANY, from, to);
  }

  private static void both(String source, NetworkNamespace from, String to, int port)
      throws IOException {
    assertEquals(source, Traffic.tcp(from, to, port), "TCP to " + to);
    assertEquals(source, Traffic.udp(from, to, port), "UDP to " + to);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "0"})
  void publishedPort_isReachedByEveryWay(String bridgedPacketsAreFiltered) throws Exception {
    host.host.setSysctl("bridge/bridge-nf-call-iptables", bridgedPacketsAreFiltered);
    EndpointRecord web =
        engine.attachments().attach(host.call("web", tcp(8080, 80), udp(8080, 80)));
    EndpointRecord neighbour = engine.attachments().attach(host.call("neighbour"));
    engine
        .networks()
        .create(
            new Networks.Wish(
                "other", Optional.empty(), Optional.empty(), false, Map.of(), Map.of()));
    EndpointRecord stranger =
        engine.attachments().attach(host.call("stranger", "other", Optional.empty()));
    String gateway = engine.networks().get("bridge").gateway().toString();
    String address = web.place().address().toString();
    try (NetworkNamespace webNs = NetworkNamespace.open(web.netns());
        NetworkNamespace neighbourNs = NetworkNamespace.open(neighbour.netns());
        NetworkNamespace strangerNs = NetworkNamespace.open(stranger.netns());
        AutoCloseable _ = Traffic.echo(webNs, 80)) {
      both(TestHost.OTHER_MACHINE.toString(), host.lan, HOST, 8080);
      both(HOST, host.host, HOST, 8080);
      both(gateway, host.host, "127.0.0.1", 8080);
      both(gateway, neighbourNs, HOST, 8080);
      both(gateway, neighbourNs, gateway, 8080);
      both(gateway, strangerNs, HOST, 8080);
      both(gateway, webNs, HOST, 8080);
      // Without the published port.
      both(neighbour.place().address().toString(), neighbourNs, address, 80);
      both(gateway, host.host, address, 80);
      assertThrows(IOException.class, () -> Traffic.tcp(strangerNs, address, 80));
    }
  }

  /** Other hosts see the host's address, not that of the container. */
  @Test
  void containers_reachOtherHostsWithTheHostsAddress() throws Exception {
    EndpointRecord client = engine.attachments().attach(host.call("client"));
    try (NetworkNamespace netns = NetworkNamespace.open(client.netns());
        AutoCloseable _ = Traffic.echo(host.lan, 7000)) {
      both(HOST, netns, TestHost.OTHER_MACHINE.toString(), 7000);
    }
  }

  @Test
  void loopbackOfTheHost_isClosedToContainersAndToTheLan() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", tcp(8080, 80)));
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        AutoCloseable _ = Traffic.echo(host.host, 9000)) {
      // A route that an attacker with root in a container would set.
      netns.setSysctl("ipv4/conf/eth0/route_localnet", "1");
      try (RouteSocket links = RouteSocket.open(netns)) {
        links.send(
            new RouteRequest()
                .addRoute(
                    links.link("eth0").index(),
                    TestHost.ip("127.0.0.9"),
                    32,
                    engine.networks().get("bridge").gateway()),
            "attack");
      }
      host.host.setSysctl("ipv4/conf/lan0/route_localnet", "1");
      assertThrows(IOException.class, () -> Traffic.tcp(netns, "127.0.0.9", 9000));
    }
  }

  @Test
  void portAtOneAddress_isNotAtAnother() throws Exception {
    PublishedPort local = new PublishedPort(Protocol.TCP, Ipv4.LOOPBACK, 8080, 80);
    EndpointRecord web = engine.attachments().attach(host.call("web", local));
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      assertEquals(
          engine.networks().get("bridge").gateway().toString(),
          Traffic.tcp(host.host, "127.0.0.1", 8080));
      assertThrows(IOException.class, () -> Traffic.tcp(host.lan, HOST, 8080));
    }
  }

  @Test
  void trafficThroughTheHost_toAPortOfAnotherMachineIsLeftAlone() throws Exception {
    // A rule without a destination would take every connection to that port.
    EndpointRecord web = engine.attachments().attach(host.call("web", tcp(8080, 80)));
    EndpointRecord client = engine.attachments().attach(host.call("client"));
    try (NetworkNamespace webNs = NetworkNamespace.open(web.netns());
        NetworkNamespace clientNs = NetworkNamespace.open(client.netns());
        AutoCloseable _ = Traffic.echo(webNs, 80);
        AutoCloseable _ = Traffic.echo(host.lan, 8080)) {
      assertEquals(HOST, Traffic.tcp(clientNs, TestHost.OTHER_MACHINE.toString(), 8080));
    }
  }

  @Test
  void detached_theHostsPortIsRefusedAndFree() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", tcp(8080, 80)));
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      Traffic.tcp(host.lan, HOST, 8080);
      engine.attachments().detach(web.key());
      assertThrows(IOException.class, () -> Traffic.tcp(host.lan, HOST, 8080));
    }
    EndpointRecord next = engine.attachments().attach(host.call("next", tcp(8080, 81)));
    try (NetworkNamespace netns = NetworkNamespace.open(next.netns());
        AutoCloseable _ = Traffic.echo(netns, 81)) {
      assertEquals(TestHost.OTHER_MACHINE.toString(), Traffic.tcp(host.lan, HOST, 8080));
    }
    assertTrue(engine.awaitReaped());
  }

  // Wall 10: a flow that is older than the rule must not go on without it.
  @Test
  void udpFlowFromBeforeThePublication_reachesTheContainer() throws Exception {
    // From now on the host tracks connections.
    engine.attachments().attach(host.call("first"));
    try (DatagramSocket client = Traffic.datagrams(host.lan)) {
      for (int i = 0; i < 3; i++) {
        Traffic.send(client, HOST, 8080);
      }
      EndpointRecord web = engine.attachments().attach(host.call("web", udp(8080, 80)));
      try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
          AutoCloseable _ = Traffic.echo(netns, 80)) {
        assertEquals(TestHost.OTHER_MACHINE.toString(), Traffic.ask(client, HOST, 8080));
      }
    }
  }

  @Test
  void udpFlowToAContainerThatIsGone_reachesTheNextOne() throws Exception {
    try (DatagramSocket client = Traffic.datagrams(host.lan)) {
      for (int i = 0; i < 3; i++) {
        EndpointRecord web = engine.attachments().attach(host.call("web" + i, udp(8080, 80)));
        try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
            AutoCloseable _ = Traffic.echo(netns, 80)) {
          assertEquals(TestHost.OTHER_MACHINE.toString(), Traffic.ask(client, HOST, 8080));
        }
        engine.attachments().detach(web.key());
      }
    }
  }

  @Test
  void flowsOfAContainerThatIsGone_areForgottenBeforeItsAddressIsFree() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", udp(8080, 80)));
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        ConnectionTracking connections = ConnectionTracking.open(host.host);
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      Traffic.udp(host.lan, HOST, 8080);
      engine.attachments().detach(web.key());
      assertTrue(engine.awaitReaped());
      assertEquals(0, connections.forgetAddresses(Set.of(web.place().address())));
    }
  }

  /** Containers on an internal network reach each other and nothing else. */
  @Test
  void internalNetwork_hasNoWayOut() throws Exception {
    engine
        .networks()
        .create(
            new Networks.Wish(
                "inside", Optional.empty(), Optional.empty(), true, Map.of(), Map.of()));
    EndpointRecord one = engine.attachments().attach(host.call("one", "inside", Optional.empty()));
    EndpointRecord two = engine.attachments().attach(host.call("two", "inside", Optional.empty()));
    try (NetworkNamespace oneNs = NetworkNamespace.open(one.netns());
        NetworkNamespace twoNs = NetworkNamespace.open(two.netns());
        AutoCloseable _ = Traffic.echo(twoNs, 80);
        AutoCloseable _ = Traffic.echo(host.lan, 80)) {
      both(one.place().address().toString(), oneNs, two.place().address().toString(), 80);
      assertThrows(
          IOException.class, () -> Traffic.tcp(oneNs, TestHost.OTHER_MACHINE.toString(), 80));
    }
  }

  @Test
  void hostThatForwardsOnlyForUs_forwardsNothingElse() throws Exception {
    host.host.setSysctl("ipv4/ip_forward", "0");
    engine.attachments().attach(host.call("a"));
    // Another network of the host's, and a machine on it.
    try (NetworkNamespace far = NetworkNamespace.create();
        RouteSocket hostLinks = RouteSocket.open(host.host);
        RouteSocket farLinks = RouteSocket.open(far)) {
      hostLinks.send(
          new RouteRequest()
              .create(
                  new RouteRequest.Cable(
                      "far0", 0, 0, 1500, "far0", Optional.of(far.fd()), Optional.empty()))
              .setUp("far0"),
          "far0");
      hostLinks.send(
          new RouteRequest()
              .addAddress(hostLinks.link("far0").index(), TestHost.ip("192.168.78.1"), 24),
          "far0");
      int index = farLinks.link("far0").index();
      farLinks.send(
          new RouteRequest()
              .setUp(index)
              .addAddress(index, TestHost.ip("192.168.78.2"), 24)
              .addDefaultRoute(index, TestHost.ip("192.168.78.1")),
          "far0");
      try (RouteSocket lanLinks = RouteSocket.open(host.lan);
          AutoCloseable _ = Traffic.echo(far, 80)) {
        lanLinks.send(
            new RouteRequest().addDefaultRoute(lanLinks.link("lan0").index(), TestHost.ADDRESS),
            "lan0");
        assertThrows(IOException.class, () -> Traffic.tcp(host.lan, "192.168.78.2", 80));
        // The rule is what stops it.
        engine.removeAll();
        host.host.setSysctl("ipv4/ip_forward", "1");
        assertEquals(TestHost.OTHER_MACHINE.toString(), Traffic.tcp(host.lan, "192.168.78.2", 80));
        engine = host.start();
      }
      hostLinks.send(new RouteRequest().deleteLink(hostLinks.link("far0").index()), "far0");
    }
  }

  @Test
  void givenNamespace_isAttachedAndLeftToItsOwner() throws Exception {
    try (NetworkNamespace netns = NetworkNamespace.create();
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      Path path = Path.of(netns.fd().procPath());
      EndpointRecord web =
          engine.attachments().attach(host.call("web", "bridge", Optional.of(path), tcp(8080, 80)));
      assertEquals(path, web.netns());
      assertEquals(TestHost.OTHER_MACHINE.toString(), Traffic.tcp(host.lan, HOST, 8080));
      engine.attachments().detach(web.key());
      assertTrue(engine.awaitReaped());
      try (RouteSocket links = RouteSocket.open(netns)) {
        assertEquals(1, links.links().size());
      }
    }
  }

  @Test
  void twoContainersWithSimilarAddresses_keepTheirOwnPorts() throws Exception {
    // The removal of .2 must not take the rules of .20 along.
    for (int i = 0; i < 19; i++) {
      engine.attachments().attach(host.call("c" + i, tcp(9000 + i, 80)));
    }
    List<EndpointRecord> all = new ArrayList<>(engine.attachments().list());
    all.sort(Comparator.comparing(endpoint -> endpoint.place().address()));
    EndpointRecord first = all.getFirst();
    EndpointRecord last =
        all.stream()
            .filter(other -> !other.equals(first))
            .filter(other -> startsWith(other, first))
            .findFirst()
            .orElse(all.getLast());
    engine.attachments().detach(first.key());
    try (NetworkNamespace netns = NetworkNamespace.open(last.netns());
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      assertEquals(
          TestHost.OTHER_MACHINE.toString(),
          Traffic.tcp(host.lan, HOST, last.ports().getFirst().hostPort()));
    }
  }

  private static boolean startsWith(EndpointRecord one, EndpointRecord other) {
    return one.place().address().toString().startsWith(other.place().address().toString());
  }
}
