package io.berth.network.link;

import io.berth.base.error.BerthException;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import java.io.IOException;
import java.nio.file.Path;

/** A network namespace for an endpoint, open for work inside. */
public final class Guest implements AutoCloseable {
  private final NetworkNamespace namespace;
  private final RouteSocket links;

  /** Whether the namespace was made elsewhere, so that its settings are not changed here. */
  private final boolean given;

  private Guest(NetworkNamespace namespace, RouteSocket links, boolean given) {
    this.namespace = namespace;
    this.links = links;
    this.given = given;
  }

  /**
   * Makes one with its loopback up, in which links get no IPv6 addresses by themselves. A port
   * below 1024 and a ping say nothing about a program's rights where all of the network is one
   * container's, so every user may have them, as with docker.
   */
  public static Guest create() throws IOException {
    NetworkNamespace namespace = NetworkNamespace.create();
    try {
      return new Guest(namespace, namespace.call(Guest::prepare), /* given= */ false);
    } catch (IOException e) {
      namespace.close();
      throw e;
    }
  }

  private static RouteSocket prepare() throws IOException {
    NetworkNamespace.writeSysctlIfPresent("ipv6/conf/default/disable_ipv6", "1");
    NetworkNamespace.writeSysctlIfPresent("ipv4/ip_unprivileged_port_start", "0");
    // The group ids that exist: the largest number is kept for "none".
    NetworkNamespace.writeSysctlIfPresent("ipv4/ping_group_range", "0 2147483647");
    RouteSocket links = RouteSocket.openHere();
    links.send(new RouteRequest().setUp("lo"), "lo");
    return links;
  }

  /**
   * One that exists, its loopback up.
   *
   * @throws BerthException INVALID_ARGUMENT if the path is no network namespace or the host's own
   */
  public static Guest open(Path netns, NetworkNamespace host) throws IOException {
    NetworkNamespace namespace;
    try {
      namespace = NetworkNamespace.open(netns);
    } catch (SyscallException e) {
      String why =
          e.is(Errno.EINVAL) || e.is(Errno.ENXIO) ? "not a network namespace" : e.errno().text();
      throw new BerthException.InvalidArgument(
          "attach netns `" + netns + "`: " + why + "; make one with `ip netns add`", e);
    }
    try {
      if (namespace.inode() == host.inode()) {
        throw new BerthException.InvalidArgument(
            "attach netns `" + netns + "`: that is the host's own; use the network `host`");
      }
      RouteSocket links = RouteSocket.open(namespace);
      links.send(new RouteRequest().setUp("lo"), "lo");
      return new Guest(namespace, links, /* given= */ true);
    } catch (IOException | RuntimeException e) {
      namespace.close();
      throw e;
    }
  }

  /** Keeps a link that was moved here, and is down, from getting IPv6 addresses. */
  void withoutIpv6(String link) throws IOException {
    if (given) {
      namespace.call(() -> {
        NetworkNamespace.writeSysctlIfPresent("ipv6/conf/" + link + "/disable_ipv6", "1");
        return 0;
      });
    }
  }

  public NetworkNamespace namespace() {
    return namespace;
  }

  RouteSocket links() {
    return links;
  }

  @Override
  public void close() {
    links.close();
    namespace.close();
  }
}
