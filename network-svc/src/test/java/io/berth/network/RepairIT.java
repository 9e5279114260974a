package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.NftTransaction;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import io.berth.network.address.Subnet;
import io.berth.network.endpoint.AttachCall;
import io.berth.network.endpoint.EndpointKey;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.Holder;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.endpoint.NetworkRecord;
import io.berth.network.endpoint.NetworkStore;
import io.berth.network.endpoint.Networks;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong when the service starts is right when it has started. */
@Tag("root")
final class RepairIT {
  private static final String HOST = TestHost.ADDRESS.toString();
  private static final PublishedPort PORT = new PublishedPort(Protocol.TCP, Ipv4.ANY, 8080, 80);

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

  private void restart() throws IOException {
    engine.stop();
    engine = host.start();
  }

  private void answers(EndpointRecord endpoint) throws Exception {
    try (NetworkNamespace netns = NetworkNamespace.open(endpoint.netns());
        AutoCloseable _ = Traffic.echo(netns, 80)) {
      assertEquals(TestHost.OTHER_MACHINE.toString(), Traffic.tcp(host.lan, HOST, 8080));
    }
  }

  @Test
  void restart_keepsEndpointsAddressesPortsAndRules() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    Set<String> before = host.leftovers();
    before.removeIf(line -> !line.contains(web.id()) && !line.startsWith("table"));
    restart();
    restart();
    assertEquals(List.of(web), engine.attachments().list());
    assertTrue(host.leftovers().containsAll(before));
    answers(web);
    assertThrows(
        BerthException.FailedPrecondition.class,
        () -> engine.attachments().attach(host.call("other", PORT)));
    EndpointRecord next = engine.attachments().attach(host.call("next"));
    assertEquals(
        web.place().address().bits() + 1,
        next.place().address().bits(),
        "the next address comes behind the last one");
  }

  @Test
  void missingLink_isLaidAgainWithTheSameAddress() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    try (RouteSocket links = RouteSocket.open(host.host)) {
      Link link = links.link(web.place().hostLink());
      links.send(new RouteRequest().deleteLink(link.index()), "sabotage");
    }
    restart();
    answers(web);
  }

  @Test
  void missingLinkOfAGivenNamespace_letsTheEndpointGo() throws Exception {
    try (NetworkNamespace first = NetworkNamespace.create();
        NetworkNamespace second = NetworkNamespace.create()) {
      Path path = folder.resolve("given");
      first.pin(path);
      EndpointRecord web =
          engine.attachments().attach(host.call("web", "bridge", Optional.of(path), PORT));
      engine.stop();
      NetworkNamespace.unpin(path);
      try (RouteSocket links = RouteSocket.open(host.host)) {
        Link link = links.link(web.place().hostLink());
        links.send(new RouteRequest().deleteLink(link.index()), "sabotage");
      }
      // Somebody else's namespace at the same path, as /proc/PID/ns/net can be.
      second.pin(path);
      try (RouteSocket inside = RouteSocket.open(second)) {
        engine = host.start();
        assertEquals(List.of(), engine.attachments().list());
        assertEquals(1, inside.links().size());
      } finally {
        NetworkNamespace.unpin(path);
      }
    }
  }

  @Test
  void missingBridge_isMadeAgainAndItsPortsArePluggedIn() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    try (RouteSocket links = RouteSocket.open(host.host)) {
      Link bridge = links.link(engine.settings().names().bridge());
      links.send(new RouteRequest().deleteLink(bridge.index()), "sabotage");
    }
    restart();
    answers(web);
  }

  /** The service died between the end of a network's record and that of its bridge. */
  @Test
  void bridgeOfNoNetwork_isTakenAway() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    NetworkRecord gone =
        engine
            .networks()
            .create(
                new Networks.Wish(
                    "gone",
                    Optional.empty(),
                    Optional.empty(),
                    /* internal= */ false,
                    Map.of(),
                    Map.of()));
    engine.stop();
    try (NetworkStore store = NetworkStore.open(engine.settings().database())) {
      store.removeNetwork(gone.id());
    }
    engine = host.start();
    try (RouteSocket links = RouteSocket.open(host.host)) {
      assertNull(links.link(gone.bridge()));
    }
    answers(web);
  }

  @Test
  void missingTable_isMadeAgain() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    engine.stop();
    try (NftSocket nft = NftSocket.open(host.host)) {
      nft.commit(new NftTransaction(engine.settings().names().table()).deleteTable());
    }
    engine = host.start();
    answers(web);
  }

  @Test
  void missingNamespace_letsTheEndpointGo() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    engine.stop();
    NetworkNamespace.unpin(web.netns());
    engine = host.start();
    assertEquals(List.of(), engine.attachments().list());
    assertTrue(engine.awaitReaped());
    engine.attachments().attach(host.call("web", PORT));
  }

  @Test
  void halfMadeAndHalfRemovedEndpoints_areUndone() throws Exception {
    EndpointRecord intended = engine.attachments().attach(host.call("a", PORT));
    EndpointRecord leaving = engine.attachments().attach(host.call("b"));
    engine.stop();
    try (NetworkStore store = NetworkStore.open(engine.settings().database())) {
      store.setState(intended.id(), EndpointRecord.State.INTENDED);
      store.setState(leaving.id(), EndpointRecord.State.LEAVING);
    }
    engine = host.start();
    assertEquals(List.of(), engine.attachments().list());
    assertTrue(engine.awaitReaped());
    try (RouteSocket links = RouteSocket.open(host.host)) {
      assertEquals(null, links.link(intended.place().hostLink()));
      assertEquals(null, links.link(leaving.place().hostLink()));
    }
    assertFalse(Files.exists(intended.netns()));
    assertFalse(Files.exists(leaving.netns()));
    assertEquals(0, engine.publishedPorts());
    engine.attachments().attach(host.call("c", PORT));
  }

  @Test
  void strangersLinksAndNames_areNotTouched() throws Exception {
    try (RouteSocket links = RouteSocket.open(host.host)) {
      links.send(
          new RouteRequest()
              .create(
                  new RouteRequest.Cable(
                      "btabcdefghij", 0, 0, 1500, "peer0", Optional.empty(), Optional.empty())),
          "stranger");
      restart();
      assertTrue(engine.awaitReaped());
      assertNotNull(links.link("btabcdefghij"));
      links.send(new RouteRequest().deleteLink(links.link("btabcdefghij").index()), "stranger");
    }
  }

  /** After a reboot no endpoint can exist any more, while networks are configuration and stay. */
  @Test
  void otherBoot_forgetsEndpointsAndKeepsNetworks() throws Exception {
    engine.attachments().attach(host.call("web", PORT));
    String subnet = engine.networks().get("bridge").subnet().toString();
    engine.stop();
    try (NetworkStore store = NetworkStore.open(engine.settings().database())) {
      store.setSetting("boot", "another");
    }
    engine = host.start();
    assertEquals(List.of(), engine.attachments().list());
    assertEquals(subnet, engine.networks().get("bridge").subnet().toString());
  }

  @Test
  void openConnection_survivesRestartsAndForeignFlushes() throws Exception {
    EndpointRecord web = engine.attachments().attach(host.call("web", PORT));
    try (NetworkNamespace netns = NetworkNamespace.open(web.netns());
        ServerSocket server = netns.call(() -> new ServerSocket(80));
        Socket client =
            host.lan.call(() -> {
              Socket made = new Socket();
              made.bind(new InetSocketAddress("0.0.0.0", 0));
              return made;
            })) {
      client.connect(new InetSocketAddress(HOST, 8080), 3000);
      try (Socket accepted = server.accept()) {
        for (int round = 0; round < 3; round++) {
          restart();
          flushRuleset();
          client.getOutputStream().write(round);
          accepted.setSoTimeout(3000);
          assertEquals(round, accepted.getInputStream().read());
        }
      }
    }
    answers(web);
  }

  /** What an administrator's firewall script begins with. */
  private void flushRuleset() throws IOException, InterruptedException {
    assertEquals("", nft("flush", "ruleset"));
  }

  private String nft(String... words) throws IOException, InterruptedException {
    Path pin = folder.resolve("pin");
    host.host.pin(pin);
    try {
      List<String> line = new ArrayList<>(List.of("nsenter", "--net=" + pin, "nft"));
      line.addAll(List.of(words));
      Process nft = new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String said = new String(nft.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, nft.waitFor());
      return said;
    } finally {
      NetworkNamespace.unpin(pin);
    }
  }

  /** Found by random kills: nobody had used the network since the service was started again. */
  @Test
  void theRulesOfANetworkGoWithIt_alsoAfterARestart() throws Exception {
    createMine();
    restart();
    String subnet = engine.networks().get("mine").subnet().toString();
    String before = nft("list", "ruleset");
    assertTrue(before.contains(subnet), before);
    engine.removeNetwork("mine");
    String after = nft("list", "ruleset");
    assertFalse(after.contains(subnet), after);
  }

  @Test
  void userNetworks_areThereAfterARestartAndGoWhenNobodyIsOnThem() throws Exception {
    createMine();
    EndpointRecord on = engine.attachments().attach(host.call("a", "mine", Optional.empty()));
    assertEquals("10.9.0.2", on.place().address().toString());
    restart();
    assertEquals(Map.of("a", "b"), engine.networks().get("mine").labels());
    assertThrows(BerthException.FailedPrecondition.class, () -> engine.removeNetwork("mine"));
    engine.attachments().detach(on.key());
    // Its link may be there still; nobody has to wait for that.
    engine.removeNetwork("mine");
    assertThrows(BerthException.NotFound.class, () -> engine.networks().get("mine"));
    createMine();
    on = engine.attachments().attach(host.call("b", "mine", Optional.empty()));
    assertEquals("10.9.0.2", on.place().address().toString());
    assertEquals(List.of(), engine.pruneNetworks(_ -> true));
    for (int i = 0; i < 20; i++) {
      // More than there are addresses, every third for the very one that was just left.
      engine.attachments().detach(on.key());
      on = engine.attachments().attach(mine("c" + i, i % 3 == 0 ? on.place().address() : null));
    }
    engine.attachments().detach(on.key());
    assertEquals(List.of("mine"), engine.pruneNetworks(_ -> true));
  }

  private static AttachCall mine(String container, @Nullable Ipv4 address) {
    return new AttachCall(
        new EndpointKey("default", container),
        "mine",
        List.of(),
        Optional.empty(),
        Optional.ofNullable(address),
        Optional.empty(),
        container,
        List.of(),
        Holder.UNRECORDED);
  }

  private void createMine() throws IOException {
    engine
        .networks()
        .create(
            new Networks.Wish(
                "mine",
                Optional.of(Subnet.parse("10.9.0.0/29")),
                Optional.empty(),
                /* internal= */ false,
                Map.of("a", "b"),
                Map.of()));
  }
}
