package io.berth.network.link;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.MacAddress;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import io.berth.network.address.Subnet;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes bridges and the cables from them into endpoints. Safe for use by several threads; calls
 * wait for the kernel's lock on links.
 */
public final class Cabling {
  private static final int DEFAULT_MTU = 1500;
  private static final int MAX_LINKS_IN_GUEST = 64;

  /**
   * What keeps a link of the host's from being configured by those who are on it. The first ends
   * IPv6 there, for no network has it; the others hold if somebody switches it on for all links.
   */
  private static final List<Map.Entry<String, String>> REFUSALS =
      List.of(
          Map.entry("ipv6/conf/%s/disable_ipv6", "1"),
          // 1 is IN6_ADDR_GEN_MODE_NONE: the link gives itself no address.
          Map.entry("ipv6/conf/%s/addr_gen_mode", "1"),
          Map.entry("ipv6/conf/%s/accept_ra", "0"),
          Map.entry("ipv6/conf/%s/autoconf", "0"),
          Map.entry("ipv6/conf/%s/accept_redirects", "0"),
          Map.entry("ipv4/conf/%s/accept_redirects", "0"));

  private final HostNetwork host;
  private final InstanceNames names;

  /**
   * A bridge that is there.
   *
   * @param hairpin whether its ports must send frames back where they came from
   */
  public record Bridge(
      String network, String name, int index, MacAddress address, int mtu, boolean hairpin) {}

  /** A cable that passes packets as soon as it has an address. */
  public record Cable(String hostLink, String guestLink, int guestIndex, MacAddress address) {}

  public Cabling(HostNetwork host, InstanceNames names) {
    this.host = host;
    this.names = names;
  }

  /**
   * Makes the bridge, or takes the one that is there, up and with its address.
   *
   * @throws BerthException FAILED_PRECONDITION if a link of that name is not ours
   */
  public Bridge bridge(String network, String name, MacAddress address, Ipv4 gateway, Subnet subnet)
      throws IOException {
    RouteSocket links = host.links();
    Link link = links.link(name);
    if (link == null) {
      make(
          new RouteRequest()
              .create(new RouteRequest.Bridge(name, names.liveGroup(), address, mtu())),
          name,
          names.alias(network));
      link = links.link(name);
    }
    if (link == null || !names.isBridge(link)) {
      throw new BerthException.FailedPrecondition(
          "make bridge `" + name + "`: a link of that name is there and not ours; remove it");
    }
    int index = link.index();
    links.send(new RouteRequest().setUp(index), name);
    if (links.addresses().stream()
        .noneMatch(a -> a.link() == index && a.address().equals(gateway))) {
      links.send(new RouteRequest().addAddress(index, gateway, subnet.prefixLength()), name);
    }
    return new Bridge(
        network, name, index, link.address(), link.mtu(), bridgedPacketsAreFiltered());
  }

  /**
   * Makes a link that stays on the host, and leaves it down. There is no other way to make one: it
   * refuses what others would configure before the first packet can come in by it.
   */
  private void make(RouteRequest creation, String name, String alias) throws IOException {
    host.links().send(creation.label(name, alias), name);
    refuseConfiguration(name);
  }

  /**
   * Keeps those who are on a link of the host's from giving it addresses, routes or redirections.
   * What it has of IPv6 already, it loses.
   */
  public void refuseConfiguration(String link) throws IOException {
    host.namespace()
        .call(() -> {
          for (Map.Entry<String, String> refusal : REFUSALS) {
            NetworkNamespace.writeSysctlIfPresent(
                refusal.getKey().formatted(link), refusal.getValue());
          }
          return 0;
        });
  }

  /** With this, a redirected frame can go back to the port it came from without leaving layer 2. */
  private boolean bridgedPacketsAreFiltered() throws IOException {
    try {
      return host.namespace().sysctl("bridge/bridge-nf-call-iptables").equals("1");
    } catch (SyscallException e) {
      if (e.is(Errno.ENOENT)) {
        return false;
      }
      throw e;
    }
  }

  /** The MTU of the way out of this host. */
  private int mtu() throws IOException {
    RouteSocket links = host.links();
    int narrowest = Integer.MAX_VALUE;
    for (var route : links.routes()) {
      if (route.prefixLength() == 0 && route.link() != 0) {
        Link out = links.link(route.link());
        narrowest = out == null ? narrowest : Math.min(narrowest, out.mtu());
      }
    }
    return narrowest == Integer.MAX_VALUE ? DEFAULT_MTU : narrowest;
  }

  /** Lays a cable from the bridge into the guest; both ends are up and pass packets. */
  public Cable lay(Bridge bridge, String id, Guest guest, Optional<MacAddress> mac)
      throws IOException {
    String hostLink = InstanceNames.link(id);
    String guestLink = freeName(guest);
    RouteRequest creation =
        new RouteRequest()
            .create(
                new RouteRequest.Cable(
                    hostLink,
                    names.liveGroup(),
                    bridge.index(),
                    bridge.mtu(),
                    guestLink,
                    Optional.of(guest.namespace().fd()),
                    mac));
    if (bridge.hairpin()) {
      creation.setPort(hostLink, /* hairpin= */ true, /* isolated= */ false);
    }
    try {
      make(creation, hostLink, names.alias(bridge.network(), id));
      host.links().send(new RouteRequest().setUp(hostLink), hostLink);
    } catch (SyscallException e) {
      if (e.is(Errno.EXFULL)) {
        throw new BerthException.ResourceExhausted(
            "attach to bridge `" + bridge.name() + "`: all its 1023 ports are in use", e);
      }
      throw e;
    }
    Link link = guest.links().link(guestLink);
    if (link == null) {
      throw new SyscallException("look up link", guestLink, Errno.ENODEV);
    }
    guest.withoutIpv6(guestLink);
    guest.links().send(new RouteRequest().setUp(link.index()), guestLink);
    host.links().settle(hostLink);
    guest.links().settle(guestLink);
    return new Cable(hostLink, guestLink, link.index(), link.address());
  }

  private static String freeName(Guest guest) throws IOException {
    if (guest.links().link("eth0") == null) {
      return "eth0";
    }
    Set<String> taken = new HashSet<>();
    guest.links().links().forEach(link -> taken.add(link.name()));
    for (int i = 1; i < MAX_LINKS_IN_GUEST; i++) {
      if (!taken.contains("eth" + i)) {
        return "eth" + i;
      }
    }
    throw new BerthException.FailedPrecondition(
        "attach: the network namespace has " + MAX_LINKS_IN_GUEST + " links already");
  }

  /**
   * Gives the far end of a cable its address and a default route, and each side the hardware
   * address of the other.
   */
  public void assign(Bridge bridge, Cable cable, Guest guest, Ipv4 address, Ipv4 gateway, int bits)
      throws IOException {
    RouteRequest inside =
        new RouteRequest()
            .addAddress(cable.guestIndex(), address, bits)
            .setNeighbour(cable.guestIndex(), gateway, bridge.address());
    guest.links().send(inside, cable.guestLink());
    try {
      guest
          .links()
          .send(new RouteRequest().addDefaultRoute(cable.guestIndex(), gateway), cable.guestLink());
    } catch (SyscallException e) {
      // A namespace that a client gave by its path may have a default route, which its owner wants.
      if (!e.is(Errno.EEXIST)) {
        throw e;
      }
    }
    host.links()
        .send(
            new RouteRequest().setNeighbour(bridge.index(), address, cable.address()),
            bridge.name());
  }

  /** Changes the far end's hardware address, while it has no address yet. */
  public Cable readdress(Cable cable, Guest guest, MacAddress mac) throws IOException {
    guest.links().send(new RouteRequest().setAddress(cable.guestIndex(), mac), cable.guestLink());
    return new Cable(cable.hostLink(), cable.guestLink(), cable.guestIndex(), mac);
  }

  /**
   * Takes the host's end down and leaves it to the reaper; the bridge forgets the address. What is
   * gone already is no error.
   */
  public void retire(@Nullable Bridge bridge, String hostLink, Ipv4 address) throws IOException {
    ignoring(
        Errno.ENODEV,
        () ->
            host.links().send(new RouteRequest().retire(hostLink, names.retiredGroup()), hostLink));
    if (bridge != null && !address.equals(Ipv4.ANY)) {
      ignoring(
          Errno.ENOENT,
          () ->
              host.links()
                  .send(
                      new RouteRequest().deleteNeighbour(bridge.index(), address), bridge.name()));
    }
  }

  private interface Change {
    void make() throws SyscallException;
  }

  private static void ignoring(Errno errno, Change change) throws SyscallException {
    try {
      change.make();
    } catch (SyscallException e) {
      if (!e.is(errno)) {
        throw e;
      }
    }
  }
}
