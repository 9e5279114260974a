package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is published on 127.0.0.0/8 is for this host, whoever asks and by whatever link. */
@Tag("root")
final class LoopbackIT {
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

  /** Lets a machine send packets for 127.0.0.1 to a gateway, for that address is not its own. */
  private static void routeLoopback(NetworkNamespace from, String link, Ipv4 gateway)
      throws IOException {
    from.setSysctl("ipv4/conf/" + link + "/route_localnet", "1");
    TestHost.run(from, "ip", "address", "del", "127.0.0.1/8", "dev", "lo");
    try (RouteSocket links = RouteSocket.open(from)) {
      links.send(
          new RouteRequest().addRoute(links.link(link).index(), Ipv4.LOOPBACK, 32, gateway),
          "attack");
    }
  }

  private EndpointRecord publish(String hostIp) throws IOException {
    Ipv4 at = TestHost.ip(hostIp);
    return engine
        .attachments()
        .attach(
            host.call(
                "web",
                new PublishedPort(Protocol.TCP, at, 8080, 80),
                new PublishedPort(Protocol.UDP, at, 8080, 80)));
  }

  /** A neighbour that routes 127.0.0.1 to this host does not reach a port published there. */
  @ParameterizedTest // case S1
  @ValueSource(strings = {"127.0.0.1", "0.0.0.0"})
  void neighbourThatRoutesLoopbackHere_getsNothing(String hostIp) throws Exception {
    EndpointRecord web = publish(hostIp);
    routeLoopback(host.lan, "lan0", TestHost.ADDRESS);
    String gateway = engine.networks().get("bridge").gateway().toString();
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      assertEquals(gateway, Traffic.tcp(host.host, "127.0.0.1", 8080));
      assertEquals(gateway, Traffic.udp(host.host, "127.0.0.1", 8080));
      assertThrows(IOException.class, () -> Traffic.tcp(host.lan, "127.0.0.1", 8080));
      assertThrows(IOException.class, () -> Traffic.udp(host.lan, "127.0.0.1", 8080));
    }
  }

  /** Nor does a container, on a network of this instance or on a bridge of somebody else. */
  @Test // case S1
  void containersThatRouteLoopbackHere_getNothing() throws Exception {
    EndpointRecord web = publish("127.0.0.1");
    EndpointRecord ours = engine.attachments().attach(host.call("ours"));
    TestHost.run(host.host, "ip", "link", "add", "docker0", "type", "bridge");
    TestHost.run(host.host, "ip", "address", "add", "172.31.0.1/24", "dev", "docker0");
    TestHost.run(host.host, "ip", "link", "set", "docker0", "up");
    try (NetworkNamespace webNs = NetworkNamespace.open(web.netns());
        NetworkNamespace oursNs = NetworkNamespace.open(ours.netns());
        TestHost.Machine theirs = TestHost.machine(host.host, "docker0", "172.31.0.2");
        AutoCloseable _ = Traffic.echo(webNs, 80)) {
      routeLoopback(theirs.netns(), "eth0", TestHost.ip("172.31.0.1"));
      routeLoopback(oursNs, "eth0", engine.networks().get("bridge").gateway());
      assertThrows(IOException.class, () -> Traffic.tcp(theirs.netns(), "127.0.0.1", 8080));
      assertThrows(IOException.class, () -> Traffic.tcp(oursNs, "127.0.0.1", 8080));
    } finally {
      TestHost.run(host.host, "ip", "link", "del", "docker0");
    }
  }
}
