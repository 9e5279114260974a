package io.berth.linux.net;

import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.Sockets;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Hears what is changed in a network namespace. {@link #fd} is readable when there is something to
 * be read; one thread reads.
 */
public final class ChangeMonitor implements AutoCloseable {
  private static final int GENERIC_BYTES = 4;
  private static final int NAME = 1;
  private static final int RECEIVE_BYTES = 64 * 1024;
  private static final int BUFFER_BYTES = 4 << 20;

  private final Fd fd;
  private final byte[] buffer = new byte[RECEIVE_BYTES];

  /** Something that has happened. */
  public sealed interface Change {
    /** A link is as it is now, after something of it changed. */
    record LinkThere(Link link) implements Change {}

    /** A link was deleted, or taken from its bridge. */
    record LinkGone(Link link) implements Change {}

    /**
     * An address was taken from a link.
     *
     * @param link its index
     */
    record AddressGone(int link) implements Change {}

    /**
     * Another socket changed a table of the packet filter.
     *
     * @param taken whether something of it was deleted, be it all of it
     */
    record TableChanged(String table, boolean taken) implements Change {}

    /** More happened than the kernel kept for this socket. */
    record Missed() implements Change {}
  }

  private ChangeMonitor(Fd fd) {
    this.fd = fd;
  }

  /** Hears of links and their IPv4 addresses. */
  public static ChangeMonitor ofLinks(NetworkNamespace namespace) throws IOException {
    return open(
        namespace, Uapi.NETLINK_ROUTE, List.of(Uapi.RTNLGRP_LINK, Uapi.RTNLGRP_IPV4_IFADDR));
  }

  /** Hears of the tables of nf_tables. */
  public static ChangeMonitor ofTables(NetworkNamespace namespace) throws IOException {
    return open(namespace, Uapi.NETLINK_NETFILTER, List.of(Uapi.NFNLGRP_NFTABLES));
  }

  private static ChangeMonitor open(NetworkNamespace namespace, int protocol, List<Integer> groups)
      throws IOException {
    Fd fd =
        namespace.call(() ->
            SocketCalls.socket(Uapi.AF_NETLINK, Uapi.SOCK_RAW, protocol, "monitor of changes"));
    try {
      SocketCalls.setOption(fd, Uapi.SOL_SOCKET, Uapi.SO_RCVBUF, BUFFER_BYTES);
      // A netlink socket without an address hears nothing.
      var _ = NetlinkSocket.bind(fd);
      for (int group : groups) {
        SocketCalls.setOption(fd, Uapi.SOL_NETLINK, Uapi.NETLINK_ADD_MEMBERSHIP, group);
      }
      return new ChangeMonitor(fd);
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
  }

  /** Readable when {@link #read} has something to answer; it stays this object's. */
  public Fd fd() {
    return fd;
  }

  /**
   * What has happened since the last call; never waits.
   *
   * @param own whose changes of tables are left out
   */
  public List<Change> read(NftSocket own) throws SyscallException {
    List<Change> changes = new ArrayList<>();
    while (true) {
      try (Sockets.Received received = Sockets.tryReceive(fd, buffer)) {
        if (received == null) {
          return changes;
        }
        for (NetlinkMessage message :
            NetlinkMessage.split(Sockets.bytesOf(received, buffer), received.length())) {
          add(changes, message, own);
        }
      } catch (SyscallException e) {
        if (!e.is(Errno.ENOBUFS)) {
          throw e;
        }
        changes.add(new Change.Missed());
      }
    }
  }

  private static void add(List<Change> changes, NetlinkMessage message, NftSocket own)
      throws SyscallException {
    switch (message.type()) {
      case Uapi.RTM_NEWLINK -> changes.add(new Change.LinkThere(Link.of(message)));
      case Uapi.RTM_DELLINK -> changes.add(new Change.LinkGone(Link.of(message)));
      case Uapi.RTM_DELADDR ->
          changes.add(new Change.AddressGone(InterfaceAddress.of(message).link()));
      default -> {
        if (message.type() >>> 8 == Uapi.NFNL_SUBSYS_NFTABLES && message.port() != own.port()) {
          table(changes, message);
        }
      }
    }
  }

  private static void table(List<Change> changes, NetlinkMessage message) {
    switch (message.type() & 0xff) {
      case Uapi.NFT_MSG_NEWTABLE,
          Uapi.NFT_MSG_NEWCHAIN,
          Uapi.NFT_MSG_NEWRULE,
          Uapi.NFT_MSG_NEWSET,
          Uapi.NFT_MSG_NEWSETELEM ->
          changes.add(new Change.TableChanged(name(message), /* taken= */ false));
      case Uapi.NFT_MSG_DELTABLE,
          Uapi.NFT_MSG_DELCHAIN,
          Uapi.NFT_MSG_DELRULE,
          Uapi.NFT_MSG_DELSET,
          Uapi.NFT_MSG_DELSETELEM ->
          changes.add(new Change.TableChanged(name(message), /* taken= */ true));
      default -> {
        // The end of a transaction, and kinds of objects that our tables have none of.
      }
    }
  }

  /** In each of these messages the first attribute is the name of the table. */
  private static String name(NetlinkMessage message) {
    return message.attributes(GENERIC_BYTES).text(NAME);
  }

  @Override
  public void close() {
    fd.close();
  }
}
