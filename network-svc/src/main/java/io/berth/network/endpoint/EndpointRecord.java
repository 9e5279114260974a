package io.berth.network.endpoint;

import io.berth.linux.net.Ipv4;
import io.berth.linux.net.MacAddress;
import io.berth.network.port.PublishedPort;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * The place of a container on a network.
 *
 * @param id ten characters; the pin's name and the end of the host link's name
 * @param netns path to open
 * @param pinned whether the netns is one of ours
 * @param place where it is on the network; {@link Place#NOWHERE} for a loopback only
 * @param ports with the host's ports as they were chosen
 * @param fingerprint of the call that made it
 */
public record EndpointRecord(
    String id,
    EndpointKey key,
    State state,
    Path netns,
    boolean pinned,
    Place place,
    List<PublishedPort> ports,
    String name,
    List<String> aliases,
    Holder holder,
    String fingerprint,
    Instant attachedAt) {
  /** How far the life of an endpoint has come. */
  public enum State {
    INTENDED,
    READY,
    LEAVING
  }

  /**
   * Where an endpoint is on a network.
   *
   * @param network id; empty for none
   * @param hostLink name of its end on the host
   * @param link name of its end in the netns
   */
  public record Place(String network, String hostLink, String link, Ipv4 address, MacAddress mac) {
    /** The place of an endpoint that is on no network. */
    public static final Place NOWHERE = new Place("", "", "", Ipv4.ANY, new MacAddress(0));
  }

  public EndpointRecord {
    ports = List.copyOf(ports);
    aliases = List.copyOf(aliases);
  }

  boolean onNetwork() {
    return !place.network().isEmpty();
  }

  EndpointRecord in(State next) {
    return new EndpointRecord(
        id, key, next, netns, pinned, place, ports, name, aliases, holder, fingerprint, attachedAt);
  }
}
