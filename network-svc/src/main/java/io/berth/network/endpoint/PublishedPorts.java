package io.berth.network.endpoint;

import io.berth.base.error.Obstacle;
import io.berth.linux.Fd;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.link.Cabling;
import io.berth.network.link.HostNetwork;
import io.berth.network.link.LinkReaper;
import io.berth.network.nat.NatTable;
import io.berth.network.port.HostPorts;
import io.berth.network.port.PortHolders;
import io.berth.network.port.PublishedPort;
import io.berth.network.port.SocketKeeper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Publishes ports of endpoints on the host: a socket holds each port, so that no other program
 * takes it, and a rule sends what arrives there to the container. Safe for use by several threads.
 */
final class PublishedPorts {
  /** File descriptors in one message to the keeper; unix(7) allows 253 (SCM_RIGHTS). */
  private static final int SOCKETS_PER_MESSAGE = 250;

  private final HostNetwork host;
  private final EndpointIndex endpoints;
  private final Forwarding forwarding;
  private final NatTable nat;
  private final HostPorts ports;
  private final SocketKeeper keeper;
  private final Supplier<LinkReaper> reaper;

  PublishedPorts(
      HostNetwork host,
      EndpointIndex endpoints,
      Forwarding forwarding,
      NatTable nat,
      HostPorts ports,
      SocketKeeper keeper,
      Supplier<LinkReaper> reaper) {
    this.host = host;
    this.endpoints = endpoints;
    this.forwarding = forwarding;
    this.nat = nat;
    this.ports = ports;
    this.keeper = keeper;
    this.reaper = reaper;
  }

  /** Takes all of the ports or none; see {@link HostPorts#take} for the refusals. */
  HostPorts.Held take(List<PublishedPort> wanted) throws IOException {
    return ports.take(wanted, this::holder);
  }

  /** The automatic port that was given out last. */
  int lastGiven() {
    return ports.lastGiven();
  }

  /**
   * Sends what arrives at the ports to the address; from then on the keeper has the sockets.
   *
   * @param id of the endpoint
   * @param undo is told what a later failure must take back
   */
  void publish(String id, Ipv4 address, Cabling.Bridge bridge, HostPorts.Held held, Undo undo)
      throws IOException {
    if (held.ports().isEmpty()) {
      return;
    }
    keep(id, held.sockets());
    undo.add(() -> drop(id, held.ports()));
    forwarding.setLoopbackThrough(bridge.name(), true);
    nat.publish(address, held.ports());
    undo.add(() -> nat.unpublish(address, held.ports()));
    Set<Integer> udp =
        held.ports().stream()
            .filter(port -> port.protocol() == Protocol.UDP)
            .map(PublishedPort::hostPort)
            .collect(Collectors.toSet());
    if (!udp.isEmpty()) {
      // Rules for addresses are asked for the first packet of a flow only, so a flow that began
      // before would go on missing them. No client waits until it is forgotten.
      reaper.get().later(() -> host.connections().forgetUdpPorts(udp));
    }
  }

  /** Takes rules and sockets of an endpoint back. */
  void withdraw(EndpointRecord endpoint) throws IOException {
    nat.unpublish(endpoint.place().address(), endpoint.ports());
    drop(endpoint.id(), endpoint.ports());
  }

  /** Packets to 127.0.0.1 need not pass a bridge any more when nothing behind it is published. */
  void closeLoopback(String network, Cabling.Bridge bridge) throws IOException {
    if (!endpoints.hasPublished(network)) {
      forwarding.setLoopbackThrough(bridge.name(), false);
    }
  }

  /** Holds the ports of an endpoint after a restart, unless the keeper has held them all along. */
  void holdAgain(EndpointRecord endpoint, Cabling.Bridge bridge) throws IOException {
    if (endpoint.ports().isEmpty()) {
      return;
    }
    forwarding.setLoopbackThrough(bridge.name(), true);
    if (keeper.names().contains(endpoint.id() + ".0")) {
      return;
    }
    HostPorts.Held held =
        ports.take(endpoint.ports(), _ -> new HostPorts.Holder("another program", null));
    boolean kept = false;
    try {
      keep(endpoint.id(), held.sockets());
      kept = true;
    } finally {
      if (!kept) {
        held.close();
      }
    }
  }

  private void keep(String id, List<Fd> sockets) throws IOException {
    for (int from = 0, part = 0; from < sockets.size(); from += SOCKETS_PER_MESSAGE, part++) {
      int to = Math.min(from + SOCKETS_PER_MESSAGE, sockets.size());
      keeper.put(id + "." + part, sockets.subList(from, to));
    }
  }

  // A keeper that was there before this version may have two sockets of a port.
  private void drop(String id, List<PublishedPort> held) throws IOException {
    for (int part = 0; part * SOCKETS_PER_MESSAGE < 2 * held.size(); part++) {
      keeper.drop(id + "." + part);
    }
  }

  private HostPorts.Holder holder(PublishedPort port) {
    for (EndpointRecord endpoint : endpoints.all()) {
      for (PublishedPort other : endpoint.ports()) {
        if (other.protocol() == port.protocol()
            && other.hostPort() == port.hostPort()
            && (other.hostIp().equals(port.hostIp())
                || other.hostIp().equals(Ipv4.ANY)
                || port.hostIp().equals(Ipv4.ANY))) {
          String name = endpoint.name().isEmpty() ? endpoint.key().container() : endpoint.name();
          return new HostPorts.Holder(
              "container `" + name + "`; remove it or choose another port",
              new Obstacle.Subject(Obstacle.Kind.CONTAINER, name));
        }
      }
    }
    HostPorts.Holder program = PortHolders.find(host.namespace(), port);
    return new HostPorts.Holder(
        program.text() + "; stop it or choose another port", program.subject());
  }

  /** Who has a port of the host, in sentences. */
  List<String> explain(PublishedPort port) {
    List<String> findings = new ArrayList<>();
    for (EndpointRecord endpoint : endpoints.all()) {
      for (PublishedPort published : endpoint.ports()) {
        if (published.protocol() == port.protocol() && published.hostPort() == port.hostPort()) {
          findings.add(
              "published: "
                  + published
                  + " of container `"
                  + endpoint.key().container()
                  + "` at "
                  + endpoint.place().address());
        }
      }
    }
    findings.add(
        PortHolders.look(host.namespace(), port)
            .map(holder -> "held on this host by " + holder.text())
            .orElse("nobody on this host has port " + port.hostPort() + "/" + port.protocolName()));
    return findings;
  }
}
