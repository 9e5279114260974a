package io.berth.linux.net;

import io.berth.linux.Fd;
import java.util.Optional;

/**
 * Changes to links, addresses, routes and neighbours, carried out one after another by one {@link
 * RouteSocket#send}. The kernel goes on after one that failed; the first failure is told.
 */
public final class RouteRequest {
  private static final int ACK = Uapi.NLM_F_REQUEST | Uapi.NLM_F_ACK;
  private static final int CREATE = ACK | Uapi.NLM_F_CREATE | Uapi.NLM_F_EXCL;
  private static final int REPLACE = ACK | Uapi.NLM_F_CREATE | Uapi.NLM_F_REPLACE;

  private final NetlinkWriter writer = new NetlinkWriter();

  /**
   * A bridge to be made, down.
   *
   * @param group the number of its group, which says whose it is from its first moment on; an alias
   *     can be given only later
   */
  public record Bridge(String name, int group, MacAddress address, int mtu) {}

  /**
   * Two ends of a virtual cable to be made, both down.
   *
   * @param group the number of the near end's group, which says whose it is from its first moment
   *     on; an alias can be given only later
   * @param master index of the bridge that the near end becomes a port of; 0 for none
   * @param peerName the far end's name in its namespace
   * @param peerNamespace where the far end is; empty for the same one
   * @param peerAddress the far end's hardware address; empty for any
   */
  public record Cable(
      String name,
      int group,
      int master,
      int mtu,
      String peerName,
      Optional<Fd> peerNamespace,
      Optional<MacAddress> peerAddress) {}

  NetlinkWriter writer() {
    return writer;
  }

  /** EEXIST if there is a link of that name. */
  public RouteRequest create(Bridge bridge) {
    link(Uapi.RTM_NEWLINK, CREATE, 0, 0, 0);
    writer
        .attribute(Uapi.IFLA_IFNAME, bridge.name)
        .attributeU32(Uapi.IFLA_GROUP, bridge.group)
        .attribute(Uapi.IFLA_ADDRESS, bridge.address.bytes())
        .attributeU32(Uapi.IFLA_MTU, bridge.mtu)
        .nest(Uapi.IFLA_LINKINFO)
        .attribute(Uapi.IFLA_INFO_KIND, "bridge")
        .nest(Uapi.IFLA_INFO_DATA)
        .attributeU32(Uapi.IFLA_BR_FORWARD_DELAY, 0)
        .attributeU32(Uapi.IFLA_BR_STP_STATE, 0)
        .end()
        .end();
    return this;
  }

  /** EEXIST if there is a link of that name; EXFULL if the bridge has all its 1,023 ports. */
  public RouteRequest create(Cable cable) {
    link(Uapi.RTM_NEWLINK, CREATE, 0, 0, 0);
    writer
        .attribute(Uapi.IFLA_IFNAME, cable.name)
        .attributeU32(Uapi.IFLA_GROUP, cable.group)
        .attributeU32(Uapi.IFLA_MTU, cable.mtu);
    if (cable.master != 0) {
      writer.attributeU32(Uapi.IFLA_MASTER, cable.master);
    }
    writer
        .nest(Uapi.IFLA_LINKINFO)
        .attribute(Uapi.IFLA_INFO_KIND, "veth")
        .nest(Uapi.IFLA_INFO_DATA)
        .nest(Uapi.VETH_INFO_PEER)
        .u32(0)
        .u32(0)
        .u32(0)
        .u32(0)
        .attribute(Uapi.IFLA_IFNAME, cable.peerName)
        .attributeU32(Uapi.IFLA_MTU, cable.mtu);
    cable.peerNamespace.ifPresent(fd -> writer.attributeU32(Uapi.IFLA_NET_NS_FD, fd.number()));
    cable.peerAddress.ifPresent(mac -> writer.attribute(Uapi.IFLA_ADDRESS, mac.bytes()));
    writer.end().end().end();
    return this;
  }

  public RouteRequest setUp(String name) {
    link(Uapi.RTM_SETLINK, ACK, 0, Uapi.IFF_UP, Uapi.IFF_UP);
    writer.attribute(Uapi.IFLA_IFNAME, name);
    return this;
  }

  public RouteRequest setUp(int link) {
    link(Uapi.RTM_SETLINK, ACK, link, Uapi.IFF_UP, Uapi.IFF_UP);
    return this;
  }

  /** Takes a link down and puts it into a group, with which it can be deleted later. */
  public RouteRequest retire(String name, int group) {
    link(Uapi.RTM_SETLINK, ACK, 0, 0, Uapi.IFF_UP);
    writer.attribute(Uapi.IFLA_IFNAME, name).attributeU32(Uapi.IFLA_GROUP, group);
    return this;
  }

  /** Writes an alias on a link: the kernel ignores one in the message that makes it. */
  public RouteRequest label(String name, String alias) {
    link(Uapi.RTM_SETLINK, ACK, 0, 0, 0);
    writer.attribute(Uapi.IFLA_IFNAME, name).attribute(Uapi.IFLA_IFALIAS, alias);
    return this;
  }

  /**
   * Settings of a port of a bridge.
   *
   * @param hairpin whether a frame may leave by the port by which it came in
   * @param isolated whether frames to other isolated ports are dropped
   */
  public RouteRequest setPort(String name, boolean hairpin, boolean isolated) {
    link(Uapi.RTM_NEWLINK, ACK, 0, 0, 0);
    writer
        .attribute(Uapi.IFLA_IFNAME, name)
        .nest(Uapi.IFLA_LINKINFO)
        .attribute(Uapi.IFLA_INFO_SLAVE_KIND, "bridge")
        .nest(Uapi.IFLA_INFO_SLAVE_DATA)
        .attributeU8(Uapi.IFLA_BRPORT_MODE, hairpin ? 1 : 0)
        .attributeU8(Uapi.IFLA_BRPORT_ISOLATED, isolated ? 1 : 0)
        .end()
        .end();
    return this;
  }

  public RouteRequest setAddress(int link, MacAddress address) {
    link(Uapi.RTM_SETLINK, ACK, link, 0, 0);
    writer.attribute(Uapi.IFLA_ADDRESS, address.bytes());
    return this;
  }

  public RouteRequest setMaster(int link, int master) {
    link(Uapi.RTM_SETLINK, ACK, link, 0, 0);
    writer.attributeU32(Uapi.IFLA_MASTER, master);
    return this;
  }

  public RouteRequest rename(int link, String name) {
    link(Uapi.RTM_SETLINK, ACK, link, 0, 0);
    writer.attribute(Uapi.IFLA_IFNAME, name);
    return this;
  }

  /**
   * Moves a link to another network namespace, where it gets this name; the kernel puts a number in
   * place of {@code %d}. It is down there, and has lost its addresses.
   */
  public RouteRequest move(int link, Fd namespace, String name) {
    link(Uapi.RTM_SETLINK, ACK, link, 0, 0);
    writer.attributeU32(Uapi.IFLA_NET_NS_FD, namespace.number()).attribute(Uapi.IFLA_IFNAME, name);
    return this;
  }

  /** Deletes a link. The kernel holds its lock for links for 13 to 26 ms. */
  public RouteRequest deleteLink(int link) {
    link(Uapi.RTM_DELLINK, ACK, link, 0, 0);
    return this;
  }

  /** Deletes every link of a group; ENODEV if there is none. Never group 0. */
  public RouteRequest deleteGroup(int group) {
    if (group == 0) {
      throw new IllegalArgumentException("group 0 holds every link that has no group");
    }
    link(Uapi.RTM_DELLINK, ACK, 0, 0, 0);
    writer.attributeU32(Uapi.IFLA_GROUP, group);
    return this;
  }

  /** An address without duplicate detection; EEXIST if the link has it. */
  public RouteRequest addAddress(int link, Ipv4 address, int prefixLength) {
    writer
        .message(Uapi.RTM_NEWADDR, CREATE)
        .u8(Uapi.AF_INET)
        .u8(prefixLength)
        .u8(Uapi.IFA_F_NODAD)
        .u8(Uapi.RT_SCOPE_UNIVERSE)
        .u32(link)
        .attribute(Uapi.IFA_LOCAL, address.bytes())
        .attribute(Uapi.IFA_ADDRESS, address.bytes());
    if (prefixLength < 31) {
      Ipv4 broadcast = new Ipv4(address.bits() | -1 >>> prefixLength);
      writer.attribute(Uapi.IFA_BROADCAST, broadcast.bytes());
    }
    return this;
  }

  /** An address that a link had, without duplicate detection; EEXIST if the link has it. */
  public RouteRequest addAddress(int link, KeptAddress address) {
    writer
        .message(Uapi.RTM_NEWADDR, CREATE)
        .u8(address.family)
        .u8(address.prefixLength)
        .u8(Uapi.IFA_F_NODAD)
        .u8(Uapi.RT_SCOPE_UNIVERSE)
        .u32(link);
    if (address.local.length > 0) {
      writer.attribute(Uapi.IFA_LOCAL, address.local);
    }
    if (address.address.length > 0) {
      writer.attribute(Uapi.IFA_ADDRESS, address.address);
    }
    if (address.broadcast.length > 0) {
      writer.attribute(Uapi.IFA_BROADCAST, address.broadcast);
    }
    return this;
  }

  public RouteRequest addDefaultRoute(int link, Ipv4 gateway) {
    return addRoute(link, Ipv4.ANY, 0, gateway);
  }

  public RouteRequest addRoute(int link, Ipv4 destination, int prefixLength, Ipv4 gateway) {
    writer
        .message(Uapi.RTM_NEWROUTE, CREATE)
        .u8(Uapi.AF_INET)
        .u8(prefixLength)
        .u8(0)
        .u8(0)
        .u8(Uapi.RT_TABLE_MAIN)
        .u8(Uapi.RTPROT_BOOT)
        .u8(Uapi.RT_SCOPE_UNIVERSE)
        .u8(Uapi.RTN_UNICAST)
        .u32(0);
    if (prefixLength > 0) {
      writer.attribute(Uapi.RTA_DST, destination.bytes());
    }
    writer.attribute(Uapi.RTA_GATEWAY, gateway.bytes()).attributeU32(Uapi.RTA_OIF, link);
    return this;
  }

  /** A neighbour that is never asked for and never forgotten; replaces what is there. */
  public RouteRequest setNeighbour(int link, Ipv4 address, MacAddress at) {
    neighbour(Uapi.RTM_NEWNEIGH, REPLACE, link, address);
    writer.attribute(Uapi.NDA_LLADDR, at.bytes());
    return this;
  }

  /** ENOENT if there is none. */
  public RouteRequest deleteNeighbour(int link, Ipv4 address) {
    neighbour(Uapi.RTM_DELNEIGH, ACK, link, address);
    return this;
  }

  private void neighbour(int type, int flags, int link, Ipv4 address) {
    writer
        .message(type, flags)
        .u8(Uapi.AF_INET)
        .u8(0)
        .u16(0)
        .u32(link)
        .u16(Uapi.NUD_PERMANENT)
        .u8(0)
        .u8(0)
        .attribute(Uapi.NDA_DST, address.bytes());
  }

  private void link(int type, int flags, int index, int linkFlags, int change) {
    writer.message(type, flags).u8(0).u8(0).u16(0).u32(index).u32(linkFlags).u32(change);
  }
}
