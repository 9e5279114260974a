package io.berth.linux.net;

/** An address of an interface, of any family, as it can be given to that interface again. */
public final class KeptAddress {
  final int link;
  final int family;
  final int prefixLength;
  final byte[] local;
  final byte[] address;
  final byte[] broadcast;
  private final int scope;
  private final int flags;

  private KeptAddress(NetlinkMessage message) {
    Attributes attributes = message.attributes(InterfaceAddress.HEADER_BYTES);
    family = message.payload().get(0) & 0xff;
    prefixLength = message.payload().get(1) & 0xff;
    flags = attributes.u32(Uapi.IFA_FLAGS, message.payload().get(2) & 0xff);
    scope = message.payload().get(3) & 0xff;
    link = message.payload().getInt(4);
    local = attributes.bytes(Uapi.IFA_LOCAL);
    address = attributes.bytes(Uapi.IFA_ADDRESS);
    broadcast = attributes.bytes(Uapi.IFA_BROADCAST);
  }

  static KeptAddress of(NetlinkMessage message) {
    return new KeptAddress(message);
  }

  /** Whether somebody gave it for good and it means the same everywhere: no lease, no link's. */
  boolean isPermanentAndGlobal() {
    return (flags & Uapi.IFA_F_PERMANENT) != 0 && scope == Uapi.RT_SCOPE_UNIVERSE;
  }
}
