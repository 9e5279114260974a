package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.Networks;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
final class PortsIT {
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

  private static PublishedPort tcp(int from) {
    return new PublishedPort(Protocol.TCP, Ipv4.ANY, from, 80);
  }

  private EndpointRecord attach(String name, PublishedPort... ports) throws Exception {
    return engine.attachments().attach(host.call(name, ports));
  }

  private static int port(EndpointRecord endpoint) {
    return endpoint.ports().getFirst().hostPort();
  }

  @Test
  void automaticPorts_riseFrom49153AndAreReusedLast() throws Exception {
    EndpointRecord first = attach("a", tcp(0));
    assertEquals(49153, port(first));
    assertEquals(49154, port(attach("b", tcp(0))));
    engine.attachments().detach(first.key());
    assertEquals(49155, port(attach("c", tcp(0))));
  }

  @Test
  void automaticPorts_passOverThoseOfOtherPrograms() throws Exception {
    try (AutoCloseable _ = Traffic.echo(host.host, 49153)) {
      assertEquals(49154, port(attach("a", tcp(0))));
    }
  }

  /** The last automatic port is 65535 itself, and then there are no more. */
  @Test
  void automaticPorts_endInclusively() throws Exception {
    engine.removeAll();
    host.extraConfig = "port_first = 65534";
    engine = host.start();
    assertEquals(65534, port(attach("a", tcp(0))));
    EndpointRecord last = attach("b", tcp(0));
    assertEquals(65535, port(last));
    BerthException refused =
        assertThrows(BerthException.ResourceExhausted.class, () -> attach("c", tcp(0)));
    assertTrue(refused.getMessage().startsWith("no more ports available"), refused.getMessage());
    engine.attachments().detach(last.key());
    assertEquals(65535, port(attach("c", tcp(0))));
  }

  /** A program of the host that has the port is named in the refusal. */
  @Test
  void portOfAnotherProgram_isRefusedWithItsName() throws Exception {
    try (AutoCloseable _ = Traffic.echo(host.host, 8080)) {
      BerthException refused =
          assertThrows(BerthException.FailedPrecondition.class, () -> attach("a", tcp(8080)));
      assertTrue(
          refused
              .getMessage()
              .startsWith(
                  "publish `0.0.0.0:8080/tcp`: port is taken by process "
                      + ProcessHandle.current().pid()
                      + " (java)"),
          refused.getMessage());
      assertEquals(
          Obstacle.of(Obstacle.Reason.PORT_TAKEN, Obstacle.Kind.PORT, "0.0.0.0:8080/tcp")
              .heldBy(Obstacle.Kind.PROCESS, Long.toString(ProcessHandle.current().pid())),
          refused.detail());
    }
    assertEquals(8080, port(attach("a", tcp(8080))));
  }

  @Test
  void portOfAnotherContainer_isRefusedWithItsName() throws Exception {
    attach("a", tcp(8080));
    BerthException refused =
        assertThrows(BerthException.FailedPrecondition.class, () -> attach("b", tcp(8080)));
    assertEquals(
        "publish `0.0.0.0:8080/tcp`: port is taken by container `a`; remove it or choose another"
            + " port",
        refused.getMessage());
    assertEquals(
        Obstacle.of(Obstacle.Reason.PORT_TAKEN, Obstacle.Kind.PORT, "0.0.0.0:8080/tcp")
            .heldBy(Obstacle.Kind.CONTAINER, "a"),
        refused.detail());
    // 8080 in use does not make 80 in use, and a port of TCP is none of UDP.
    attach("c", tcp(80), new PublishedPort(Protocol.UDP, Ipv4.ANY, 8080, 80));
  }

  /** A refused attach gives back what it took, on this /29 the address above all. */
  @Test
  void refusedAttach_leavesNothing() throws Exception {
    engine.removeAll();
    host.extraConfig = "prefix = 29";
    engine = host.start();
    attach("a", tcp(8080));
    for (int i = 0; i < 20; i++) {
      assertThrows(
          BerthException.FailedPrecondition.class, () -> attach("b", tcp(7070), tcp(8080)));
    }
    attach("c", tcp(7070));
    assertEquals(2, engine.attachments().list().size());
  }

  @Test
  void manyPorts_areHeldAndLetGoTogether() throws Exception {
    PublishedPort[] many = new PublishedPort[600];
    for (int i = 0; i < many.length; i++) {
      many[i] = tcp(20_000 + i);
    }
    EndpointRecord endpoint = attach("a", many);
    assertEquals(600, engine.publishedPorts());
    engine.attachments().detach(endpoint.key());
    assertEquals(0, engine.publishedPorts());
    attach("b", many);
  }

  @Test
  void addressThatTheHostHasNot_isRefused() {
    PublishedPort nowhere = new PublishedPort(Protocol.TCP, TestHost.ip("203.0.113.9"), 80, 80);
    BerthException refused =
        assertThrows(BerthException.FailedPrecondition.class, () -> attach("a", nowhere));
    assertTrue(refused.getMessage().contains("no address `203.0.113.9`"), refused.getMessage());
  }

  @Test
  void loopbackOfTheBridge_isOpenOnlyWhileAPortIsPublished() throws Exception {
    attach("a");
    String key = "ipv4/conf/" + engine.settings().names().bridge() + "/route_localnet";
    assertEquals("0", host.host.sysctl(key));
    EndpointRecord published = attach("b", tcp(8080));
    assertEquals("1", host.host.sysctl(key));
    assertEquals("0", host.host.sysctl("ipv4/conf/all/route_localnet"));
    engine.attachments().detach(published.key());
    assertEquals("0", host.host.sysctl(key));
  }

  @Test
  void forwarding_isSwitchedOnAndSetBackAtTheEnd() throws Exception {
    host.host.setSysctl("ipv4/ip_forward", "0");
    attach("a");
    assertEquals("1", host.host.sysctl("ipv4/ip_forward"));
    assertFalse(engine.warnings().isEmpty());
    engine.removeAll();
    assertEquals("0", host.host.sysctl("ipv4/ip_forward"));
    engine = host.start();
  }

  /** Somebody who asks why a port is not reached is told which chain drops packets. */
  @Test
  void firewallThatDropsForwardedPackets_isNamed() throws Exception {
    engine.removeAll();
    host.extraConfig = "firewall = \"strict\"";
    engine = host.start();
    attach("a", tcp(8080));
    assertEquals(
        2,
        engine.attachments().explain(tcp(8080)).size(),
        () -> "published and held, nothing in the way");
    Path pin = folder.resolve("pin");
    host.host.pin(pin);
    try {
      assertEquals(
          0,
          new ProcessBuilder(
                  "nsenter",
                  "--net=" + pin,
                  "nft",
                  "add table ip filter; add chain ip filter FORWARD"
                      + " { type filter hook forward priority 0; policy drop; }")
              .inheritIO()
              .start()
              .waitFor());
      String finding = engine.attachments().explain(tcp(8080)).getLast();
      assertTrue(finding.startsWith("chain `ip filter FORWARD` drops"), finding);
      assertTrue(engine.warnings().contains(finding));
    } finally {
      NetworkNamespace.unpin(pin);
    }
  }

  /** Among the sockets that hold other ports, whether their programs listen or not. */
  @Test // case N10
  void explainedPort_namesItsHolderOrNobody() throws Exception {
    attach("a", tcp(8080));
    assertEquals(
        List.of("nobody on this host has port 5999/tcp"), engine.attachments().explain(tcp(5999)));
    try (AutoCloseable _ = Traffic.echo(host.host, 5999)) {
      assertEquals(
          List.of("held on this host by process " + ProcessHandle.current().pid() + " (java)"),
          engine.attachments().explain(tcp(5999)));
    }
  }

  /** From a container there, and to it. */
  @Test // case N8
  void internalNetwork_isClosedToPublishedPortsBothWays() throws Exception {
    engine
        .networks()
        .create(
            new Networks.Wish(
                "closed",
                Optional.empty(),
                Optional.empty(),
                /* internal= */ true,
                Map.of(),
                Map.of()));
    EndpointRecord web = attach("web", tcp(8080));
    EndpointRecord inside =
        engine.attachments().attach(host.call("inside", "closed", Optional.empty()));
    EndpointRecord beside =
        engine.attachments().attach(host.call("beside", "closed", Optional.empty()));
    BerthException refused =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> engine.attachments().attach(host.call("x", "closed", Optional.empty(), tcp(81))));
    assertTrue(refused.getMessage().contains("network `closed` is internal"), refused.getMessage());
    try (NetworkNamespace webNs = NetworkNamespace.open(web.netns());
        NetworkNamespace insideNs = NetworkNamespace.open(inside.netns());
        NetworkNamespace besideNs = NetworkNamespace.open(beside.netns());
        AutoCloseable _ = Traffic.echo(webNs, 80);
        AutoCloseable _ = Traffic.echo(besideNs, 80)) {
      assertEquals(
          TestHost.OTHER_MACHINE.toString(),
          Traffic.tcp(host.lan, TestHost.ADDRESS.toString(), 8080));
      assertThrows(
          IOException.class, () -> Traffic.tcp(insideNs, TestHost.ADDRESS.toString(), 8080));
      assertEquals(
          inside.place().address().toString(),
          Traffic.tcp(insideNs, beside.place().address().toString(), 80));
    }
  }

  @Test // case N11
  void rangeOfFiveThousandPorts_isPublishedAndGivenBack() throws Exception {
    List<PublishedPort> range = new ArrayList<>();
    for (int port = 20000; port < 25000; port++) {
      range.add(new PublishedPort(Protocol.TCP, Ipv4.ANY, port, port));
    }
    EndpointRecord many = attach("many", range.toArray(PublishedPort[]::new));
    assertEquals(5000, engine.publishedPorts());
    try (NetworkNamespace netns = NetworkNamespace.open(many.netns());
        AutoCloseable _ = Traffic.echo(netns, 24999)) {
      assertEquals(
          TestHost.OTHER_MACHINE.toString(),
          Traffic.tcp(host.lan, TestHost.ADDRESS.toString(), 24999));
    }
    engine.attachments().detach(many.key());
    assertEquals(0, engine.publishedPorts());
    attach("one", tcp(20000));
  }

  @Test
  void twoInstancesOnOneHost_haveTheirOwnSubnetsAndRules() throws Exception {
    host.host.setSysctl("ipv4/ip_forward", "0");
    EndpointRecord mine = attach("a", tcp(8080));
    try (TestHost beside = host.beside(folder.resolve("beside"))) {
      NetworkEngine other = beside.start();
      EndpointRecord theirs = other.attachments().attach(beside.call("a", tcp(8081)));
      assertFalse(
          engine
              .networks()
              .get("bridge")
              .subnet()
              .overlaps(other.networks().get("bridge").subnet()));
      try (NetworkNamespace netns = NetworkNamespace.open(theirs.netns());
          NetworkNamespace mineNs = NetworkNamespace.open(mine.netns());
          AutoCloseable _ = Traffic.echo(netns, 80);
          AutoCloseable _ = Traffic.echo(mineNs, 80)) {
        assertEquals(
            TestHost.OTHER_MACHINE.toString(),
            Traffic.tcp(host.lan, TestHost.ADDRESS.toString(), 8081));
        // The first instance drops what it did not switch forwarding on for; not this.
        try (AutoCloseable _ = Traffic.echo(host.lan, 7000)) {
          for (NetworkNamespace from : List.of(netns, mineNs)) {
            assertEquals(
                TestHost.ADDRESS.toString(),
                Traffic.tcp(from, TestHost.OTHER_MACHINE.toString(), 7000));
          }
        }
        other.removeAll();
        assertEquals(
            TestHost.OTHER_MACHINE.toString(),
            Traffic.tcp(host.lan, TestHost.ADDRESS.toString(), 8080));
      }
    }
    assertEquals(List.of(mine), engine.attachments().list());
  }
}
