package io.berth.linux.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Errno;
import io.berth.linux.KernelFeature;
import io.berth.linux.SyscallException;
import io.berth.linux.net.NftTransaction.ChainType;
import io.berth.linux.net.NftTransaction.Element;
import io.berth.linux.net.NftTransaction.Hook;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Links, routes and rules in namespaces that a test makes, and that go with their descriptors. */
@Tag("root")
final class NetworkIT {
  private static final Ipv4 GATEWAY = Ipv4.parse("10.1.2.1").orElseThrow();
  private static final Ipv4 GUEST = Ipv4.parse("10.1.2.2").orElseThrow();

  @TempDir Path folder;

  @Test
  void cableToABridge_carriesWhatWasAskedFor() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        NetworkNamespace guest = NetworkNamespace.create();
        RouteSocket hostLinks = RouteSocket.open(host);
        RouteSocket guestLinks = RouteSocket.open(guest)) {
      Link bridge = bridge(hostLinks);
      MacAddress guestMac = MacAddress.local(77);
      hostLinks.send(
          new RouteRequest()
              .create(
                  new RouteRequest.Cable(
                      "bt0",
                      7,
                      bridge.index(),
                      1400,
                      "eth0",
                      Optional.of(guest.fd()),
                      Optional.of(guestMac)))
              .label("bt0", "cable of x")
              .setPort("bt0", true, false)
              .setUp("bt0")
              .addAddress(bridge.index(), GATEWAY, 24)
              .setNeighbour(bridge.index(), GUEST, guestMac),
          "cable");
      Link far = guestLinks.link("eth0");
      assertNotNull(far);
      assertEquals(guestMac, far.address());
      guestLinks.send(
          new RouteRequest()
              .setUp("lo")
              .setUp(far.index())
              .addAddress(far.index(), GUEST, 24)
              .addDefaultRoute(far.index(), GATEWAY),
          "eth0");
      Link near = hostLinks.link("bt0");
      assertNotNull(near);
      assertEquals(bridge.index(), near.master());
      assertEquals("cable of x", near.alias());
      assertEquals(7, near.group());
      assertEquals(1400, near.mtu());
      assertTrue(
          guestLinks.routes().stream()
              .anyMatch(r -> r.prefixLength() == 0 && r.gateway().equals(Optional.of(GATEWAY))));
      assertTrue(guestLinks.addresses().contains(new InterfaceAddress(far.index(), GUEST, 24)));
      retired(hostLinks, guestLinks);
    }
  }

  private static Link bridge(RouteSocket links) throws Exception {
    MacAddress mac = MacAddress.local(5);
    links.send(
        new RouteRequest()
            .create(new RouteRequest.Bridge("br-x", 7, mac, 1400))
            .label("br-x", "of x")
            .setUp("br-x"),
        "bridge");
    Link bridge = links.link("br-x");
    assertNotNull(bridge);
    assertEquals("of x", bridge.alias());
    assertEquals(mac, bridge.address());
    assertEquals("bridge", bridge.kind());
    assertTrue(bridge.up());
    return bridge;
  }

  /** A link that is put into a group goes with the group, and its other end with it. */
  private static void retired(RouteSocket host, RouteSocket guest) throws Exception {
    int group = 0x62000001;
    host.send(new RouteRequest().retire("bt0", group), "bt0");
    Link retired =
        host.links().stream().filter(l -> l.name().equals("bt0")).findFirst().orElseThrow();
    assertEquals(group, retired.group());
    host.send(new RouteRequest().deleteGroup(group), "group");
    assertNull(host.link("bt0"));
    assertNull(guest.link("eth0"));
  }

  @Test
  void failure_saysWhatWasTriedOnWhatAndWhyNot() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        RouteSocket links = RouteSocket.open(host)) {
      SyscallException e =
          assertThrows(
              SyscallException.class,
              () -> links.send(new RouteRequest().setUp("nothing0"), "nothing0"));
      assertTrue(e.is(Errno.ENODEV));
      assertTrue(e.getMessage().startsWith("change link `nothing0"), e.getMessage());
    }
  }

  @Test
  void pin_keepsTheNamespaceUntilItIsTakenAway() throws Exception {
    Path pin = folder.resolve("pin");
    long inode;
    try (NetworkNamespace namespace = NetworkNamespace.create()) {
      inode = namespace.inode();
      namespace.pin(pin);
      assertEquals(
          Errno.EEXIST, assertThrows(SyscallException.class, () -> namespace.pin(pin)).errno());
    }
    try (NetworkNamespace again = NetworkNamespace.open(pin);
        NetworkNamespace own = NetworkNamespace.own()) {
      assertEquals(inode, again.inode());
      assertNotEquals(own.inode(), again.inode());
      assertEquals(own.inode(), (long) own.call(() -> 0) + own.inode());
    } finally {
      NetworkNamespace.unpin(pin);
    }
    assertFalse(Files.exists(pin));
    NetworkNamespace.unpin(pin);
    Files.createFile(pin);
    assertThrows(IOException.class, () -> NetworkNamespace.open(pin));
    NetworkNamespace.unpin(pin);
    assertFalse(Files.exists(pin));
  }

  /** The nft program shows the rules that were committed as they were meant. */
  @Test
  void table_isListedByTheNftProgramAsItWasMeant() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        NftSocket nft = NftSocket.open(host)) {
      host.pin(folder.resolve("ns"));
      try {
        nft.commit(table(new NftTransaction("berth_t").addTable()));
        Element element =
            new Element(
                Bytes.fields(Bytes.protocol(6), Bytes.port(8080)),
                Bytes.fields(Bytes.address(GUEST), Bytes.port(80)));
        nft.commit(new NftTransaction("berth_t").addElements("any", List.of(element)));
        assertEquals(List.of(element), nft.elements("berth_t", "any"));
        String listed = nftList();
        for (String line :
            List.of(
                "type inet_proto . inet_service : ipv4_addr . inet_service",
                "elements = { tcp . 8080 : 10.1.2.2 . 80 }",
                "type nat hook prerouting priority dstnat; policy accept;",
                "fib daddr type local jump published",
                "dnat ip to meta l4proto . ip daddr . th dport map @exact",
                "dnat ip to meta l4proto . th dport map @any",
                "iifname \"br-x\" ip daddr 127.0.0.0/8 drop",
                "iifname != \"lo\" ip saddr 127.0.0.0/8 drop",
                "oifname \"br-x\" ct status dnat ip saddr 10.1.2.0/24 masquerade",
                "meta iifkind \"bridge\" meta oifkind \"bridge\" return",
                "ct state established,related accept")) {
          assertTrue(listed.contains(line), () -> "no `" + line + "` in\n" + listed);
        }
        nft.commit(new NftTransaction("berth_t").deleteElements("any", List.of(element)));
        assertEquals(List.of(), nft.elements("berth_t", "any"));
        assertEquals(
            Errno.ENOENT,
            assertThrows(
                    SyscallException.class,
                    () ->
                        nft.commit(
                            new NftTransaction("berth_t").deleteElements("any", List.of(element))))
                .errno());
      } finally {
        NetworkNamespace.unpin(folder.resolve("ns"));
      }
    }
  }

  /** A transaction happens as a whole or not at all. */
  @Test
  void transactionThatFailsInItsMiddle_changesNothing() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        NftSocket nft = NftSocket.open(host)) {
      assertThrows(
          SyscallException.class,
          () ->
              nft.commit(
                  new NftTransaction("berth_t")
                      .addTable()
                      .addChain("c")
                      .flushChain("no such chain")
                      .addChain("d")));
      assertEquals(List.of(), nft.tables());
    }
  }

  @Test
  void ownedTable_refusesOthersAndOutlivesItsOwner() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        NftSocket other = NftSocket.open(host)) {
      try (NftSocket owner = NftSocket.open(host)) {
        owner.commit(table(new NftTransaction("berth_t").addOwnedTable()));
        assertEquals(
            Errno.EPERM,
            assertThrows(
                    SyscallException.class,
                    () -> other.commit(new NftTransaction("berth_t").flushChain("published")))
                .errno());
      }
      assertEquals(List.of("berth_t"), other.tables());
      try (NftSocket heir = NftSocket.open(host)) {
        heir.commit(table(new NftTransaction("berth_t").addOwnedTable()));
        heir.commit(new NftTransaction("berth_t").deleteTable());
      }
      assertEquals(List.of(), other.tables());
    }
  }

  @Test
  void sysctls_areTheNamespacesOwn() throws Exception {
    try (NetworkNamespace one = NetworkNamespace.create();
        NetworkNamespace other = NetworkNamespace.create()) {
      one.setSysctl("ipv4/ip_forward", "1");
      other.setSysctl("ipv4/ip_forward", "0");
      assertEquals("1", one.sysctl("ipv4/ip_forward"));
      assertEquals("0", other.sysctl("ipv4/ip_forward"));
    }
  }

  @Test
  void cookie_isOneNamespacesAlone() throws Exception {
    long gone;
    try (NetworkNamespace one = NetworkNamespace.create()) {
      gone = one.cookie();
      assertEquals(gone, one.cookie());
      assertNotEquals(0, gone);
    }
    // The inode's number is often that of the one before.
    try (NetworkNamespace next = NetworkNamespace.create()) {
      assertNotEquals(gone, next.cookie());
    }
  }

  @Test
  void cookie_isTheInodesNumberWhereTheKernelHasNone() throws Exception {
    Set<KernelFeature> before = KernelFeature.doWithout(Set.of(KernelFeature.NETNS_COOKIE));
    try (NetworkNamespace one = NetworkNamespace.create()) {
      assertEquals(one.inode(), one.cookie());
    } finally {
      var _ = KernelFeature.doWithout(before);
    }
  }

  @Test
  void connectionsOfAnEmptyNamespace_areNone() throws Exception {
    try (NetworkNamespace one = NetworkNamespace.create();
        ConnectionTracking tracking = ConnectionTracking.open(one)) {
      assertEquals(0, tracking.forgetAddresses(Set.of(GUEST)));
    }
  }

  @Test
  void foreignChainThatDrops_isNamed() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        NftSocket nft = NftSocket.open(host)) {
      host.pin(folder.resolve("ns"));
      try {
        nft.commit(table(new NftTransaction("berth_t").addTable()));
        run(
            "nft",
            "add table ip filter; add chain ip filter FORWARD"
                + " { type filter hook forward priority 0; policy drop; }");
        assertEquals(
            List.of("ip filter FORWARD"),
            nft.forwardChains().stream()
                .filter(ForwardChain::drops)
                .map(chain -> chain.name().toString())
                .toList());
        run(
            "nft",
            "add rule ip filter FORWARD accept comment \"theirs\"; add rule ip filter FORWARD"
                + " tcp dport 22 drop; add rule ip filter FORWARD counter log drop; add rule ip"
                + " filter FORWARD counter reject; add chain ip filter other; add rule ip filter"
                + " other accept");
        ForwardChain chain =
            nft.forwardChains().stream()
                .filter(each -> each.name().table().equals("filter"))
                .findFirst()
                .orElseThrow();
        assertEquals(
            List.of("theirs", "", "", ""),
            chain.rules().stream().map(ForwardChain.Rule::comment).toList());
        assertEquals(
            List.of(false, false, true, true),
            chain.rules().stream().map(ForwardChain.Rule::endsAll).toList());
      } finally {
        NetworkNamespace.unpin(folder.resolve("ns"));
      }
    }
  }

  /** Whoever keeps a table must hear when somebody else flushes it, and not hear itself. */
  @Test // case N9
  void changesOfOthers_areHeardAndOwnOnesAreNot() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        NftSocket own = NftSocket.open(host);
        NftSocket other = NftSocket.open(host);
        RouteSocket links = RouteSocket.open(host);
        ChangeMonitor tables = ChangeMonitor.ofTables(host);
        ChangeMonitor ofLinks = ChangeMonitor.ofLinks(host)) {
      own.commit(table(new NftTransaction("berth_t").addTable()));
      assertEquals(List.of(), tables.read(own));
      other.commit(new NftTransaction("berth_t").deleteTable());
      List<ChangeMonitor.Change> changes = tables.read(own);
      assertTrue(
          changes.contains(new ChangeMonitor.Change.TableChanged("berth_t", /* taken= */ true)),
          changes.toString());
      links.send(
          new RouteRequest()
              .create(new RouteRequest.Bridge("br-x", 0, MacAddress.local(7), 1500))
              .setUp("br-x"),
          "br-x");
      int index = links.link("br-x").index();
      links.send(new RouteRequest().addAddress(index, GUEST, 24), "br-x");
      var _ = ofLinks.read(own);
      links.send(new RouteRequest().deleteLink(index), "br-x");
      List<ChangeMonitor.Change> heard = ofLinks.read(own);
      assertTrue(heard.contains(new ChangeMonitor.Change.AddressGone(index)));
      assertTrue(
          heard.stream()
              .anyMatch(change ->
                  change instanceof ChangeMonitor.Change.LinkGone gone
                      && gone.link().name().equals("br-x")));
    }
  }

  private static NftTransaction table(NftTransaction transaction) {
    List<NftType> target = List.of(NftType.IPV4_ADDRESS, NftType.PORT);
    return transaction
        .addMap("any", List.of(NftType.PROTOCOL, NftType.PORT), target)
        .addMap("exact", List.of(NftType.PROTOCOL, NftType.IPV4_ADDRESS, NftType.PORT), target)
        .addChain("published")
        .flushChain("published")
        .addRule("published", new NftRule().ipv4().redirectByAddressAndPort("exact"))
        .addRule("published", new NftRule().ipv4().redirectByPort("any"))
        .addBaseChain("raw", ChainType.FILTER, Hook.PREROUTING, -300)
        .addRule("raw", new NftRule().in("br-x").ipv4().destination(new Ipv4(127 << 24), 8).drop())
        .addRule("raw", new NftRule().notIn("lo").ipv4().source(new Ipv4(127 << 24), 8).drop())
        .addBaseChain("in", ChainType.NAT, Hook.PREROUTING, -100)
        .addRule("in", new NftRule().toThisHost().jump("published"))
        .addBaseChain("out", ChainType.NAT, Hook.POSTROUTING, 100)
        .addRule(
            "out",
            new NftRule()
                .out("br-x")
                .redirected()
                .ipv4()
                .source(new Ipv4(GATEWAY.bits() & 0xffffff00), 24)
                .masquerade())
        .addBaseChain("forward", ChainType.FILTER, Hook.FORWARD, 0)
        .addRule("forward", new NftRule().established().accept())
        .addRule("forward", new NftRule().inKind("bridge").outKind("bridge").leave());
  }

  private String nftList() throws IOException, InterruptedException {
    return run("nft", "list", "ruleset");
  }

  private String run(String... command) throws IOException, InterruptedException {
    List<String> inside = new ArrayList<>(List.of("nsenter", "--net=" + folder.resolve("ns")));
    inside.addAll(List.of(command));
    Process process = new ProcessBuilder(inside).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), text);
    return text;
  }
}
