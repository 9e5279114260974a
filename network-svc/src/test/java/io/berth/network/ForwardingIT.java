package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.net.NetworkNamespace;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.NetworkStore;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A host that did not forward packets before Berth came, and what else is on it. */
@Tag("root")
final class ForwardingIT {
  private static final String FORWARD = "ipv4/ip_forward";
  private static final String LAN = TestHost.OTHER_MACHINE.toString();
  private static final String FIRST = "172.31.0.2";
  private static final String SECOND = "172.31.0.3";

  @TempDir Path folder;
  private TestHost host;
  private NetworkEngine engine;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
    host.host.setSysctl(FORWARD, "0");
    engine = host.start();
  }

  @AfterEach
  void removeHost() throws Exception {
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
    assertEquals(Set.of(), records(), "what the last instance leaves beside the lock");
    host.close();
  }

  /** What instances have written down for each other. */
  private Set<String> records() throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(folder, host.lock.getFileName() + ".?*")) {
      files.forEach(file -> names.add(file.getFileName().toString()));
    }
    return names;
  }

  /** The bridge of another engine. */
  private void makeBridge() throws IOException {
    TestHost.run(host.host, "ip", "link", "add", "docker0", "type", "bridge");
    TestHost.run(host.host, "ip", "address", "add", "172.31.0.1/24", "dev", "docker0");
    TestHost.run(host.host, "ip", "link", "set", "docker0", "up");
    TestHost.run(host.lan, "ip", "route", "replace", "default", "via", TestHost.ADDRESS.toString());
  }

  private void removeBridge() throws IOException {
    TestHost.run(host.host, "ip", "link", "del", "docker0");
  }

  /** With br_netfilter a frame from port to port passes the hook for forwarded packets too. */
  @ParameterizedTest // case N1
  @CsvSource({"before, 1", "after, 1", "before, 0", "after, 0"})
  void framesWithinAnothersBridge_arrive(String bridgeComes, String filtered) throws Exception {
    host.host.setSysctl("bridge/bridge-nf-call-iptables", filtered);
    if (bridgeComes.equals("before")) {
      makeBridge();
    }
    engine.attachments().attach(host.call("a"));
    assertEquals("1", host.host.sysctl(FORWARD));
    if (bridgeComes.equals("after")) {
      makeBridge();
    }
    try (TestHost.Machine first = TestHost.machine(host.host, "docker0", FIRST);
        TestHost.Machine second = TestHost.machine(host.host, "docker0", SECOND);
        AutoCloseable _ = Traffic.echo(second.netns(), 80)) {
      assertEquals(FIRST, Traffic.tcp(first.netns(), SECOND, 80));
      assertEquals(FIRST, Traffic.udp(first.netns(), SECOND, 80));
      engine.stop();
      engine = host.start();
      assertEquals(FIRST, Traffic.tcp(first.netns(), SECOND, 80));
    } finally {
      removeBridge();
    }
  }

  /** Packets that were not forwarded before the first container are not forwarded after it. */
  @Test // case N1
  void packetsBetweenLinksOfBefore_areDropped() throws Exception {
    makeBridge();
    engine.attachments().attach(host.call("a"));
    try (TestHost.Machine first = TestHost.machine(host.host, "docker0", FIRST);
        AutoCloseable _ = Traffic.echo(first.netns(), 80);
        AutoCloseable _ = Traffic.echo(host.lan, 80)) {
      assertThrows(IOException.class, () -> Traffic.tcp(host.lan, FIRST, 80));
      assertThrows(IOException.class, () -> Traffic.tcp(first.netns(), LAN, 80));
      String warning = engine.warnings().getFirst();
      assertTrue(warning.contains("net.ipv4.ip_forward"), warning);
      assertTrue(warning.contains("forward_policy"), warning);
    } finally {
      removeBridge();
    }
  }

  /** Whoever makes a bridge on a host that forwards has to decide what may pass it. */
  @Test // case N1
  void packetsOfABridgeThatCameLater_areLeftToItsMaker() throws Exception {
    engine.attachments().attach(host.call("a"));
    makeBridge();
    try (TestHost.Machine first = TestHost.machine(host.host, "docker0", FIRST);
        AutoCloseable _ = Traffic.echo(first.netns(), 80);
        AutoCloseable _ = Traffic.echo(host.lan, 80)) {
      assertEquals(FIRST, Traffic.tcp(first.netns(), LAN, 80));
      assertEquals(LAN, Traffic.tcp(host.lan, FIRST, 80));
    } finally {
      removeBridge();
    }
  }

  @Test // case N1
  void forwardPolicyAccept_letsEverythingPass() throws Exception {
    host.extraConfig = "forward_policy = \"accept\"";
    engine.stop();
    engine = host.start();
    makeBridge();
    engine.attachments().attach(host.call("a"));
    try (TestHost.Machine first = TestHost.machine(host.host, "docker0", FIRST);
        AutoCloseable _ = Traffic.echo(first.netns(), 80)) {
      assertEquals(LAN, Traffic.tcp(host.lan, FIRST, 80));
    } finally {
      removeBridge();
    }
    engine.removeAll();
    assertEquals("0", host.host.sysctl(FORWARD));
    engine = host.start();
  }

  @Test
  void unknownForwardPolicy_isRefusedByName() {
    host.extraConfig = "forward_policy = \"perhaps\"";
    BerthException refused =
        assertThrows(BerthException.InvalidArgument.class, () -> host.component().engine());
    assertEquals(
        "key `network.forward_policy`: `perhaps` is neither `drop` nor `accept`",
        refused.getMessage());
    host.extraConfig = "";
  }

  /** Two instances overlap, and either of them may leave first. */
  @ParameterizedTest // case N1
  @ValueSource(booleans = {true, false})
  void lastInstanceThatLeaves_setsTheValueOfBefore(boolean firstLeavesFirst) throws Exception {
    makeBridge();
    engine.attachments().attach(host.call("a"));
    try (TestHost beside = host.beside(folder.resolve("beside"));
        TestHost.Machine guest = TestHost.machine(host.host, "docker0", FIRST);
        AutoCloseable _ = Traffic.echo(guest.netns(), 80);
        AutoCloseable _ = Traffic.echo(host.lan, 7000)) {
      NetworkEngine other = beside.start();
      other.attachments().attach(beside.call("a"));
      (firstLeavesFirst ? engine : other).removeAll();
      assertEquals("1", host.host.sysctl(FORWARD));
      NetworkEngine left = firstLeavesFirst ? other : engine;
      EndpointRecord client = left.attachments().list().getFirst();
      try (NetworkNamespace netns = NetworkNamespace.open(client.netns())) {
        assertEquals(TestHost.ADDRESS.toString(), Traffic.tcp(netns, LAN, 7000));
      }
      assertThrows(IOException.class, () -> Traffic.tcp(host.lan, FIRST, 80));
      left.removeAll();
      assertEquals("0", host.host.sysctl(FORWARD));
    } finally {
      removeBridge();
    }
    engine = host.start();
  }

  /**
   * A bridge with an address that came since may need forwarding; one without passes frames only.
   */
  @ParameterizedTest // case N1
  @CsvSource({"true, 1", "false, 0"})
  void valueOfBefore_isLeftAloneWhereABridgeCameThatRoutes(boolean address, String left)
      throws Exception {
    engine.attachments().attach(host.call("a"));
    makeBridge();
    if (!address) {
      TestHost.run(host.host, "ip", "address", "flush", "dev", "docker0");
    }
    engine.removeAll();
    assertEquals(left, host.host.sysctl(FORWARD));
    removeBridge();
    engine = host.start();
  }

  /** Rules for forwarded packets that came since may need it; those of before did without. */
  @ParameterizedTest // case N1
  @CsvSource({"true, 1", "false, 0"})
  void valueOfBefore_isLeftAloneWhereRulesCame(boolean rules, String left) throws Exception {
    TestHost.run(
        host.host,
        "nft",
        "add table ip filter; add chain ip filter FORWARD"
            + " { type filter hook forward priority 0; policy accept; };"
            + " add rule ip filter FORWARD counter");
    engine.attachments().attach(host.call("a"));
    if (rules) {
      TestHost.run(host.host, "nft", "add rule ip filter FORWARD iifname wg0 accept");
    }
    engine.removeAll();
    assertEquals(left, host.host.sysctl(FORWARD));
    TestHost.run(host.host, "nft", "delete table ip filter");
    engine = host.start();
  }

  /** An older build recorded the value of before for its instance alone. */
  @Test // case N1
  void recordOfAnOlderBuild_isHonoured() throws Exception {
    engine.attachments().attach(host.call("a"));
    engine.stop();
    for (String record : records()) {
      Files.delete(folder.resolve(record));
    }
    try (NetworkStore store = NetworkStore.open(engine.settings().database())) {
      store.setSetting("sysctl." + FORWARD, "0");
    }
    engine = host.start();
    assertTrue(engine.warnings().getFirst().contains("ip_forward"));
    engine.removeAll();
    assertEquals("0", host.host.sysctl(FORWARD));
    engine = host.start();
  }

  /** The value of another boot says nothing about this one, in which the host forwards. */
  @Test // case N1
  void recordOfAnotherBoot_isMoot() throws Exception {
    host.host.setSysctl(FORWARD, "1");
    engine.stop();
    try (NetworkStore store = NetworkStore.open(engine.settings().database())) {
      store.setSetting("sysctl." + FORWARD, "0");
      store.setSetting("boot", "another");
    }
    engine = host.start();
    engine.attachments().attach(host.call("a"));
    assertEquals(List.of(), engine.warnings());
    engine.removeAll();
    assertEquals("1", host.host.sysctl(FORWARD));
    engine = host.start();
  }
}
