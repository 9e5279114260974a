package io.berth.network.endpoint;

import io.berth.linux.Fd;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteRequest;
import io.berth.network.link.Cabling;
import io.berth.network.link.Guest;
import io.berth.network.link.InstanceNames;
import io.berth.network.nat.NatTable;
import io.berth.network.port.HostPorts;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a start does: brings together what is recorded, the links, the pins, the kept sockets and
 * the table. Nothing that is right is touched, so packets that pass go on passing.
 *
 * <p>One endpoint that cannot be repaired is let go; it never keeps the service from starting.
 */
final class Repair {
  private static final Logger LOG = System.getLogger(Repair.class.getName());

  private final Attachments.Rooms rooms;
  private final Attachments attachments;

  Repair(Attachments.Rooms rooms, Attachments attachments) {
    this.rooms = rooms;
    this.attachments = attachments;
  }

  /**
   * Everything, once, before the first call is answered.
   *
   * @return names of links that were left to the reaper
   */
  Set<String> run() throws IOException {
    Map<String, Link> cables = new HashMap<>();
    for (Link link : rooms.host().links().links()) {
      if (rooms.settings().names().isCable(link)) {
        cables.put(link.name(), link);
      }
      if (rooms.settings().names().isCable(link) || rooms.settings().names().isBridge(link)) {
        // An older build may have made it, or somebody changed it.
        rooms.cabling().refuseConfiguration(link.name());
      }
    }
    // Before a network comes up and begins to keep new ones ready.
    Set<String> retired = retireStrangers(cables);
    unpinStrangers();
    dropStrangers();
    rooms.nat().expect(publications());
    for (EndpointRecord endpoint : rooms.endpoints().all()) {
      if (endpoint.state() == EndpointRecord.State.READY) {
        makeWhole(endpoint, cables);
      } else {
        letGo(endpoint);
      }
    }
    if (!rooms.networks().list().isEmpty()) {
      rooms.networks().refreshRules();
    }
    return retired;
  }

  private Set<String> retireStrangers(Map<String, Link> cables) throws IOException {
    Set<String> known = new HashSet<>();
    rooms.endpoints().all().forEach(e -> known.add(e.place().hostLink()));
    Set<String> retired = new HashSet<>();
    for (String name : cables.keySet()) {
      if (!known.contains(name)) {
        rooms.cabling().retire(null, name, Ipv4.ANY);
        retired.add(name);
      }
    }
    return retired;
  }

  private void unpinStrangers() throws IOException {
    Set<Path> known = new HashSet<>();
    rooms.endpoints().all().forEach(e -> known.add(e.netns()));
    try (DirectoryStream<Path> pins = Files.newDirectoryStream(rooms.settings().pins())) {
      for (Path pin : pins) {
        if (!known.contains(pin) && InstanceNames.isId(pin.getFileName().toString())) {
          NetworkNamespace.unpin(pin);
        }
      }
    }
  }

  private void dropStrangers() throws IOException {
    Set<String> known = new HashSet<>();
    rooms.endpoints().all().forEach(e -> known.add(e.id()));
    for (String name : rooms.keeper().names()) {
      int dot = name.indexOf('.');
      if (dot == InstanceNames.newId().length() && !known.contains(name.substring(0, dot))) {
        rooms.keeper().drop(name);
      }
    }
  }

  private List<NatTable.Publication> publications() {
    List<NatTable.Publication> publications = new ArrayList<>();
    for (EndpointRecord endpoint : rooms.endpoints().all()) {
      if (endpoint.state() == EndpointRecord.State.READY) {
        endpoint
            .ports()
            .forEach(port ->
                publications.add(new NatTable.Publication(port, endpoint.place().address())));
      }
    }
    return publications;
  }

  private void makeWhole(EndpointRecord endpoint, Map<String, Link> cables) {
    try (Guest guest = Guest.open(endpoint.netns(), rooms.host().namespace())) {
      if (!endpoint.onNetwork()) {
        return;
      }
      Networks.Active network = rooms.networks().activate(endpoint.place().network());
      Link link = cables.get(endpoint.place().hostLink());
      if (link == null && !endpoint.pinned()) {
        // The path may name another namespace by now, such as that of a process with the same pid.
        throw new IOException("its link is gone from a namespace that is not ours");
      }
      if (link == null) {
        layAgain(endpoint, network, guest);
      } else if (link.master() != network.bridge().index()) {
        plugIn(endpoint, network, link);
      }
      hold(endpoint, network);
    } catch (IOException | RuntimeException e) {
      LOG.log(
          Level.WARNING,
          "endpoint of {0} cannot be repaired and is let go: {1}",
          endpoint.key(),
          e.getMessage());
      letGo(endpoint);
    }
  }

  private void layAgain(EndpointRecord endpoint, Networks.Active network, Guest guest)
      throws IOException {
    EndpointRecord.Place place = endpoint.place();
    Cabling.Cable cable =
        rooms.cabling().lay(network.bridge(), endpoint.id(), guest, Optional.of(place.mac()));
    rooms
        .cabling()
        .assign(
            network.bridge(),
            cable,
            guest,
            place.address(),
            network.network().gateway(),
            network.network().subnet().prefixLength());
    LOG.log(Level.INFO, "endpoint of {0} had lost its link and has one again", endpoint.key());
  }

  /** The bridge was made again, so its ports lie loose. */
  private void plugIn(EndpointRecord endpoint, Networks.Active network, Link link)
      throws IOException {
    rooms
        .host()
        .links()
        .send(
            new RouteRequest()
                .setMaster(link.index(), network.bridge().index())
                .setUp(link.index())
                .setPort(link.name(), network.bridge().hairpin(), /* isolated= */ false)
                .setNeighbour(
                    network.bridge().index(), endpoint.place().address(), endpoint.place().mac()),
            link.name());
  }

  private void hold(EndpointRecord endpoint, Networks.Active network) throws IOException {
    if (endpoint.ports().isEmpty()) {
      return;
    }
    rooms.networks().forwarding().setLoopbackThrough(network.bridge().name(), true);
    if (rooms.keeper().names().contains(endpoint.id() + ".0")) {
      return;
    }
    HostPorts.Held held =
        rooms
            .hostPorts()
            .take(endpoint.ports(), _ -> new HostPorts.Holder("another program", null));
    boolean kept = false;
    try {
      attachments.keep(endpoint.id(), held.sockets());
      kept = true;
    } finally {
      if (!kept) {
        held.sockets().forEach(Fd::close);
      }
    }
  }

  /** The keeper died: holds again what is published, as far as nobody else was quicker. */
  void holdAgain() {
    for (EndpointRecord endpoint : rooms.endpoints().all()) {
      Networks.@Nullable Active network = rooms.networks().active(endpoint.place().network());
      if (network != null && endpoint.state() == EndpointRecord.State.READY) {
        try {
          hold(endpoint, network);
        } catch (IOException | RuntimeException e) {
          LOG.log(
              Level.WARNING,
              "the ports of {0} are published but not held: {1}",
              endpoint.key(),
              e.getMessage());
        }
      }
    }
  }

  private void letGo(EndpointRecord endpoint) {
    try {
      attachments.leave(endpoint);
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.WARNING, "let the endpoint of {0} go: {1}", endpoint.key(), e.getMessage());
    }
  }
}
