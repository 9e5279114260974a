package io.berth.linux.net;

import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The nf_tables of one network namespace. A table made with {@link NftTransaction#addOwnedTable}
 * belongs to this socket. Safe for use by several threads; nothing here waits.
 */
public final class NftSocket implements AutoCloseable {
  private static final int GENERIC_BYTES = 4;

  private final NetlinkSocket socket;

  private NftSocket(NetlinkSocket socket) {
    this.socket = socket;
  }

  public static NftSocket open(NetworkNamespace namespace) throws IOException {
    return namespace.call(() ->
        new NftSocket(NetlinkSocket.open(Uapi.NETLINK_NETFILTER, "nf_tables", NftSocket::name)));
  }

  /** Carries out the transaction. */
  public void commit(NftTransaction transaction) throws SyscallException {
    socket.transaction(transaction.finish(), "table inet " + transaction.table());
  }

  /** The names of the tables of the {@code inet} family. */
  public List<String> tables() throws SyscallException {
    return socket.dump(attempt -> request(Uapi.NFT_MSG_GETTABLE), "tables").stream()
        .filter(m -> m.type() == (Uapi.NFNL_SUBSYS_NFTABLES << 8 | Uapi.NFT_MSG_NEWTABLE))
        .map(m -> m.attributes(GENERIC_BYTES).text(Uapi.NFTA_TABLE_NAME))
        .toList();
  }

  /**
   * A chain of the forward hook that drops what no rule of it accepts.
   *
   * @param family {@code ip} or {@code inet}
   */
  public record DroppingChain(String family, String table, String chain) {
    @Override
    public String toString() {
      return family + " " + table + " " + chain;
    }
  }

  /** The chains that forwarded IPv4 packets come by and that drop by default, whosever they are. */
  public List<DroppingChain> droppingForwardChains() throws SyscallException {
    List<DroppingChain> chains = new ArrayList<>();
    for (NetlinkMessage message :
        socket.dump(attempt -> request(Uapi.NFT_MSG_GETCHAIN, Uapi.NFPROTO_UNSPEC), "chains")) {
      int family = message.payload().limit() > 0 ? message.payload().get(0) & 0xff : -1;
      Attributes chain = message.attributes(GENERIC_BYTES);
      boolean forward =
          chain.get(Uapi.NFTA_CHAIN_HOOK) != null
              && chain.nested(Uapi.NFTA_CHAIN_HOOK).be32(Uapi.NFTA_HOOK_HOOKNUM, -1)
                  == Uapi.NF_INET_FORWARD;
      boolean ipv4 = family == Uapi.NFPROTO_IPV4 || family == Uapi.NFPROTO_INET;
      if (forward && ipv4 && chain.be32(Uapi.NFTA_CHAIN_POLICY, Uapi.NF_ACCEPT) == Uapi.NF_DROP) {
        chains.add(
            new DroppingChain(
                family == Uapi.NFPROTO_INET ? "inet" : "ip",
                chain.text(Uapi.NFTA_CHAIN_TABLE),
                chain.text(Uapi.NFTA_CHAIN_NAME)));
      }
    }
    return chains;
  }

  /** Every entry of a map; ENOENT if there is no such map. */
  public List<NftTransaction.Element> elements(String table, String map) throws SyscallException {
    List<NftTransaction.Element> elements = new ArrayList<>();
    for (NetlinkMessage message :
        socket.dump(
            attempt ->
                request(Uapi.NFT_MSG_GETSETELEM)
                    .attribute(Uapi.NFTA_SET_ELEM_LIST_TABLE, table)
                    .attribute(Uapi.NFTA_SET_ELEM_LIST_SET, map),
            "map " + map + " of table inet " + table)) {
      Attributes attributes = message.attributes(GENERIC_BYTES);
      for (ByteBuffer entry : attributes.nested(Uapi.NFTA_SET_ELEM_LIST_ELEMENTS).all()) {
        Attributes element = Attributes.of(entry);
        elements.add(
            new NftTransaction.Element(
                value(element, Uapi.NFTA_SET_ELEM_KEY), value(element, Uapi.NFTA_SET_ELEM_DATA)));
      }
    }
    return elements;
  }

  private static Bytes value(Attributes element, int type) {
    return Bytes.of(element.nested(type).bytes(Uapi.NFTA_DATA_VALUE));
  }

  private static NetlinkWriter request(int type) {
    return request(type, Uapi.NFPROTO_INET);
  }

  private static NetlinkWriter request(int type, int family) {
    return NftTransaction.generic(
        new NetlinkWriter()
            .message(Uapi.NFNL_SUBSYS_NFTABLES << 8 | type, Uapi.NLM_F_REQUEST | Uapi.NLM_F_DUMP),
        family,
        0);
  }

  private static String name(int type) {
    return switch (type & 0xff) {
      case Uapi.NFT_MSG_NEWTABLE -> "add table";
      case Uapi.NFT_MSG_DELTABLE -> "delete table";
      case Uapi.NFT_MSG_NEWCHAIN -> "add chain";
      case Uapi.NFT_MSG_NEWRULE -> "add rule";
      case Uapi.NFT_MSG_DELRULE -> "delete rule";
      case Uapi.NFT_MSG_NEWSET -> "add map";
      case Uapi.NFT_MSG_NEWSETELEM -> "add element";
      case Uapi.NFT_MSG_DELSETELEM -> "delete element";
      default -> "nf_tables request " + (type & 0xff);
    };
  }

  @Override
  public void close() {
    socket.close();
  }
}
