package io.berth.linux.net;

import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The links, addresses and routes of one network namespace. Safe for use by several threads. A call
 * waits for the kernel's lock on links, which a deletion elsewhere may hold for tens of
 * milliseconds: callers on virtual threads hand it to a platform thread.
 */
public final class RouteSocket implements AutoCloseable {
  private static final int DUMP = Uapi.NLM_F_REQUEST | Uapi.NLM_F_DUMP;
  private static final int LINK_INFO = 16;

  private final NetlinkSocket socket;

  private RouteSocket(NetlinkSocket socket) {
    this.socket = socket;
  }

  public static RouteSocket open(NetworkNamespace namespace) throws IOException {
    return namespace.call(RouteSocket::openHere);
  }

  /**
   * Opens a socket in the namespace of the calling thread: for work inside {@link
   * NetworkNamespace#call}.
   */
  public static RouteSocket openHere() throws SyscallException {
    return new RouteSocket(NetlinkSocket.open(Uapi.NETLINK_ROUTE, "rtnetlink", RouteSocket::name));
  }

  /**
   * Carries out the changes.
   *
   * @param subject what the changes are about, for the text of an error
   */
  public void send(RouteRequest request, String subject) throws SyscallException {
    socket.request(request.writer(), subject);
  }

  /** The link of that name; null if there is none. */
  public @Nullable Link link(String name) throws SyscallException {
    NetlinkWriter writer = new NetlinkWriter();
    get(writer, 0).attribute(Uapi.IFLA_IFNAME, name);
    return link(writer, name);
  }

  /** The link of that index; null if there is none. */
  public @Nullable Link link(int index) throws SyscallException {
    NetlinkWriter writer = new NetlinkWriter();
    get(writer, index);
    return link(writer, "link " + index);
  }

  /**
   * Asks for the link and throws the answer away. The kernel finishes pending changes of the link's
   * state first, so that packets pass from here on, not up to a second later.
   */
  public void settle(String name) throws SyscallException {
    NetlinkWriter writer = new NetlinkWriter();
    get(writer, 0)
        .attribute(Uapi.IFLA_IFNAME, name)
        .attributeU32(Uapi.IFLA_EXT_MASK, Uapi.RTEXT_FILTER_SKIP_STATS);
    socket.request(writer, name);
  }

  private @Nullable Link link(NetlinkWriter request, String subject) throws SyscallException {
    try {
      for (NetlinkMessage message : socket.request(request, subject)) {
        if (message.type() == Uapi.RTM_NEWLINK) {
          return Link.of(message);
        }
      }
      return null;
    } catch (SyscallException e) {
      if (e.is(Errno.ENODEV)) {
        return null;
      }
      throw e;
    }
  }

  private static NetlinkWriter get(NetlinkWriter writer, int index) {
    return writer
        .message(Uapi.RTM_GETLINK, Uapi.NLM_F_REQUEST | Uapi.NLM_F_ACK)
        .u32(0)
        .u32(index)
        .u32(0)
        .u32(0);
  }

  /** Every link, without its counters; with 1,000 of them 16 ms. */
  public List<Link> links() throws SyscallException {
    return socket
        .dump(
            attempt ->
                new NetlinkWriter()
                    .message(Uapi.RTM_GETLINK, DUMP)
                    .raw(new byte[LINK_INFO])
                    .attributeU32(Uapi.IFLA_EXT_MASK, Uapi.RTEXT_FILTER_SKIP_STATS),
            "links")
        .stream()
        .filter(message -> message.type() == Uapi.RTM_NEWLINK)
        .map(Link::of)
        .toList();
  }

  /** Every IPv4 address. */
  public List<InterfaceAddress> addresses() throws SyscallException {
    return addresses(Uapi.AF_INET).map(InterfaceAddress::of).toList();
  }

  /** The permanent addresses of a link that are global, of every family. */
  public List<KeptAddress> permanentAddresses(int link) throws SyscallException {
    return addresses(Uapi.AF_UNSPEC)
        .map(KeptAddress::of)
        .filter(address -> address.link == link && address.isPermanentAndGlobal())
        .toList();
  }

  private Stream<NetlinkMessage> addresses(int family) throws SyscallException {
    return socket
        .dump(
            attempt ->
                new NetlinkWriter()
                    .message(Uapi.RTM_GETADDR, DUMP)
                    .u8(family)
                    .raw(new byte[InterfaceAddress.HEADER_BYTES - 1]),
            "addresses")
        .stream()
        .filter(message -> message.type() == Uapi.RTM_NEWADDR);
  }

  /** Every IPv4 route of every table. */
  public List<Route> routes() throws SyscallException {
    return socket
        .dump(
            attempt ->
                new NetlinkWriter()
                    .message(Uapi.RTM_GETROUTE, DUMP)
                    .u8(Uapi.AF_INET)
                    .raw(new byte[Route.HEADER_BYTES - 1]),
            "routes")
        .stream()
        .filter(message -> message.type() == Uapi.RTM_NEWROUTE)
        .map(Route::of)
        .toList();
  }

  private static String name(int type) {
    return switch (type) {
      case Uapi.RTM_NEWLINK -> "add link";
      case Uapi.RTM_SETLINK -> "change link";
      case Uapi.RTM_DELLINK -> "delete link";
      case Uapi.RTM_GETLINK -> "look up link";
      case Uapi.RTM_NEWADDR -> "add address";
      case Uapi.RTM_NEWROUTE -> "add route";
      case Uapi.RTM_NEWNEIGH -> "add neighbour";
      case Uapi.RTM_DELNEIGH -> "delete neighbour";
      default -> "netlink request " + type;
    };
  }

  @Override
  public void close() {
    socket.close();
  }
}
