package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.Fd;
import io.berth.linux.KernelFeature;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.linux.Sockets;
import io.berth.linux.net.ForwardChain;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.NftTransaction;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.port.KeeperClient;
import io.berth.network.port.PublishedPort;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What others do to the host while the service lives, and nobody asks it for anything. */
@Tag("root")
final class HostChangesIT {
  private static final String HOST = TestHost.ADDRESS.toString();
  private static final String LAN = TestHost.OTHER_MACHINE.toString();
  private static final PublishedPort PORT = new PublishedPort(Protocol.TCP, Ipv4.ANY, 8080, 80);

  @TempDir Path folder;
  private TestHost host;
  private NetworkEngine engine;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
    host.keepers =
        settings ->
            KeeperClient.open(
                settings.keeperSocket(),
                Path.of("../native/target/bin/berth-supervisor").toAbsolutePath(),
                /* cgroup= */ null);
    engine = host.start();
  }

  @AfterEach
  void removeHost() throws Exception {
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
    host.close();
  }

  private EndpointRecord web() throws IOException {
    return engine.attachments().attach(host.call("web", PORT));
  }

  /** The port is reached from the LAN, the container from its neighbour, and the LAN from it. */
  private void everythingPasses(EndpointRecord web, EndpointRecord neighbour) throws Exception {
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        NetworkNamespace beside = NetworkNamespace.open(neighbour.netns());
        AutoCloseable _ = Traffic.echo(netns, 80);
        AutoCloseable _ = Traffic.echo(host.lan, 7000)) {
      Eventually.answers("reached the port", () -> Traffic.tcp(host.lan, HOST, 8080), LAN::equals);
      Eventually.answers(
          "reached the neighbour",
          () -> Traffic.tcp(beside, web.place().address().toString(), 80),
          neighbour.place().address().toString()::equals);
      Eventually.answers("left the host", () -> Traffic.tcp(netns, LAN, 7000), HOST::equals);
    }
  }

  /** Where tables have no owner one command takes them all. */
  @ParameterizedTest // case N9
  @ValueSource(strings = {"flush ruleset", "flush table inet %s", "flush chain inet %s incoming"})
  void flushedRules_areThereAgain(String command) throws Exception {
    engine.stop();
    String table = engine.settings().names().table();
    Set<KernelFeature> before = KernelFeature.doWithout(Set.of(KernelFeature.NFT_TABLE_PERSIST));
    try {
      engine = host.start();
      EndpointRecord web = web();
      EndpointRecord neighbour = engine.attachments().attach(host.call("neighbour"));
      TestHost.run(host.host, "nft", command.formatted(table));
      everythingPasses(web, neighbour);
    } finally {
      var _ = KernelFeature.doWithout(before);
    }
  }

  /** A table that was made without an owner stays so, on a newer kernel and by a newer build. */
  @Test // case N9
  void aTableWithoutAnOwner_isTakenOver() throws Exception {
    engine.stop();
    String table = engine.settings().names().table();
    TestHost.run(host.host, "nft", "add table inet " + table);
    engine = host.start();
    everythingPasses(web(), engine.attachments().attach(host.call("neighbour")));
  }

  @ParameterizedTest // case N6
  @ValueSource(
      strings = {
        "link del %1$s",
        "link set %1$s down",
        "address flush dev %1$s",
        "link del %2$s",
        "link set %2$s nomaster",
        "link set %2$s down"
      })
  void changedLinks_areMendedBeforeAnybodyAsks(String command) throws Exception {
    EndpointRecord web = web();
    EndpointRecord neighbour = engine.attachments().attach(host.call("neighbour"));
    String text = command.formatted(engine.settings().names().bridge(), web.place().hostLink());
    TestHost.run(host.host, ("ip " + text).split(" "));
    everythingPasses(web, neighbour);
  }

  /** Whether or not the watch was quicker. */
  @ParameterizedTest // case N6
  @ValueSource(strings = {"del", "down"})
  void attachAfterTheBridgeWent_isReady(String how) throws Exception {
    EndpointRecord web = web();
    String bridge = engine.settings().names().bridge();
    TestHost.run(
        host.host,
        (how.equals("del") ? "ip link del " + bridge : "ip link set " + bridge + " down")
            .split(" "));
    everythingPasses(web, engine.attachments().attach(host.call("next")));
  }

  private List<String> marked(String table) throws IOException {
    try (NftSocket nft = NftSocket.open(host.host)) {
      return nft.forwardChains().stream()
          .filter(chain -> chain.name().table().equals(table))
          .flatMap(chain -> chain.rules().stream())
          .map(ForwardChain.Rule::comment)
          .filter(comment -> comment.equals("berth:" + host.instance))
          .toList();
    }
  }

  /** As dockerd and ufw do, before the first container or after it, and a firewall's restart. */
  @ParameterizedTest // case N2
  @ValueSource(booleans = {true, false})
  void dropPolicyOfAnotherFirewall_letsContainersPass(boolean before) throws Exception {
    if (before) {
      TestHost.run(host.host, "iptables-nft", "-P", "FORWARD", "DROP");
    }
    EndpointRecord web = web();
    EndpointRecord neighbour = engine.attachments().attach(host.call("neighbour"));
    if (!before) {
      TestHost.run(host.host, "iptables-nft", "-P", "FORWARD", "DROP");
    }
    Eventually.answers(
        "wrote its rules", () -> marked("filter").size(), Integer.valueOf(2)::equals);
    everythingPasses(web, neighbour);
    // The program that the administrator uses still understands its own table.
    TestHost.run(host.host, "iptables-nft", "-S", "FORWARD");
    TestHost.run(
        host.host,
        "iptables-nft",
        "-C",
        "FORWARD",
        "-i",
        "br-" + host.instance + "+",
        "-m",
        "comment",
        "--comment",
        "berth:" + host.instance,
        "-j",
        "ACCEPT");
    String finding = engine.attachments().explain(PORT).getLast();
    assertTrue(finding.contains("`ip filter FORWARD` has rules marked `berth:"), finding);
    assertTrue(engine.warnings().contains(finding), "named in info");
    TestHost.run(host.host, "iptables-nft", "-F", "FORWARD");
    Eventually.answers(
        "wrote them again", () -> marked("filter").size(), Integer.valueOf(2)::equals);
    engine.removeAll();
    assertEquals(List.of(), marked("filter"), "taken away at the end");
    engine = host.start();
  }

  /** The administrator's own rules go before; what ends a chain comes after. */
  @Test // case N2
  void rulesOfTheAdministrator_count() throws Exception {
    TestHost.run(
        host.host,
        "nft",
        "add table inet own; add chain inet own passing { type filter hook forward priority 5; };"
            + " add rule inet own passing tcp dport 7000 drop; add rule inet own passing counter"
            + " reject");
    EndpointRecord web = web();
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        AutoCloseable _ = Traffic.echo(netns, 80);
        AutoCloseable _ = Traffic.echo(host.lan, 7000);
        AutoCloseable _ = Traffic.echo(host.lan, 7001)) {
      assertEquals(LAN, Traffic.tcp(host.lan, HOST, 8080));
      assertEquals(HOST, Traffic.tcp(netns, LAN, 7001));
      assertThrows(IOException.class, () -> Traffic.tcp(netns, LAN, 7000));
    }
    TestHost.run(host.host, "nft", "delete table inet own");
  }

  @Test // case N2
  void strict_leavesOthersChainsAlone() throws Exception {
    engine.removeAll();
    host.extraConfig = "firewall = \"strict\"";
    engine = host.start();
    TestHost.run(host.host, "iptables-nft", "-P", "FORWARD", "DROP");
    EndpointRecord web = web();
    assertEquals(List.of(), marked("filter"));
    List<String> warnings = engine.warnings();
    assertTrue(
        warnings.stream().anyMatch(each -> each.startsWith("chain `ip filter FORWARD` drops")),
        warnings.toString());
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      assertThrows(IOException.class, () -> Traffic.tcp(host.lan, HOST, 8080));
    }
    host.extraConfig = "firewall = \"open\"";
    assertEquals(
        "key `network.firewall`: `open` is none of `auto`, `accept` and `strict`",
        assertThrows(BerthException.InvalidArgument.class, () -> host.component().engine())
            .getMessage());
    host.extraConfig = "";
  }

  /** Another program must not be given a port in the time until somebody asks. */
  @Test // case K2
  void keeperThatIsKilled_isReplacedAtOnceAndHoldsThePorts() throws Exception {
    EndpointRecord web = web();
    int first = keeper();
    ProcessHandle.of(first).orElseThrow().destroyForcibly();
    Eventually.holds("was there another keeper", () -> keeper() != first);
    Eventually.holds(
        "was the port held again",
        () -> engine.attachments().explain(PORT).toString().contains("process " + keeper() + " "));
    everythingPasses(web, engine.attachments().attach(host.call("neighbour")));
  }

  /** One that is stopped answers nothing and keeps its ports, so it is ended. */
  @Test // case K4
  void keeperThatHangs_isReplaced() throws Exception {
    int first = keeper();
    try (Fd pidfd = Processes.openPidfd(first)) {
      Processes.sendSignal(pidfd, Signal.SIGSTOP.number());
    }
    EndpointRecord web = web();
    assertNotEquals(first, keeper());
    everythingPasses(web, engine.attachments().attach(host.call("neighbour")));
  }

  private int keeper() throws IOException {
    try (Fd connection =
        Sockets.connect(
            Sockets.Kind.SEQPACKET, engine.settings().keeperSocket(), /* nonBlocking= */ false)) {
      return Sockets.peer(connection).pid();
    }
  }

  /** Somebody else has a table of our name, so ours cannot be made: as on a kernel without any. */
  @Test // case V3
  void kernelThatTakesNoTable_isToldAndEverythingWithoutABridgeWorks() throws Exception {
    EndpointRecord web = web();
    engine.stop();
    String table = engine.settings().names().table();
    try (NftSocket stranger = NftSocket.open(host.host)) {
      try (NftSocket own = NftSocket.open(host.host)) {
        own.commit(new NftTransaction(table).addOwnedTable().deleteTable());
      }
      stranger.commit(new NftTransaction(table).addOwnedTable());
      engine = host.start();
      BerthException.FailedPrecondition reason =
          assertThrows(BerthException.FailedPrecondition.class, () -> engine.checkReady());
      assertTrue(reason.getMessage().contains("packet filter"), reason.getMessage());
      EndpointRecord none =
          engine.attachments().attach(host.call("none", "none", Optional.empty()));
      engine.attachments().detach(none.key());
      BerthException refused =
          assertThrows(
              BerthException.FailedPrecondition.class,
              () -> engine.attachments().attach(host.call("next")));
      assertFalse(refused.getMessage().contains("\n"));
      assertEquals(List.of(web), engine.attachments().list(), "what runs keeps what it has");
      stranger.commit(new NftTransaction(table).deleteTable());
    }
    engine.checkReady();
    engine.catchUp();
    everythingPasses(web, engine.attachments().attach(host.call("next")));
  }
}
