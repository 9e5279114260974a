package io.berth.network.endpoint;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.MacAddress;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.link.Cabling;
import io.berth.network.link.Guest;
import io.berth.network.link.HostNetwork;
import io.berth.network.link.InstanceNames;
import io.berth.network.link.LinkReaper;
import io.berth.network.link.ReadyEndpoints.Ready;
import io.berth.network.nat.NatTable;
import io.berth.network.port.HostPorts;
import io.berth.network.port.PortHolders;
import io.berth.network.port.PublishedPort;
import io.berth.network.port.SocketKeeper;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Attaches containers and detaches them. An attach is ready when it returns: the first packet
 * passes. A refused or failed one leaves nothing. A detach does not wait for the link's deletion.
 *
 * <p>Safe for use by several threads; calls for one container wait for each other. A call waits for
 * the kernel's lock on links, so it belongs on a platform thread.
 */
public final class Attachments {
  private static final Logger LOG = System.getLogger(Attachments.class.getName());
  private static final int LOCKS = 64;
  private static final int SOCKETS_PER_MESSAGE = 250;
  static final String PORT_CURSOR = "cursor.port";

  private final Rooms rooms;
  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

  /** What attaching needs. */
  record Rooms(
      HostNetwork host,
      NetworkSettings settings,
      NetworkStore store,
      EndpointIndex endpoints,
      Networks networks,
      NatTable nat,
      Cabling cabling,
      HostPorts hostPorts,
      SocketKeeper keeper,
      InstantSource clock) {}

  /** What is to be undone if an attach fails half-way; the last thing first. */
  private static final class Undo {
    private interface Step {
      void run() throws IOException;
    }

    private final Deque<Step> steps = new ArrayDeque<>();

    void add(Step step) {
      steps.push(step);
    }

    void run(EndpointKey key) {
      for (Step step : steps) {
        try {
          step.run();
        } catch (IOException | RuntimeException e) {
          LOG.log(Level.WARNING, "undo the attach of {0}: {1}", key, e.getMessage());
        }
      }
    }
  }

  private final Supplier<LinkReaper> reaper;

  Attachments(Rooms rooms, Supplier<LinkReaper> reaper) {
    this.rooms = rooms;
    this.reaper = reaper;
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  private ReentrantLock lock(EndpointKey key) {
    return locks[Math.floorMod(key.hashCode(), LOCKS)];
  }

  /** The endpoint, ready. The same call again is answered with what exists. */
  public EndpointRecord attach(AttachCall call) throws IOException {
    ReentrantLock lock = lock(call.key());
    lock.lock();
    try {
      EndpointRecord known = rooms.endpoints.live(call.key()).orElse(null);
      if (known != null) {
        if (known.fingerprint().equals(call.fingerprint())) {
          return known;
        }
        throw new BerthException.AlreadyExists(
            "attach container `"
                + call.key().container()
                + "`: it is attached already, with other settings; detach it first");
      }
      Undo undo = new Undo();
      boolean done = false;
      try {
        EndpointRecord endpoint =
            call.network().equals(NetworkRecord.NONE)
                ? attachToNothing(call, undo)
                : attachToNetwork(call, undo);
        done = true;
        return endpoint;
      } finally {
        if (!done) {
          undo.run(call.key());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private EndpointRecord attachToNothing(AttachCall call, Undo undo) throws IOException {
    String id = InstanceNames.newId();
    Path netns = call.netns().orElse(rooms.settings.pins().resolve(id));
    EndpointRecord endpoint =
        intend(call, id, netns, EndpointRecord.Place.NOWHERE, List.of(), undo);
    try (Guest guest = open(call)) {
      if (endpoint.pinned()) {
        guest.namespace().pin(netns);
      }
      return confirm(endpoint);
    }
  }

  private Guest open(AttachCall call) throws IOException {
    return call.netns().isPresent()
        ? Guest.open(call.netns().get(), rooms.host.namespace())
        : Guest.create();
  }

  private EndpointRecord attachToNetwork(AttachCall call, Undo undo) throws IOException {
    Networks.Active network = rooms.networks.activate(call.network());
    HostPorts.Held held = rooms.hostPorts.take(call.ports(), this::holder);
    undo.add(held::close);
    Ipv4 address = take(call.address(), network);
    undo.add(() -> network.addresses().release(address));
    Optional<Ready> ready = call.netns().isPresent() ? Optional.empty() : network.ready().take();
    String id = ready.isPresent() ? ready.get().id() : InstanceNames.newId();
    Path netns = call.netns().orElse(rooms.settings.pins().resolve(id));
    EndpointRecord.Place place =
        new EndpointRecord.Place(
            network.network().id(),
            InstanceNames.link(id),
            ready.isPresent() ? ready.get().cable().guestLink() : "",
            address,
            ready.isPresent() ? ready.get().cable().address() : new MacAddress(0));
    undo.add(() -> giveUp(place, address, network.bridge(), call.netns().isEmpty() ? netns : null));
    // Until now nothing has happened that the end of this process would not undo.
    EndpointRecord intended = intend(call, id, netns, place, held.ports(), undo);
    Guest guest = ready.isPresent() ? ready.get().guest() : open(call);
    try (guest) {
      Cabling.Cable cable = cable(call, network, guest, ready, id, netns);
      rooms.cabling.assign(
          network.bridge(),
          cable,
          guest,
          address,
          network.network().gateway(),
          network.network().subnet().prefixLength());
      publish(id, address, network, held, undo);
      return confirm(
          new EndpointRecord(
              id,
              call.key(),
              EndpointRecord.State.INTENDED,
              netns,
              intended.pinned(),
              new EndpointRecord.Place(
                  place.network(), cable.hostLink(), cable.guestLink(), address, cable.address()),
              held.ports(),
              call.name(),
              call.aliases(),
              call.ephemeral(),
              call.fingerprint(),
              intended.attachedAt()));
    }
  }

  private static Ipv4 take(Optional<Ipv4> wanted, Networks.Active network) {
    if (wanted.isEmpty()) {
      return network.addresses().acquire();
    }
    network.addresses().acquire(wanted.get());
    return wanted.get();
  }

  private Cabling.Cable cable(
      AttachCall call,
      Networks.Active network,
      Guest guest,
      Optional<Ready> ready,
      String id,
      Path netns)
      throws IOException {
    if (ready.isPresent()) {
      Cabling.Cable cable = ready.get().cable();
      return call.mac().isPresent()
          ? rooms.cabling.readdress(cable, guest, call.mac().get())
          : cable;
    }
    if (call.netns().isEmpty()) {
      guest.namespace().pin(netns);
    }
    try {
      return rooms.cabling.lay(network.bridge(), id, guest, call.mac());
    } catch (SyscallException e) {
      if (e.is(Errno.ENODEV) || e.is(Errno.EINVAL)) {
        rooms.networks.forgetBridge(network.network().id());
      }
      throw e;
    }
  }

  private void publish(
      String id, Ipv4 address, Networks.Active network, HostPorts.Held held, Undo undo)
      throws IOException {
    if (held.ports().isEmpty()) {
      return;
    }
    keep(id, held.sockets());
    undo.add(() -> drop(id));
    rooms.networks.forwarding().setLoopbackThrough(network.bridge().name(), true);
    rooms.nat.publish(address, held.ports());
    undo.add(() -> rooms.nat.unpublish(address, held.ports()));
    Set<Integer> udp =
        held.ports().stream()
            .filter(p -> p.protocol() == Protocol.UDP)
            .map(PublishedPort::hostPort)
            .collect(Collectors.toSet());
    if (!udp.isEmpty()) {
      // A flow that began before the rule would go on missing it. Nobody waits for that.
      reaper.get().later(() -> rooms.host.connections().forgetUdpPorts(udp));
    }
  }

  void keep(String id, List<Fd> sockets) throws IOException {
    for (int from = 0, part = 0; from < sockets.size(); from += SOCKETS_PER_MESSAGE, part++) {
      int to = Math.min(from + SOCKETS_PER_MESSAGE, sockets.size());
      rooms.keeper.put(id + "." + part, sockets.subList(from, to));
    }
  }

  private void drop(String id) throws IOException {
    EndpointRecord endpoint =
        rooms.endpoints.all().stream().filter(e -> e.id().equals(id)).findFirst().orElse(null);
    int ports = endpoint == null ? SOCKETS_PER_MESSAGE : endpoint.ports().size();
    for (int part = 0; part * SOCKETS_PER_MESSAGE < 2 * ports; part++) {
      rooms.keeper.drop(id + "." + part);
    }
  }

  private EndpointRecord intend(
      AttachCall call,
      String id,
      Path netns,
      EndpointRecord.Place place,
      List<PublishedPort> ports,
      Undo undo) {
    EndpointRecord endpoint =
        new EndpointRecord(
            id,
            call.key(),
            EndpointRecord.State.INTENDED,
            netns,
            call.netns().isEmpty(),
            place,
            ports,
            call.name(),
            call.aliases(),
            call.ephemeral(),
            call.fingerprint(),
            Instant.ofEpochMilli(rooms.clock.millis()));
    // One from the shelf is pinned and cabled already under a name that nobody is recorded with: if
    // this process dies before the confirmation, the next start takes it for what it is.
    if (place.link().isEmpty()) {
      rooms.store.put(endpoint, Map.of());
    }
    rooms.endpoints.put(endpoint);
    undo.add(() -> {
      rooms.endpoints.remove(id);
      rooms.store.removeEndpoints(List.of(id));
    });
    if (endpoint.pinned()) {
      undo.add(() -> NetworkNamespace.unpin(netns));
    }
    return endpoint;
  }

  private EndpointRecord confirm(EndpointRecord intended) {
    EndpointRecord ready = intended.in(EndpointRecord.State.READY);
    Map<String, String> cursors = new HashMap<>();
    Networks.Active network = rooms.networks.active(ready.place().network());
    if (network != null) {
      cursors.put(Networks.cursor(network.network().id()), network.addresses().last().toString());
    }
    if (!ready.ports().isEmpty()) {
      cursors.put(PORT_CURSOR, Integer.toString(rooms.hostPorts.lastGiven()));
    }
    rooms.store.put(ready, cursors);
    rooms.endpoints.put(ready);
    return ready;
  }

  private void giveUp(
      EndpointRecord.Place place, Ipv4 address, Cabling.Bridge bridge, @Nullable Path pin)
      throws IOException {
    rooms.cabling.retire(bridge, place.hostLink(), address);
    if (pin != null) {
      NetworkNamespace.unpin(pin);
    }
    reaper.get().add(Set.of(place.hostLink()));
  }

  private HostPorts.Holder holder(PublishedPort port) {
    for (EndpointRecord endpoint : rooms.endpoints.all()) {
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
    HostPorts.Holder program = PortHolders.find(rooms.host.namespace(), port);
    return new HostPorts.Holder(
        program.text() + "; stop it or choose another port", program.subject());
  }

  /** Lets the container go; nothing happens if it is not attached. */
  public void detach(EndpointKey key) throws IOException {
    ReentrantLock lock = lock(key);
    lock.lock();
    try {
      EndpointRecord endpoint = rooms.endpoints.live(key).orElse(null);
      if (endpoint != null) {
        leave(endpoint);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Undoes an endpoint, whatever of it there is; its address stays taken until it is reaped. */
  void leave(EndpointRecord endpoint) throws IOException {
    EndpointRecord leaving = endpoint.in(EndpointRecord.State.LEAVING);
    rooms.store.setState(endpoint.id(), leaving.state());
    rooms.endpoints.put(leaving);
    rooms.nat.unpublish(endpoint.place().address(), endpoint.ports());
    if (!endpoint.ports().isEmpty()) {
      drop(endpoint.id());
    }
    Networks.@Nullable Active network = rooms.networks.active(endpoint.place().network());
    if (endpoint.onNetwork()) {
      rooms.cabling.retire(
          network == null ? null : network.bridge(),
          endpoint.place().hostLink(),
          endpoint.place().address());
    }
    if (endpoint.pinned()) {
      NetworkNamespace.unpin(endpoint.netns());
    }
    if (!endpoint.onNetwork()) {
      rooms.endpoints.remove(endpoint.id());
      rooms.store.removeEndpoints(List.of(endpoint.id()));
      return;
    }
    if (network != null
        && !endpoint.ports().isEmpty()
        && !rooms.endpoints.hasPublished(endpoint.place().network())) {
      rooms.networks.forwarding().setLoopbackThrough(network.bridge().name(), false);
    }
    reaper.get().add(Set.of(endpoint.id()));
  }

  /** The links of these are gone: forgets their flows, then their addresses are free. */
  void forget(Set<String> ids) {
    Set<Ipv4> addresses = new HashSet<>();
    Set<EndpointRecord> gone = new HashSet<>();
    for (EndpointRecord endpoint : rooms.endpoints.all()) {
      if (ids.contains(endpoint.id()) && endpoint.state() == EndpointRecord.State.LEAVING) {
        addresses.add(endpoint.place().address());
        gone.add(endpoint);
      }
    }
    if (gone.isEmpty()) {
      return;
    }
    try {
      rooms.host.connections().forgetAddresses(addresses);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "forget the flows of {0}: {1}", addresses, e.getMessage());
    }
    for (EndpointRecord endpoint : gone) {
      rooms.endpoints.remove(endpoint.id());
      Networks.Active network = rooms.networks.active(endpoint.place().network());
      if (network != null) {
        network.addresses().release(endpoint.place().address());
      }
    }
    rooms.store.removeEndpoints(gone.stream().map(EndpointRecord::id).toList());
  }

  /** The container's endpoint; NOT_FOUND if it has none. */
  public EndpointRecord get(EndpointKey key) {
    return rooms
        .endpoints
        .live(key)
        .filter(e -> e.state() == EndpointRecord.State.READY)
        .orElseThrow(() ->
            new BerthException.NotFound(
                "endpoint of container `" + key.container() + "`: it is not attached"));
  }

  /** Every endpoint that is ready. */
  public List<EndpointRecord> list() {
    return rooms.endpoints.ready();
  }

  /** Who has a port of the host's and what may be in the way to it, in sentences. */
  public List<String> explain(PublishedPort port) throws IOException {
    List<String> findings = new ArrayList<>();
    for (EndpointRecord endpoint : rooms.endpoints.all()) {
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
    findings.add("held on this host by " + PortHolders.find(rooms.host.namespace(), port).text());
    findings.addAll(foreignDrops());
    return findings;
  }

  /** What other firewalls on this host may do to packets for containers: no table can undo it. */
  List<String> foreignDrops() throws IOException {
    return rooms.host.nft().droppingForwardChains().stream()
        .filter(chain -> !chain.table().equals(rooms.settings.names().table()))
        .map(chain ->
            "chain `"
                + chain
                + "` drops forwarded packets that no rule of it accepts; if containers cannot"
                + " be reached, accept packets to and from `"
                + rooms.settings.names().bridge()
                + "` there")
        .toList();
  }

  /** What went through an endpoint's link, seen from the host; zero if it has none. */
  public Link.Counters counters(EndpointKey key) throws IOException {
    EndpointRecord endpoint = get(key);
    Link link = endpoint.onNetwork() ? rooms.host.links().link(endpoint.place().hostLink()) : null;
    return link == null ? new Link.Counters(0, 0, 0, 0, 0, 0, 0, 0) : link.counters();
  }
}
