package io.berth.network.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.PortBinding;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.CreateNetworkRequest;
import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.network.endpoint.AttachCall;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NetworkMessagesTest {
  @TempDir Path folder;

  private static AttachRequest.Builder request() {
    return AttachRequest.newBuilder().setContainer("c1");
  }

  private static void refused(String start, AttachRequest.Builder request) {
    String message =
        assertThrows(
                BerthException.InvalidArgument.class,
                () -> NetworkMessages.attach("default", request.build()))
            .getMessage();
    assertTrue(message.startsWith(start), message);
  }

  private static PortBinding.Builder port(String ip, int host, int container, String protocol) {
    return PortBinding.newBuilder()
        .setHostIp(ip)
        .setHostPort(host)
        .setContainerPort(container)
        .setProtocol(protocol);
  }

  /** Case N14. */
  @Test
  void subnets_areOfAddressesThatHostsCanHave() {
    for (String subnet :
        List.of(
            "224.1.0.0/24",
            "255.255.255.0/24",
            "0.0.0.0/8",
            "127.1.0.0/16",
            "0.0.0.0/0",
            "96.0.0.0/3",
            "240.0.0.0/4",
            "192.0.0.0/2")) {
      assertThrows(
          BerthException.InvalidArgument.class,
          () ->
              NetworkMessages.wish(
                  CreateNetworkRequest.newBuilder().setName("n").setSubnet(subnet).build()),
          subnet);
    }
    for (String subnet : List.of("10.0.0.0/8", "223.255.255.0/24", "128.0.0.0/9", "1.0.0.0/24")) {
      assertEquals(
          subnet,
          NetworkMessages.wish(
                  CreateNetworkRequest.newBuilder().setName("n").setSubnet(subnet).build())
              .subnet()
              .orElseThrow()
              .toString());
    }
  }

  @Test
  void emptyNetwork_isTheDefaultOne() {
    for (String name : List.of("", "default", "bridge")) {
      assertEquals(
          "bridge", NetworkMessages.attach("ns", request().setNetwork(name).build()).network());
    }
  }

  @Test
  void wishes_areReadAsTheyAreMeant() {
    AttachCall call =
        NetworkMessages.attach(
            "ns",
            request()
                .setAddress("10.0.0.9")
                .setMac("02:42:0a:00:00:09")
                .setNetns("/run/netns/x")
                .addPorts(port("127.0.0.1", 80, 8080, "udp"))
                .addPorts(port("", 0, 9, ""))
                .build());
    assertEquals("10.0.0.9", call.address().orElseThrow().toString());
    assertEquals("02:42:0a:00:00:09", call.mac().orElseThrow().toString());
    assertEquals(Path.of("/run/netns/x"), call.netns().orElseThrow());
    assertEquals(Ipv4.LOOPBACK, call.ports().getFirst().hostIp());
    assertEquals("tcp 0.0.0.0:0>9", call.ports().getLast().toString());
  }

  @Test
  void wrongWishes_areRefusedWithTheirReason() {
    refused("attach container `c1`: the host's network", request().setNetwork("host"));
    refused(
        "network `none` has no ports", request().setNetwork("none").addPorts(port("", 1, 1, "")));
    refused("network `none`", request().setNetwork("none").setAddress("10.0.0.1"));
    refused("hardware address `x`", request().setMac("x"));
    refused("hardware address `01:00:5e:00:00:01`", request().setMac("01:00:5e:00:00:01"));
    refused("publish at `::1`", request().addPorts(port("::1", 1, 1, "tcp")));
    refused("publish a port of protocol `sctp`", request().addPorts(port("", 1, 1, "sctp")));
    refused("publish container port 0", request().addPorts(port("", 1, 0, "tcp")));
    refused(
        "publish [", request().addPorts(port("", 80, 80, "tcp")).addPorts(port("", 80, 80, "tcp")));
    refused("netns: a path has no NUL", request().setNetns("/a\0b"));
    refused("", AttachRequest.newBuilder().setContainer(""));
  }

  @Test
  void nameservers_areThoseThatAContainerCanReach() throws Exception {
    Path first = folder.resolve("resolv.conf");
    Path second = folder.resolve("real.conf");
    Nameservers nameservers = new Nameservers(List.of(first, second));
    assertEquals(List.of(), nameservers.list());
    Files.writeString(first, "search x\nnameserver 127.0.0.53\nnameserver ::1\n");
    Files.writeString(
        second,
        """
        # nameserver 1.1.1.1
         nameserver  10.0.0.1
        nameserver 10.0.0.2
        nameserver
        nameserver 10.0.0.3
        nameserver 10.0.0.4
        """);
    assertEquals(List.of("10.0.0.1", "10.0.0.2", "10.0.0.3"), nameservers.list());
    Files.writeString(first, "nameserver 192.168.1.1\n");
    assertEquals(List.of("192.168.1.1"), nameservers.list());
  }
}
