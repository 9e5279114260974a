package io.berth.network.endpoint;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.RouteRequest;
import io.berth.network.link.Cabling;
import io.berth.network.link.Guest;
import io.berth.network.link.InstanceNames;
import io.berth.network.nat.Publication;
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

  private final EngineParts parts;
  private final Attachments attachments;

  Repair(EngineParts parts, Attachments attachments) {
    this.parts = parts;
    this.attachments = attachments;
  }

  /**
   * Everything, once, before the first call is answered.
   *
   * @return names of links that were left to the reaper
   */
  Set<String> run() throws IOException {
    Map<String, Link> cables = new HashMap<>();
    List<Link> bridges = new ArrayList<>();
    for (Link link : parts.host().links().links()) {
      if (parts.settings().names().isCable(link)) {
        cables.put(link.name(), link);
      }
      if (parts.settings().names().isBridge(link)) {
        bridges.add(link);
      }
      if (parts.settings().names().isCable(link) || parts.settings().names().isBridge(link)) {
        // An older build may have made the link with other settings, or somebody changed them.
        parts.cabling().refuseConfiguration(link.name());
      }
    }
    // Links and pins that are not recorded go before a network comes up and makes new ones.
    Set<String> retired = retireStrangers(cables);
    removeStrangers(bridges);
    unpinStrangers();
    dropStrangers();
    parts.nat().expect(publications());
    boolean able = isAble();
    for (EndpointRecord endpoint : parts.endpoints().all()) {
      if (endpoint.state() == EndpointRecord.State.READY) {
        if (able || !endpoint.onNetwork()) {
          makeWhole(endpoint, cables);
        }
      } else {
        letGo(endpoint);
      }
    }
    if (able && !parts.networks().list().isEmpty()) {
      parts.networks().refreshRules();
      parts.networks().foreignChains().refresh();
    }
    return retired;
  }

  /** Without its packet filter a kernel can do everything but networks with a bridge. */
  private boolean isAble() throws IOException {
    try {
      parts.networks().ensureRules();
      return true;
    } catch (BerthException.FailedPrecondition e) {
      LOG.log(Level.ERROR, "endpoints are left as they are: {0}", e.getMessage());
      return false;
    }
  }

  /** What of ours others have changed on the host while this service lived. */
  void mend(HostWatch.Suspect suspect) throws IOException {
    switch (suspect) {
      case TABLE -> {
        LOG.log(Level.WARNING, "somebody else changed our table of rules; it is made again");
        parts.nat().restore();
      }
      case FOREIGN_CHAINS -> parts.networks().foreignChains().refresh();
      case LINKS -> mendLinks();
    }
  }

  private void mendLinks() throws IOException {
    LOG.log(Level.WARNING, "somebody else changed links of containers; they are made right again");
    parts.networks().mend();
    for (EndpointRecord endpoint : parts.endpoints().ready()) {
      if (endpoint.onNetwork()) {
        attachments.inTurn(endpoint.key(), this::mend);
      }
    }
  }

  private void mend(EndpointRecord endpoint) {
    try (Guest guest = Guest.open(endpoint.netns(), parts.host().namespace())) {
      Networks.Active network = parts.networks().activate(endpoint.place().network());
      Link link = parts.host().links().link(endpoint.place().hostLink());
      if (link != null) {
        plugIn(endpoint, network, link);
      } else if (endpoint.pinned()) {
        layAgain(endpoint, network, guest);
      } else {
        throw new IOException("its link is gone from a namespace that is not ours");
      }
      parts.published().holdAgain(endpoint, network.bridge());
    } catch (IOException | RuntimeException e) {
      // Unlike at a start its container runs, and keeps what it has.
      LOG.log(Level.WARNING, "endpoint of {0} is not whole: {1}", endpoint.key(), e.getMessage());
    }
  }

  private Set<String> retireStrangers(Map<String, Link> cables) throws IOException {
    Set<String> known = new HashSet<>();
    parts.endpoints().all().forEach(e -> known.add(e.place().hostLink()));
    Set<String> retired = new HashSet<>();
    for (String name : cables.keySet()) {
      if (!known.contains(name)) {
        parts.cabling().retire(null, name, Ipv4.ANY);
        retired.add(name);
      }
    }
    return retired;
  }

  /** The record of a network goes before its bridge, and this service may die in between. */
  private void removeStrangers(List<Link> bridges) throws IOException {
    Set<String> known = new HashSet<>();
    parts.networks().list().forEach(network -> known.add(network.bridge()));
    for (Link bridge : bridges) {
      if (!known.contains(bridge.name())) {
        parts.host().links().send(new RouteRequest().deleteLink(bridge.index()), bridge.name());
      }
    }
  }

  private void unpinStrangers() throws IOException {
    Set<Path> known = new HashSet<>();
    parts.endpoints().all().forEach(e -> known.add(e.netns()));
    try (DirectoryStream<Path> pins = Files.newDirectoryStream(parts.settings().pins())) {
      for (Path pin : pins) {
        if (!known.contains(pin) && InstanceNames.isId(pin.getFileName().toString())) {
          NetworkNamespace.unpin(pin);
        }
      }
    }
  }

  private void dropStrangers() throws IOException {
    Set<String> known = new HashSet<>();
    parts.endpoints().all().forEach(e -> known.add(e.id()));
    for (String name : parts.keeper().names()) {
      int dot = name.indexOf('.');
      if (dot == InstanceNames.newId().length() && !known.contains(name.substring(0, dot))) {
        parts.keeper().drop(name);
      }
    }
  }

  private List<Publication> publications() {
    List<Publication> publications = new ArrayList<>();
    for (EndpointRecord endpoint : parts.endpoints().all()) {
      if (endpoint.state() == EndpointRecord.State.READY) {
        endpoint
            .ports()
            .forEach(port -> publications.add(new Publication(port, endpoint.place().address())));
      }
    }
    return publications;
  }

  private void makeWhole(EndpointRecord endpoint, Map<String, Link> cables) {
    try (Guest guest = Guest.open(endpoint.netns(), parts.host().namespace())) {
      if (!endpoint.onNetwork()) {
        return;
      }
      Networks.Active network = parts.networks().activate(endpoint.place().network());
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
      parts.published().holdAgain(endpoint, network.bridge());
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
        parts.cabling().lay(network.bridge(), endpoint.id(), guest, Optional.of(place.mac()));
    parts
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

  /** Puts a link on its bridge, which was made again. */
  private void plugIn(EndpointRecord endpoint, Networks.Active network, Link link)
      throws IOException {
    parts
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

  /** Holds the published ports again after the keeper died, as far as no program was quicker. */
  void holdAgain() {
    for (EndpointRecord endpoint : parts.endpoints().all()) {
      Networks.@Nullable Active network = parts.networks().active(endpoint.place().network());
      if (network != null && endpoint.state() == EndpointRecord.State.READY) {
        try {
          parts.published().holdAgain(endpoint, network.bridge());
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
