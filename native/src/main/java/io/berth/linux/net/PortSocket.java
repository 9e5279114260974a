package io.berth.linux.net;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Sockets that hold a port of the host's, so that nobody else is given it, and look for who does.
 */
public final class PortSocket {
  /** The protocols that have ports. */
  public enum Protocol {
    TCP(Uapi.IPPROTO_TCP, Uapi.SOCK_STREAM),
    UDP(Uapi.IPPROTO_UDP, Uapi.SOCK_DGRAM);

    private final int number;
    private final int type;

    Protocol(int number, int type) {
      this.number = number;
      this.type = type;
    }

    /** The protocol's number in an IP header. */
    public int number() {
      return number;
    }
  }

  /**
   * A socket somewhere on the host that is bound to a port.
   *
   * @param inode its number, as in the links below {@code /proc/PID/fd}
   */
  public record Holder(long inode, int uid) {}

  private static final int SOCKADDR_IN_BYTES = 16;
  private static final int SOCKADDR_IN6_BYTES = 28;
  private static final int DIAG_MESSAGE_BYTES = 72;
  private static final int DIAG_PORT = 4;
  private static final int DIAG_UID = 64;
  private static final int DIAG_INODE = 68;
  private static final int DIAG_SOCKET_ID_BYTES = 48;

  private PortSocket() {}

  /**
   * Binds a port without listening on it: a connection that no rule takes is refused, not left
   * hanging. At {@link Ipv4#ANY} the one socket has the port for IPv6 as well, where the host has
   * that. Connections of the past that are still fading do not count as holders. For work that is
   * inside the host's namespace already ({@link NetworkNamespace#call}), as many ports are held at
   * once.
   *
   * @throws SyscallException EADDRINUSE: somebody has it; EADDRNOTAVAIL: no such address here
   */
  public static Fd hold(Protocol protocol, Ipv4 address, int port) throws SyscallException {
    String what = word(protocol) + address + ":" + port;
    if (address.equals(Ipv4.ANY)) {
      try {
        return hold(protocol, Uapi.AF_INET6, new byte[SOCKADDR_IN6_BYTES], port, what);
      } catch (SyscallException e) {
        if (!e.is(Errno.EAFNOSUPPORT) && !e.is(Errno.EADDRNOTAVAIL)) {
          throw e;
        }
        // The host has no IPv6, so IPv4 is all that is to be held.
      }
    }
    byte[] name = new byte[SOCKADDR_IN_BYTES];
    System.arraycopy(address.bytes(), 0, name, 4, 4);
    return hold(protocol, Uapi.AF_INET, name, port, what);
  }

  private static Fd hold(Protocol protocol, int family, byte[] name, int port, String what)
      throws SyscallException {
    name[0] = (byte) family;
    name[2] = (byte) (port >>> 8);
    name[3] = (byte) port;
    Fd fd = SocketCalls.socket(family, protocol.type, 0, what);
    try {
      if (family == Uapi.AF_INET6) {
        // The host may have another default (net.ipv6.bindv6only).
        SocketCalls.setOption(fd, Uapi.IPPROTO_IPV6, Uapi.IPV6_V6ONLY, 0);
      }
      if (protocol == Protocol.UDP) {
        SocketCalls.setOption(fd, Uapi.SOL_SOCKET, Uapi.SO_RCVBUF, 1);
        SocketCalls.bind(fd, name);
      } else {
        bindBesideFading(fd, name);
      }
      return fd;
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
  }

  // Nearly every port is free of them, and two calls more for each of thousands would be felt.
  private static void bindBesideFading(Fd fd, byte[] name) throws SyscallException {
    try {
      SocketCalls.bind(fd, name);
    } catch (SyscallException e) {
      if (!e.is(Errno.EADDRINUSE)) {
        throw e;
      }
      SocketCalls.setOption(fd, Uapi.SOL_SOCKET, Uapi.SO_REUSEADDR, 1);
      SocketCalls.bind(fd, name);
      SocketCalls.setOption(fd, Uapi.SOL_SOCKET, Uapi.SO_REUSEADDR, 0);
    }
  }

  /**
   * The sockets that are bound to a port; for the text of an error, as it goes through them all.
   */
  public static List<Holder> holders(NetworkNamespace namespace, Protocol protocol, int port)
      throws IOException {
    List<Holder> holders = new ArrayList<>();
    try (NetlinkSocket socket =
        namespace.call(() ->
            NetlinkSocket.open(Uapi.NETLINK_SOCK_DIAG, "sock_diag", type -> "look up sockets"))) {
      for (int family : new int[] {Uapi.AF_INET, Uapi.AF_INET6}) {
        for (NetlinkMessage message :
            socket.dump(attempt -> question(protocol, family, port), "port " + port)) {
          // Sockets that are bound and do not listen, as ours are, come whatever the port that was
          // asked for; what fades after its program closed it (TIME_WAIT) has no inode.
          if (message.payload().limit() >= DIAG_MESSAGE_BYTES
              && port(message) == port
              && message.payload().getInt(DIAG_INODE) != 0) {
            holders.add(
                new Holder(
                    message.payload().getInt(DIAG_INODE) & 0xffff_ffffL,
                    message.payload().getInt(DIAG_UID)));
          }
        }
      }
    }
    return holders;
  }

  private static int port(NetlinkMessage message) {
    return Short.reverseBytes(message.payload().getShort(DIAG_PORT)) & 0xffff;
  }

  private static NetlinkWriter question(Protocol protocol, int family, int port) {
    byte[] id = new byte[DIAG_SOCKET_ID_BYTES];
    id[0] = (byte) (port >>> 8);
    id[1] = (byte) port;
    return new NetlinkWriter()
        .message(Uapi.SOCK_DIAG_BY_FAMILY, Uapi.NLM_F_REQUEST | Uapi.NLM_F_DUMP)
        .u8(family)
        .u8(protocol.number)
        .u8(0)
        .u8(0)
        .u32(-1)
        .raw(id);
  }

  private static String word(Protocol protocol) {
    return protocol == Protocol.TCP ? "tcp " : "udp ";
  }
}
