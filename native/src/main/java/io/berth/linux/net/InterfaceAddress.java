package io.berth.linux.net;

/** An IPv4 address on an interface. */
public record InterfaceAddress(int link, Ipv4 address, int prefixLength) {
  static final int HEADER_BYTES = 8;

  static InterfaceAddress of(NetlinkMessage message) {
    Attributes attributes = message.attributes(HEADER_BYTES);
    byte[] local = attributes.bytes(Uapi.IFA_LOCAL);
    byte[] address = local.length == 4 ? local : attributes.bytes(Uapi.IFA_ADDRESS);
    return new InterfaceAddress(
        message.payload().getInt(4),
        address.length == 4 ? Ipv4.of(address) : Ipv4.ANY,
        message.payload().get(1) & 0xff);
  }
}
