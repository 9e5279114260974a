package io.berth.linux.net;

import java.util.Optional;

/**
 * An IPv4 route.
 *
 * @param destination its first address
 * @param prefixLength 0 for the default route
 * @param link index of the interface it leaves by, 0 if it has none
 * @param table number of the routing table; 255 holds the host's own addresses
 */
public record Route(
    Ipv4 destination, int prefixLength, Optional<Ipv4> gateway, int link, int table, int metric) {
  static final int HEADER_BYTES = 12;

  static Route of(NetlinkMessage message) {
    Attributes attributes = message.attributes(HEADER_BYTES);
    byte[] destination = attributes.bytes(Uapi.RTA_DST);
    byte[] gateway = attributes.bytes(Uapi.RTA_GATEWAY);
    return new Route(
        destination.length == 4 ? Ipv4.of(destination) : Ipv4.ANY,
        message.payload().get(1) & 0xff,
        gateway.length == 4 ? Optional.of(Ipv4.of(gateway)) : Optional.empty(),
        attributes.u32(Uapi.RTA_OIF, 0),
        attributes.u32(Uapi.RTA_TABLE, message.payload().get(4) & 0xff),
        attributes.u32(Uapi.RTA_PRIORITY, 0));
  }
}
