package io.berth.linux.net;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A rule of nf_tables: conditions that must all hold, in order, and at its end what happens then.
 * The methods' names follow the nft language.
 */
public final class NftRule {
  /** States and marks of a tracked connection. */
  private static final int ESTABLISHED_OR_RELATED = 2 | 4;

  private static final int LOCAL = Uapi.RTN_LOCAL;
  private static final int INTERFACE_NAME_BYTES = 16;
  private static final int SOURCE_OFFSET = 12;
  private static final int DESTINATION_OFFSET = 16;
  private static final int DESTINATION_PORT_OFFSET = 2;
  private static final int FIRST = Uapi.NFT_REG32_00;

  /**
   * The type of a comment in the data that the kernel keeps for whoever made a rule: entries of a
   * type, a length and a text with its zero byte, as the programs nft and iptables write them.
   */
  static final byte COMMENT = 0;

  private final List<Consumer<NetlinkWriter>> expressions = new ArrayList<>();
  private String comment = "";

  void write(NetlinkWriter writer) {
    writer.nest(Uapi.NFTA_RULE_EXPRESSIONS);
    expressions.forEach(expression -> expression.accept(writer));
    writer.end();
    if (!comment.isEmpty()) {
      byte[] text = comment.getBytes(StandardCharsets.UTF_8);
      byte[] data = Arrays.copyOf(new byte[] {COMMENT, (byte) (text.length + 1)}, text.length + 3);
      System.arraycopy(text, 0, data, 2, text.length);
      writer.attribute(Uapi.NFTA_RULE_USERDATA, data);
    }
  }

  /** {@code meta nfproto ipv4}. */
  public NftRule ipv4() {
    meta(Uapi.NFT_META_NFPROTO, FIRST);
    return compare(true, new byte[] {(byte) Uapi.NFPROTO_IPV4});
  }

  /** {@code iifname NAME}. */
  public NftRule in(String name) {
    meta(Uapi.NFT_META_IIFNAME, FIRST);
    return compare(true, interfaceName(name));
  }

  /** {@code iifname "PREFIX*"}. */
  public NftRule inFrom(String prefix) {
    meta(Uapi.NFT_META_IIFNAME, FIRST);
    return compare(true, prefix(prefix));
  }

  /** {@code oifname "PREFIX*"}. */
  public NftRule outTo(String prefix) {
    meta(Uapi.NFT_META_OIFNAME, FIRST);
    return compare(true, prefix(prefix));
  }

  /** A comment, by which the rule is known again. */
  public NftRule comment(String words) {
    comment = words;
    return this;
  }

  /** {@code iifname != NAME}. */
  public NftRule notIn(String name) {
    meta(Uapi.NFT_META_IIFNAME, FIRST);
    return compare(false, interfaceName(name));
  }

  /** {@code oifname NAME}. */
  public NftRule out(String name) {
    meta(Uapi.NFT_META_OIFNAME, FIRST);
    return compare(true, interfaceName(name));
  }

  /** {@code oifname != NAME}. */
  public NftRule notOut(String name) {
    meta(Uapi.NFT_META_OIFNAME, FIRST);
    return compare(false, interfaceName(name));
  }

  /** {@code iifkind KIND}: the link was made as a {@code bridge}, a {@code vrf}, ... */
  public NftRule inKind(String kind) {
    meta(Uapi.NFT_META_IIFKIND, FIRST);
    return compare(true, interfaceName(kind));
  }

  /** {@code oifkind KIND}. */
  public NftRule outKind(String kind) {
    meta(Uapi.NFT_META_OIFKIND, FIRST);
    return compare(true, interfaceName(kind));
  }

  /** {@code ip saddr ADDRESS/PREFIX}; for IPv4 packets only. */
  public NftRule source(Ipv4 network, int prefixLength) {
    return address(SOURCE_OFFSET, network, prefixLength);
  }

  /** {@code ip daddr ADDRESS/PREFIX}; for IPv4 packets only. */
  public NftRule destination(Ipv4 network, int prefixLength) {
    return address(DESTINATION_OFFSET, network, prefixLength);
  }

  /** {@code fib daddr type local}: the packet is for this host. */
  public NftRule toThisHost() {
    add(
        "fib",
        w ->
            w.attributeBe32(Uapi.NFTA_FIB_DREG, FIRST)
                .attributeBe32(Uapi.NFTA_FIB_RESULT, Uapi.NFT_FIB_RESULT_ADDRTYPE)
                .attributeBe32(Uapi.NFTA_FIB_FLAGS, Uapi.NFTA_FIB_F_DADDR));
    return compare(true, littleEndian(LOCAL));
  }

  /** {@code ct state established,related}. */
  public NftRule established() {
    return connection(Uapi.NFT_CT_STATE, ESTABLISHED_OR_RELATED);
  }

  /** {@code ct status dnat}: the connection's destination was changed. */
  public NftRule redirected() {
    return connection(Uapi.NFT_CT_STATUS, Uapi.IPS_DST_NAT);
  }

  /** {@code dnat ip to meta l4proto . ip daddr . th dport map @MAP}; for IPv4 packets only. */
  public NftRule redirectByAddressAndPort(String map) {
    meta(Uapi.NFT_META_L4PROTO, FIRST);
    payload(Uapi.NFT_PAYLOAD_NETWORK_HEADER, DESTINATION_OFFSET, 4, FIRST + 1);
    payload(Uapi.NFT_PAYLOAD_TRANSPORT_HEADER, DESTINATION_PORT_OFFSET, 2, FIRST + 2);
    return redirect(map);
  }

  /** {@code dnat ip to meta l4proto . th dport map @MAP}; for IPv4 packets only. */
  public NftRule redirectByPort(String map) {
    meta(Uapi.NFT_META_L4PROTO, FIRST);
    payload(Uapi.NFT_PAYLOAD_TRANSPORT_HEADER, DESTINATION_PORT_OFFSET, 2, FIRST + 1);
    return redirect(map);
  }

  /** {@code masquerade}. */
  public NftRule masquerade() {
    return add("masq", w -> {});
  }

  /** {@code accept}. */
  public NftRule accept() {
    return verdict(Uapi.NF_ACCEPT, "");
  }

  /** {@code drop}. */
  public NftRule drop() {
    return verdict(Uapi.NF_DROP, "");
  }

  /** {@code return}: back to the chain that jumped here. */
  public NftRule leave() {
    return verdict(Uapi.NFT_RETURN, "");
  }

  /** {@code jump CHAIN}. */
  public NftRule jump(String chain) {
    return verdict(Uapi.NFT_JUMP, chain);
  }

  private NftRule redirect(String map) {
    add(
        "lookup",
        w ->
            w.attribute(Uapi.NFTA_LOOKUP_SET, map)
                .attributeBe32(Uapi.NFTA_LOOKUP_SREG, FIRST)
                .attributeBe32(Uapi.NFTA_LOOKUP_DREG, FIRST));
    return add(
        "nat",
        w ->
            w.attributeBe32(Uapi.NFTA_NAT_TYPE, Uapi.NFT_NAT_DNAT)
                .attributeBe32(Uapi.NFTA_NAT_FAMILY, Uapi.NFPROTO_IPV4)
                .attributeBe32(Uapi.NFTA_NAT_REG_ADDR_MIN, FIRST)
                .attributeBe32(Uapi.NFTA_NAT_REG_PROTO_MIN, FIRST + 1));
  }

  private NftRule address(int offset, Ipv4 network, int prefixLength) {
    payload(Uapi.NFT_PAYLOAD_NETWORK_HEADER, offset, 4, FIRST);
    if (prefixLength < 32) {
      mask(new Ipv4(prefixLength == 0 ? 0 : -1 << (32 - prefixLength)).bytes());
    }
    return compare(true, network.bytes());
  }

  private NftRule connection(int key, int bits) {
    add("ct", w -> w.attributeBe32(Uapi.NFTA_CT_DREG, FIRST).attributeBe32(Uapi.NFTA_CT_KEY, key));
    mask(littleEndian(bits));
    return compare(false, new byte[4]);
  }

  private void meta(int key, int register) {
    add(
        "meta",
        w -> w.attributeBe32(Uapi.NFTA_META_DREG, register).attributeBe32(Uapi.NFTA_META_KEY, key));
  }

  private void payload(int base, int offset, int length, int register) {
    add(
        "payload",
        w ->
            w.attributeBe32(Uapi.NFTA_PAYLOAD_DREG, register)
                .attributeBe32(Uapi.NFTA_PAYLOAD_BASE, base)
                .attributeBe32(Uapi.NFTA_PAYLOAD_OFFSET, offset)
                .attributeBe32(Uapi.NFTA_PAYLOAD_LEN, length));
  }

  private void mask(byte[] bits) {
    add(
        "bitwise",
        w -> {
          w.attributeBe32(Uapi.NFTA_BITWISE_SREG, FIRST)
              .attributeBe32(Uapi.NFTA_BITWISE_DREG, FIRST)
              .attributeBe32(Uapi.NFTA_BITWISE_LEN, bits.length);
          value(w, Uapi.NFTA_BITWISE_MASK, bits);
          value(w, Uapi.NFTA_BITWISE_XOR, new byte[bits.length]);
        });
  }

  private NftRule compare(boolean equal, byte[] with) {
    return add(
        "cmp",
        w -> {
          w.attributeBe32(Uapi.NFTA_CMP_SREG, FIRST)
              .attributeBe32(Uapi.NFTA_CMP_OP, equal ? Uapi.NFT_CMP_EQ : Uapi.NFT_CMP_NEQ);
          value(w, Uapi.NFTA_CMP_DATA, with);
        });
  }

  private NftRule verdict(int code, String chain) {
    return add(
        "immediate",
        w -> {
          w.attributeBe32(Uapi.NFTA_IMMEDIATE_DREG, Uapi.NFT_REG_VERDICT)
              .nest(Uapi.NFTA_IMMEDIATE_DATA)
              .nest(Uapi.NFTA_DATA_VERDICT)
              .attributeBe32(Uapi.NFTA_VERDICT_CODE, code);
          if (!chain.isEmpty()) {
            w.attribute(Uapi.NFTA_VERDICT_CHAIN, chain);
          }
          w.end().end();
        });
  }

  private NftRule add(String name, Consumer<NetlinkWriter> content) {
    expressions.add(w -> {
      w.nest(Uapi.NFTA_LIST_ELEM).attribute(Uapi.NFTA_EXPR_NAME, name).nest(Uapi.NFTA_EXPR_DATA);
      content.accept(w);
      w.end().end();
    });
    return this;
  }

  /** A nested attribute with a value in it. */
  static void value(NetlinkWriter writer, int type, byte[] bytes) {
    writer.nest(type).attribute(Uapi.NFTA_DATA_VALUE, bytes).end();
  }

  private static byte[] interfaceName(String name) {
    return Arrays.copyOf(prefix(name), INTERFACE_NAME_BYTES);
  }

  private static byte[] prefix(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    if (bytes.length >= INTERFACE_NAME_BYTES) {
      throw new IllegalArgumentException("interface name `" + name + "` is too long");
    }
    return bytes;
  }

  private static byte[] littleEndian(int value) {
    return new byte[] {
      (byte) value, (byte) (value >>> 8), (byte) (value >>> 16), (byte) (value >>> 24)
    };
  }
}
