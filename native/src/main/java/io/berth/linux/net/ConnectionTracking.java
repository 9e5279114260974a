package io.berth.linux.net;

import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The table of tracked connections of one network namespace. A dump costs 9 ms when almost empty
 * and 41 ms with 20,000 entries: never on the path of an answer, one for many deletions.
 */
public final class ConnectionTracking implements AutoCloseable {
  private static final int GENERIC_BYTES = 4;
  private static final int TYPE = Uapi.NFNL_SUBSYS_CTNETLINK << 8;

  private final NetlinkSocket socket;

  private ConnectionTracking(NetlinkSocket socket) {
    this.socket = socket;
  }

  private record Flow(Ipv4 source, Ipv4 destination, int protocol, int destinationPort) {
    static Flow of(Attributes tuple) {
      Attributes ip = tuple.nested(Uapi.CTA_TUPLE_IP);
      Attributes protocol = tuple.nested(Uapi.CTA_TUPLE_PROTO);
      byte[] source = ip.bytes(Uapi.CTA_IP_V4_SRC);
      byte[] destination = ip.bytes(Uapi.CTA_IP_V4_DST);
      return new Flow(
          source.length == 4 ? Ipv4.of(source) : Ipv4.ANY,
          destination.length == 4 ? Ipv4.of(destination) : Ipv4.ANY,
          protocol.u8(Uapi.CTA_PROTO_NUM, 0),
          protocol.be16(Uapi.CTA_PROTO_DST_PORT, 0));
    }
  }

  public static ConnectionTracking open(NetworkNamespace namespace) throws IOException {
    return namespace.call(() ->
        new ConnectionTracking(
            NetlinkSocket.open(
                Uapi.NETLINK_NETFILTER,
                "conntrack",
                type -> "connection tracking request " + (type & 0xff))));
  }

  /**
   * Forgets every connection from or to one of the addresses, before or after translation.
   *
   * @return the number of connections that were forgotten
   */
  public int forgetAddresses(Set<Ipv4> addresses) throws SyscallException {
    return forget(entry -> {
      Flow there = Flow.of(entry.nested(Uapi.CTA_TUPLE_ORIG));
      Flow back = Flow.of(entry.nested(Uapi.CTA_TUPLE_REPLY));
      return addresses.contains(there.source)
          || addresses.contains(there.destination)
          || addresses.contains(back.source)
          || addresses.contains(back.destination);
    });
  }

  /**
   * Forgets every UDP flow to one of the ports, so that the next packet meets the rules as they are
   * now.
   *
   * @return the number of flows that were forgotten
   */
  public int forgetUdpPorts(Set<Integer> ports) throws SyscallException {
    return forget(entry -> {
      Flow there = Flow.of(entry.nested(Uapi.CTA_TUPLE_ORIG));
      return there.protocol == Uapi.IPPROTO_UDP && ports.contains(there.destinationPort);
    });
  }

  private int forget(Predicate<Attributes> condition) throws SyscallException {
    int forgotten = 0;
    for (NetlinkMessage message :
        socket.dump(
            attempt ->
                NftTransaction.generic(
                    new NetlinkWriter()
                        .message(
                            TYPE | Uapi.IPCTNL_MSG_CT_GET, Uapi.NLM_F_REQUEST | Uapi.NLM_F_DUMP),
                    Uapi.AF_INET,
                    0),
            "connections")) {
      Attributes entry = message.attributes(GENERIC_BYTES);
      if (condition.test(entry)) {
        forgotten += delete(entry) ? 1 : 0;
      }
    }
    return forgotten;
  }

  private boolean delete(Attributes entry) throws SyscallException {
    NetlinkWriter writer =
        NftTransaction.generic(
                new NetlinkWriter()
                    .message(TYPE | Uapi.IPCTNL_MSG_CT_DELETE, Uapi.NLM_F_REQUEST | Uapi.NLM_F_ACK),
                Uapi.AF_INET,
                0)
            .nest(Uapi.CTA_TUPLE_ORIG)
            .raw(entry.bytes(Uapi.CTA_TUPLE_ORIG))
            .end();
    byte[] id = entry.bytes(Uapi.CTA_ID);
    if (id.length > 0) {
      writer.attribute(Uapi.CTA_ID, id);
    }
    try {
      socket.request(writer, "connection");
      return true;
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT)) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
