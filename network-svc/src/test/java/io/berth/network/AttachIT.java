package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteSocket;
import io.berth.network.endpoint.EndpointKey;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
final class AttachIT {
  @TempDir Path folder;
  private TestHost host;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
  }

  @AfterEach
  void removeHost() throws Exception {
    host.close();
  }

  @Test
  void networkNone_isANamespaceWithItsLoopbackUpAndNothingElse() throws Exception {
    NetworkEngine engine = host.start();
    EndpointRecord endpoint =
        engine.attachments().attach(host.call("c1", "none", Optional.empty()));
    assertEquals(host.pins().resolve(endpoint.id()), endpoint.netns());
    try (NetworkNamespace netns = NetworkNamespace.open(endpoint.netns());
        RouteSocket links = RouteSocket.open(netns)) {
      List<Link> all = links.links();
      assertEquals(List.of("lo"), all.stream().map(Link::name).toList());
      assertTrue(all.getFirst().up());
    }
    assertEquals(endpoint, engine.attachments().attach(host.call("c1", "none", Optional.empty())));
    engine.attachments().detach(endpoint.key());
    engine.attachments().detach(endpoint.key());
    assertFalse(Files.exists(endpoint.netns()));
    assertThrows(BerthException.NotFound.class, () -> engine.attachments().get(endpoint.key()));
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
  }

  /** As docker has it; a namespace that somebody else made keeps what its maker set. */
  @Test // case N5
  void usersWithoutRights_mayTakeLowPortsAndPing() throws Exception {
    String start = "ipv4/ip_unprivileged_port_start";
    Path path = folder.resolve("given");
    try (NetworkNamespace given = NetworkNamespace.create()) {
      given.pin(path);
      String before = given.sysctl(start);
      for (int ready : List.of(0, 2)) {
        host.ready = ready;
        NetworkEngine engine = host.start();
        engine.attachments().attach(host.call("first"));
        Eventually.holds("were endpoints kept ready", () -> pins() == 1 + host.ready);
        for (String network : List.of("bridge", "none")) {
          EndpointRecord made =
              engine.attachments().attach(host.call(network, network, Optional.empty()));
          try (NetworkNamespace netns = NetworkNamespace.open(made.netns())) {
            assertEquals("0", netns.sysctl(start));
            assertEquals("0\t2147483647", netns.sysctl("ipv4/ping_group_range"));
          }
        }
        engine.attachments().attach(host.call("given", "bridge", Optional.of(path)));
        assertEquals(before, given.sysctl(start));
        engine.removeAll();
      }
    } finally {
      NetworkNamespace.unpin(path);
    }
  }

  private int pins() throws IOException {
    try (DirectoryStream<Path> pins = Files.newDirectoryStream(host.pins())) {
      return (int) StreamSupport.stream(pins.spliterator(), false).count();
    }
  }

  @Test
  void sameContainerWithOtherSettings_isRefusedAndKeepsWhatItHas() throws Exception {
    NetworkEngine engine = host.start();
    EndpointRecord endpoint =
        engine.attachments().attach(host.call("c1", "none", Optional.empty()));
    assertThrows(
        BerthException.AlreadyExists.class, () -> engine.attachments().attach(host.call("c1")));
    assertEquals(endpoint, engine.attachments().get(new EndpointKey("default", "c1")));
  }

  @Test
  void restart_findsTheSameEndpointsAndRemovesPinsThatNobodyHas() throws Exception {
    NetworkEngine engine = host.start();
    EndpointRecord kept = engine.attachments().attach(host.call("c1", "none", Optional.empty()));
    EndpointRecord lost = engine.attachments().attach(host.call("c2", "none", Optional.empty()));
    engine.stop();
    NetworkNamespace.unpin(lost.netns());
    Path stranger = host.pins().resolve("abcdefghij");
    try (NetworkNamespace netns = NetworkNamespace.create()) {
      netns.pin(stranger);
    }
    NetworkEngine again = host.start();
    assertEquals(List.of(kept), again.attachments().list());
    assertFalse(Files.exists(stranger));
    assertTrue(Files.exists(kept.netns()));
  }

  @Test
  void detachAndAttach_givesAnotherAddress() throws Exception {
    NetworkEngine engine = host.start();
    EndpointRecord first = engine.attachments().attach(host.call("c1"));
    engine.attachments().detach(first.key());
    EndpointRecord second = engine.attachments().attach(host.call("c1"));
    assertNotEquals(first.place().address(), second.place().address());
    assertNotEquals(first.place().hostLink(), second.place().hostLink());
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
  }

  @Test
  void wrongNetns_isRefusedInOneLineAndLeavesNothing() throws Exception {
    NetworkEngine engine = host.start();
    Path plain = Files.createFile(folder.resolve("plain"));
    for (Path wrong :
        List.of(plain, folder.resolve("absent"), folder, Path.of(host.host.fd().procPath()))) {
      BerthException refused =
          assertThrows(
              BerthException.InvalidArgument.class,
              () -> engine.attachments().attach(host.call("c1", "bridge", Optional.of(wrong))),
              wrong.toString());
      assertTrue(refused.getMessage().startsWith("attach netns `" + wrong + "`: "));
      assertFalse(refused.getMessage().contains("\n"));
    }
    assertThrows(
        BerthException.NotFound.class,
        () -> engine.attachments().attach(host.call("c1", "no-such-net", Optional.empty())));
    assertEquals(List.of(), engine.attachments().list());
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
  }
}
