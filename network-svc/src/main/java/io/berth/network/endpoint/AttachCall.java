package io.berth.network.endpoint;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.MacAddress;
import io.berth.network.port.PublishedPort;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What a client asks for when it attaches a container.
 *
 * @param network name, id or prefix of an id; {@code none} for a netns with its loopback only
 * @param netns one that exists; empty for one of ours
 * @param address a certain one; empty for any
 * @param mac a certain hardware address; empty for any
 */
public record AttachCall(
    EndpointKey key,
    String network,
    List<PublishedPort> ports,
    Optional<Path> netns,
    Optional<Ipv4> address,
    Optional<MacAddress> mac,
    String name,
    List<String> aliases,
    Holder holder) {
  public AttachCall {
    ports = List.copyOf(ports);
    aliases = List.copyOf(aliases);
    if (ports.stream().filter(p -> p.hostPort() > 0).distinct().count()
        != ports.stream().filter(p -> p.hostPort() > 0).count()) {
      throw new BerthException.InvalidArgument(
          "publish " + ports + ": one host port is there twice");
    }
    if (netns.isPresent() && !netns.get().isAbsolute()) {
      throw new BerthException.InvalidArgument("netns `" + netns.get() + "`: not an absolute path");
    }
    if (network.equals(NetworkRecord.NONE)
        && (!ports.isEmpty() || address.isPresent() || mac.isPresent())) {
      throw new BerthException.InvalidArgument(
          "network `none` has no ports and no addresses; leave them out or choose another network");
    }
    if (mac.isPresent() && !mac.get().isUnicast()) {
      throw new BerthException.InvalidArgument(
          "hardware address `" + mac.get() + "`: zero or a group's; use one of a single station");
    }
  }

  /** A text that is the same for the same wish, whatever its names and the order of its ports. */
  String fingerprint() {
    return network
        + " "
        + new TreeSet<>(ports.stream().map(PublishedPort::toString).toList())
        + " "
        + netns.map(Path::toString).orElse("-")
        + " "
        + address.map(Ipv4::toString).orElse("-")
        + " "
        + mac.map(MacAddress::toString).orElse("-");
  }
}
