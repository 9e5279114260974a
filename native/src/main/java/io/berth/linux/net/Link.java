package io.berth.linux.net;

import java.nio.ByteBuffer;

/**
 * A network interface as the kernel shows it.
 *
 * @param index its number in its namespace
 * @param alias what its maker wrote on it; may be empty
 * @param group number of the group it is in, 0 by default
 * @param master index of the bridge it is a port of, 0 for none
 * @param kind {@code veth}, {@code bridge}, ...; empty for hardware and the loopback
 */
public record Link(
    int index,
    String name,
    String alias,
    boolean up,
    int mtu,
    int group,
    int master,
    String kind,
    MacAddress address,
    Counters counters) {

  /** What went through it since it was made. */
  public record Counters(
      long rxPackets,
      long txPackets,
      long rxBytes,
      long txBytes,
      long rxErrors,
      long txErrors,
      long rxDropped,
      long txDropped) {
    static final Counters NONE = new Counters(0, 0, 0, 0, 0, 0, 0, 0);

    private static Counters of(ByteBuffer stats) {
      return new Counters(
          stats.getLong(0),
          stats.getLong(8),
          stats.getLong(16),
          stats.getLong(24),
          stats.getLong(32),
          stats.getLong(40),
          stats.getLong(48),
          stats.getLong(56));
    }
  }

  static final int HEADER_BYTES = 16;
  private static final int COUNTER_BYTES = 64;

  static Link of(NetlinkMessage message) {
    Attributes attributes = message.attributes(HEADER_BYTES);
    ByteBuffer stats = attributes.get(Uapi.IFLA_STATS64);
    return new Link(
        message.payload().getInt(4),
        attributes.text(Uapi.IFLA_IFNAME),
        attributes.text(Uapi.IFLA_IFALIAS),
        (message.payload().getInt(8) & Uapi.IFF_UP) != 0,
        attributes.u32(Uapi.IFLA_MTU, 0),
        attributes.u32(Uapi.IFLA_GROUP, 0),
        attributes.u32(Uapi.IFLA_MASTER, 0),
        attributes.nested(Uapi.IFLA_LINKINFO).text(Uapi.IFLA_INFO_KIND),
        MacAddress.of(attributes.bytes(Uapi.IFLA_ADDRESS)),
        stats == null || stats.remaining() < COUNTER_BYTES ? Counters.NONE : Counters.of(stats));
  }
}
