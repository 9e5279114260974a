package io.berth.linux.net;

import io.berth.linux.KernelFeature;
import java.util.List;

/**
 * Changes to one nf_tables table, of the {@code inet} family if it is ours, carried out by {@link
 * NftSocket#commit} as a whole or not at all. No packet sees a state in between.
 */
public final class NftTransaction {
  /** The points in a packet's way at which a base chain may stand. */
  public enum Hook {
    PREROUTING(Uapi.NF_INET_PRE_ROUTING),
    FORWARD(Uapi.NF_INET_FORWARD),
    OUTPUT(Uapi.NF_INET_LOCAL_OUT),
    POSTROUTING(Uapi.NF_INET_POST_ROUTING);

    private final int number;

    Hook(int number) {
      this.number = number;
    }
  }

  /** What a base chain may do. */
  public enum ChainType {
    FILTER("filter"),
    NAT("nat");

    private final String word;

    ChainType(String word) {
      this.word = word;
    }
  }

  /**
   * An entry of a map.
   *
   * @param key the key's fields one behind the other, each on four bytes
   * @param value the value's fields, laid out in the same way
   */
  public record Element(Bytes key, Bytes value) {}

  /** NFT_TABLE_F_PERSIST; the headers of the machine may be older. */
  private static final int TABLE_PERSISTS = 4;

  private static final int REQUEST = Uapi.NLM_F_REQUEST;
  private static final int CREATE = REQUEST | Uapi.NLM_F_CREATE;
  private static final int ELEMENTS_PER_MESSAGE = 400;

  private final String table;
  private final int family;
  private final NetlinkWriter writer = new NetlinkWriter();
  private int sets;

  public NftTransaction(String table) {
    this(table, Uapi.NFPROTO_INET);
  }

  /** Changes to somebody else's table. */
  public NftTransaction(ForwardChain.Name chain) {
    this(chain.table(), chain.familyNumber());
  }

  private NftTransaction(String table, int family) {
    this.table = table;
    this.family = family;
    writer.message(Uapi.NFNL_MSG_BATCH_BEGIN, REQUEST);
    generic(writer, 0, Uapi.NFNL_SUBSYS_NFTABLES);
  }

  String table() {
    return (family == Uapi.NFPROTO_INET ? "inet " : "ip ") + table;
  }

  /** The whole transaction with its end, whose last message asks for an acknowledgement. */
  NetlinkWriter finish() {
    writer.addFlags(Uapi.NLM_F_ACK);
    writer.message(Uapi.NFNL_MSG_BATCH_END, REQUEST);
    generic(writer, 0, Uapi.NFNL_SUBSYS_NFTABLES);
    return writer;
  }

  /** Makes the table if there is none. */
  public NftTransaction addTable() {
    message(Uapi.NFT_MSG_NEWTABLE, CREATE).attribute(Uapi.NFTA_TABLE_NAME, table);
    return this;
  }

  /**
   * Makes the table, or takes over one that its owner left, so that this socket alone can change
   * it, and so that it stays when the socket is closed. EOPNOTSUPP without {@link
   * KernelFeature#NFT_TABLE_PERSIST}, and for a table made otherwise.
   */
  public NftTransaction addOwnedTable() {
    message(Uapi.NFT_MSG_NEWTABLE, CREATE)
        .attribute(Uapi.NFTA_TABLE_NAME, table)
        .attributeBe32(Uapi.NFTA_TABLE_FLAGS, Uapi.NFT_TABLE_F_OWNER | TABLE_PERSISTS);
    return this;
  }

  /** Deletes the table; ENOENT if there is none. */
  public NftTransaction deleteTable() {
    message(Uapi.NFT_MSG_DELTABLE, REQUEST).attribute(Uapi.NFTA_TABLE_NAME, table);
    return this;
  }

  /** Makes a chain that others jump to, if there is none. */
  public NftTransaction addChain(String chain) {
    message(Uapi.NFT_MSG_NEWCHAIN, CREATE)
        .attribute(Uapi.NFTA_CHAIN_TABLE, table)
        .attribute(Uapi.NFTA_CHAIN_NAME, chain);
    return this;
  }

  /**
   * Makes a chain that packets come to by themselves, if there is none; what it lets be, passes.
   */
  public NftTransaction addBaseChain(String chain, ChainType type, Hook hook, int priority) {
    message(Uapi.NFT_MSG_NEWCHAIN, CREATE)
        .attribute(Uapi.NFTA_CHAIN_TABLE, table)
        .attribute(Uapi.NFTA_CHAIN_NAME, chain)
        .attribute(Uapi.NFTA_CHAIN_TYPE, type.word)
        .attributeBe32(Uapi.NFTA_CHAIN_POLICY, Uapi.NF_ACCEPT)
        .nest(Uapi.NFTA_CHAIN_HOOK)
        .attributeBe32(Uapi.NFTA_HOOK_HOOKNUM, hook.number)
        .attributeBe32(Uapi.NFTA_HOOK_PRIORITY, priority)
        .end();
    return this;
  }

  /** Deletes every rule of a chain. */
  public NftTransaction flushChain(String chain) {
    message(Uapi.NFT_MSG_DELRULE, REQUEST)
        .attribute(Uapi.NFTA_RULE_TABLE, table)
        .attribute(Uapi.NFTA_RULE_CHAIN, chain);
    return this;
  }

  /** Adds a rule at the chain's end. */
  public NftTransaction addRule(String chain, NftRule rule) {
    message(Uapi.NFT_MSG_NEWRULE, CREATE | Uapi.NLM_F_APPEND)
        .attribute(Uapi.NFTA_RULE_TABLE, table)
        .attribute(Uapi.NFTA_RULE_CHAIN, chain);
    rule.write(writer);
    return this;
  }

  /** Adds a rule before another one of the same chain. */
  public NftTransaction insertRule(String chain, NftRule rule, long before) {
    message(Uapi.NFT_MSG_NEWRULE, CREATE)
        .attribute(Uapi.NFTA_RULE_TABLE, table)
        .attribute(Uapi.NFTA_RULE_CHAIN, chain)
        .attributeBe64(Uapi.NFTA_RULE_POSITION, before);
    rule.write(writer);
    return this;
  }

  /** Deletes one rule; ENOENT if it is not there. */
  public NftTransaction deleteRule(String chain, long handle) {
    message(Uapi.NFT_MSG_DELRULE, REQUEST)
        .attribute(Uapi.NFTA_RULE_TABLE, table)
        .attribute(Uapi.NFTA_RULE_CHAIN, chain)
        .attributeBe64(Uapi.NFTA_RULE_HANDLE, handle);
    return this;
  }

  /** Makes a hash map if there is none. */
  public NftTransaction addMap(String map, List<NftType> key, List<NftType> value) {
    NftType[] keys = key.toArray(NftType[]::new);
    NftType[] values = value.toArray(NftType[]::new);
    message(Uapi.NFT_MSG_NEWSET, CREATE)
        .attribute(Uapi.NFTA_SET_TABLE, table)
        .attribute(Uapi.NFTA_SET_NAME, map)
        .attributeBe32(Uapi.NFTA_SET_FLAGS, Uapi.NFT_SET_MAP)
        .attributeBe32(Uapi.NFTA_SET_KEY_TYPE, NftType.number(keys))
        .attributeBe32(Uapi.NFTA_SET_KEY_LEN, NftType.length(keys))
        .attributeBe32(Uapi.NFTA_SET_DATA_TYPE, NftType.number(values))
        .attributeBe32(Uapi.NFTA_SET_DATA_LEN, NftType.length(values))
        .attributeBe32(Uapi.NFTA_SET_ID, ++sets);
    return this;
  }

  /** Adds entries to a map; EEXIST or EBUSY if a key has another value already. */
  public NftTransaction addElements(String map, List<Element> elements) {
    return elements(Uapi.NFT_MSG_NEWSETELEM, CREATE, map, elements);
  }

  /** Deletes entries of a map; ENOENT if one is not there. */
  public NftTransaction deleteElements(String map, List<Element> elements) {
    return elements(Uapi.NFT_MSG_DELSETELEM, REQUEST, map, elements);
  }

  private NftTransaction elements(int type, int flags, String map, List<Element> elements) {
    for (int from = 0; from < elements.size(); from += ELEMENTS_PER_MESSAGE) {
      message(type, flags)
          .attribute(Uapi.NFTA_SET_ELEM_LIST_TABLE, table)
          .attribute(Uapi.NFTA_SET_ELEM_LIST_SET, map)
          .nest(Uapi.NFTA_SET_ELEM_LIST_ELEMENTS);
      int to = Math.min(from + ELEMENTS_PER_MESSAGE, elements.size());
      for (Element element : elements.subList(from, to)) {
        writer.nest(Uapi.NFTA_LIST_ELEM);
        NftRule.value(writer, Uapi.NFTA_SET_ELEM_KEY, element.key.toArray());
        NftRule.value(writer, Uapi.NFTA_SET_ELEM_DATA, element.value.toArray());
        writer.end();
      }
      writer.end();
    }
    return this;
  }

  private NetlinkWriter message(int type, int flags) {
    writer.message(Uapi.NFNL_SUBSYS_NFTABLES << 8 | type, flags);
    return generic(writer, family, 0);
  }

  static NetlinkWriter generic(NetlinkWriter writer, int family, int resource) {
    return writer.u8(family).u8(Uapi.NFNETLINK_V0).be16(resource);
  }
}
