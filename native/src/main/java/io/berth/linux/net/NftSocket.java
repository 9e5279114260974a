package io.berth.linux.net;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The nf_tables of one network namespace. A table made with {@link NftTransaction#addOwnedTable}
 * belongs to this socket. Safe for use by several threads; nothing here waits.
 */
public final class NftSocket implements AutoCloseable {
  private static final int GENERIC_BYTES = 4;

  private final NetworkNamespace namespace;

  /** Opened when it is needed, for a kernel may have no packet filter and a host no use for one. */
  @GuardedBy("this")
  private @Nullable NetlinkSocket socket;

  private NftSocket(NetworkNamespace namespace) {
    this.namespace = namespace;
  }

  /** The namespace stays the caller's, who closes it later than this. */
  public static NftSocket open(NetworkNamespace namespace) {
    return new NftSocket(namespace);
  }

  private synchronized NetlinkSocket socket() throws SyscallException {
    NetlinkSocket open = socket;
    if (open == null) {
      try {
        open =
            namespace.call(
                () -> NetlinkSocket.open(Uapi.NETLINK_NETFILTER, "nf_tables", NftSocket::name));
      } catch (SyscallException e) {
        throw e;
      } catch (IOException e) {
        throw new SyscallException("socket", "nf_tables", Errno.EINTR);
      }
      socket = open;
    }
    return open;
  }

  /** The kernel's number for this socket, by which a monitor knows its changes. */
  int port() throws SyscallException {
    return socket().port();
  }

  /** Carries out the transaction. */
  public void commit(NftTransaction transaction) throws SyscallException {
    socket().transaction(transaction.finish(), "table " + transaction.table());
  }

  /** The names of the tables of the {@code inet} family. */
  public List<String> tables() throws SyscallException {
    return socket().dump(attempt -> request(Uapi.NFT_MSG_GETTABLE), "tables").stream()
        .filter(m -> m.type() == (Uapi.NFNL_SUBSYS_NFTABLES << 8 | Uapi.NFT_MSG_NEWTABLE))
        .map(m -> m.attributes(GENERIC_BYTES).text(Uapi.NFTA_TABLE_NAME))
        .toList();
  }

  /** The chains that forwarded IPv4 packets come by first, whosever they are, with their rules. */
  public List<ForwardChain> forwardChains() throws SyscallException {
    List<ForwardChain> chains = new ArrayList<>();
    for (NetlinkMessage message :
        socket().dump(_ -> request(Uapi.NFT_MSG_GETCHAIN, Uapi.NFPROTO_UNSPEC), "chains")) {
      ForwardChain.Name name = ForwardChain.name(message).orElse(null);
      if (name != null) {
        chains.add(new ForwardChain(name, ForwardChain.drops(message), rules(name)));
      }
    }
    return chains;
  }

  private List<ForwardChain.Rule> rules(ForwardChain.Name chain) throws SyscallException {
    return socket()
        .dump(
            _ ->
                request(Uapi.NFT_MSG_GETRULE, chain.familyNumber())
                    .attribute(Uapi.NFTA_RULE_TABLE, chain.table())
                    .attribute(Uapi.NFTA_RULE_CHAIN, chain.chain()),
            "rules of chain " + chain)
        .stream()
        .filter(m -> m.type() == (Uapi.NFNL_SUBSYS_NFTABLES << 8 | Uapi.NFT_MSG_NEWRULE))
        .map(ForwardChain.Rule::of)
        .toList();
  }

  /** Every entry of a map; ENOENT if there is no such map. */
  public List<NftTransaction.Element> elements(String table, String map) throws SyscallException {
    List<NftTransaction.Element> elements = new ArrayList<>();
    for (NetlinkMessage message :
        socket()
            .dump(
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
  public synchronized void close() {
    if (socket != null) {
      socket.close();
      socket = null;
    }
  }
}
