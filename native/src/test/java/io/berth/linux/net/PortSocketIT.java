package io.berth.linux.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ports in namespaces that a test makes, and that go with their descriptors. */
@Tag("root")
final class PortSocketIT {
  private static final Ipv4 ELSEWHERE = Ipv4.parse("10.1.2.2").orElseThrow();

  /** By one socket for both families, whatever the host's default for sockets of IPv6 is. */
  @ParameterizedTest
  @ValueSource(strings = {"0", "1"})
  void heldPort_isRefusedToOthersAndItsHolderIsFound(String onlyIpv6) throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        RouteSocket links = RouteSocket.open(host)) {
      links.send(new RouteRequest().setUp("lo"), "lo");
      host.setSysctl("ipv6/bindv6only", onlyIpv6);
      for (PortSocket.Protocol protocol : PortSocket.Protocol.values()) {
        try (Fd held = host.call(() -> PortSocket.hold(protocol, Ipv4.ANY, 8080))) {
          assertEquals(
              Errno.EADDRINUSE,
              assertThrows(
                      SyscallException.class,
                      () -> host.call(() -> PortSocket.hold(protocol, Ipv4.LOOPBACK, 8080)))
                  .errno());
          assertEquals(
              Errno.EADDRINUSE,
              assertThrows(SyscallException.class, () -> host.call(() -> bindIpv6(protocol, 8080)))
                  .errno());
          assertEquals(
              List.of(held.status().inode()),
              PortSocket.holders(host, protocol, 8080).stream()
                  .map(PortSocket.Holder::inode)
                  .toList(),
              protocol.toString());
        }
        host.call(() -> PortSocket.hold(protocol, Ipv4.ANY, 8080)).close();
        // What another program has for IPv6 alone is not free for every address.
        try (Fd _ = host.call(() -> bindIpv6(protocol, 8080))) {
          assertEquals(
              Errno.EADDRINUSE,
              assertThrows(
                      SyscallException.class,
                      () -> host.call(() -> PortSocket.hold(protocol, Ipv4.ANY, 8080)))
                  .errno());
        }
      }
      assertEquals(
          Errno.EADDRNOTAVAIL,
          assertThrows(
                  SyscallException.class,
                  () -> host.call(() -> PortSocket.hold(PortSocket.Protocol.TCP, ELSEWHERE, 1)))
              .errno());
    }
  }

  // As programs do that serve IPv6 and nothing else.
  private static Fd bindIpv6(PortSocket.Protocol protocol, int port) throws SyscallException {
    int type = protocol == PortSocket.Protocol.TCP ? Uapi.SOCK_STREAM : Uapi.SOCK_DGRAM;
    Fd socket = SocketCalls.socket(Uapi.AF_INET6, type, 0, "tcp or udp [::]:" + port);
    try {
      SocketCalls.setOption(socket, Uapi.IPPROTO_IPV6, Uapi.IPV6_V6ONLY, 1);
      byte[] name = new byte[28];
      name[0] = (byte) Uapi.AF_INET6;
      name[2] = (byte) (port >>> 8);
      name[3] = (byte) port;
      SocketCalls.bind(socket, name);
      return socket;
    } catch (SyscallException e) {
      socket.close();
      throw e;
    }
  }

  private static int bindPlainly(int port) throws SyscallException {
    try (Fd socket =
        SocketCalls.socket(Uapi.AF_INET, Uapi.SOCK_STREAM, 0, "tcp 127.0.0.1:" + port)) {
      SocketCalls.bind(
          socket,
          new byte[] {
            (byte) Uapi.AF_INET,
            0,
            (byte) (port >>> 8),
            (byte) port,
            127,
            0,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0
          });
      return 0;
    }
  }

  /** The side that closes first keeps its port for a minute, as far as the kernel goes. */
  @Test
  void fadingConnection_doesNotKeepAPortFromBeingHeld() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create();
        RouteSocket links = RouteSocket.open(host)) {
      links.send(new RouteRequest().setUp("lo"), "lo");
      InetAddress loopback = InetAddress.getLoopbackAddress();
      int port;
      try (ServerSocket server = host.call(() -> new ServerSocket(0, 1, loopback))) {
        port = server.getLocalPort();
        try (Socket client = host.call(() -> new Socket(loopback, port))) {
          server.accept().close();
          assertEquals(-1, client.getInputStream().read());
        }
      }
      assertEquals(
          Errno.EADDRINUSE,
          assertThrows(SyscallException.class, () -> host.call(() -> bindPlainly(port))).errno(),
          "something is left of the connection");
      for (Ipv4 address : List.of(Ipv4.LOOPBACK, Ipv4.ANY)) {
        host.call(() -> PortSocket.hold(PortSocket.Protocol.TCP, address, port)).close();
      }
    }
  }
}
