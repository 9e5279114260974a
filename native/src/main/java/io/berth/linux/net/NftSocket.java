package io.berth.linux.net;

import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
   * A chain of the forward hook.
   *
   * @param family the family of its table, {@code ip} or {@code inet}
   */
  public record ForwardChain(String family, String table, String chain) {
    @Override
    public String toString() {
      return family + " " + table + " " + chain;
    }
  }

  /** The chains that forwarded IPv4 packets come by and that drop by default, whosever they are. */
  public List<ForwardChain> droppingForwardChains() throws SyscallException {
    List<ForwardChain> chains = new ArrayList<>();
    for (NetlinkMessage message : dump(Uapi.NFT_MSG_GETCHAIN, "chains")) {
      Optional<ForwardChain> chain = forwardChain(message);
      int policy = message.attributes(GENERIC_BYTES).be32(Uapi.NFTA_CHAIN_POLICY, Uapi.NF_ACCEPT);
      if (chain.isPresent() && policy == Uapi.NF_DROP) {
        chains.add(chain.get());
      }
    }
    return chains;
  }

  /**
   * How many rules the chains have that forwarded IPv4 packets come by first, whosever they are.
   */
  public Map<ForwardChain, Integer> forwardRules() throws SyscallException {
    Map<ForwardChain, Integer> rules = new HashMap<>();
    for (NetlinkMessage message : dump(Uapi.NFT_MSG_GETCHAIN, "chains")) {
      forwardChain(message).ifPresent(chain -> rules.put(chain, 0));
    }
    for (NetlinkMessage message : dump(Uapi.NFT_MSG_GETRULE, "rules")) {
      Attributes rule = message.attributes(GENERIC_BYTES);
      rules.computeIfPresent(
          new ForwardChain(
              family(message), rule.text(Uapi.NFTA_RULE_TABLE), rule.text(Uapi.NFTA_RULE_CHAIN)),
          (_, count) -> count + 1);
    }
    return rules;
  }

  private List<NetlinkMessage> dump(int request, String subject) throws SyscallException {
    return socket.dump(_ -> request(request, Uapi.NFPROTO_UNSPEC), subject);
  }

  private static Optional<ForwardChain> forwardChain(NetlinkMessage message) {
    Attributes chain = message.attributes(GENERIC_BYTES);
    String family = family(message);
    boolean forward =
        chain.get(Uapi.NFTA_CHAIN_HOOK) != null
            && chain.nested(Uapi.NFTA_CHAIN_HOOK).be32(Uapi.NFTA_HOOK_HOOKNUM, -1)
                == Uapi.NF_INET_FORWARD;
    return forward && !family.isEmpty()
        ? Optional.of(
            new ForwardChain(
                family, chain.text(Uapi.NFTA_CHAIN_TABLE), chain.text(Uapi.NFTA_CHAIN_NAME)))
        : Optional.empty();
  }

  /** The word for a family that has IPv4 packets; empty for another, and for an end of a dump. */
  private static String family(NetlinkMessage message) {
    return switch (message.payload().limit() > 0 ? message.payload().get(0) & 0xff : -1) {
      case Uapi.NFPROTO_IPV4 -> "ip";
      case Uapi.NFPROTO_INET -> "inet";
      default -> "";
    };
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
