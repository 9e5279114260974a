package io.berth.network.endpoint;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.linux.Errno;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.MacAddress;
import io.berth.linux.net.NetworkNamespace;
import io.berth.network.link.Cabling;
import io.berth.network.link.Guest;
import io.berth.network.link.InstanceNames;
import io.berth.network.link.LinkReaper;
import io.berth.network.link.ReadyEndpoints.Ready;
import io.berth.network.port.HostPorts;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
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

  /** A container has the lock that its key's hash chooses, so few containers wait for another. */
  private static final int LOCKS = 64;

  /** The setting in the store behind which automatic ports go on after a restart. */
  static final String PORT_CURSOR = "cursor.port";

  private final EngineParts parts;
  private final Supplier<LinkReaper> reaper;
  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

  Attachments(EngineParts parts, Supplier<LinkReaper> reaper) {
    this.parts = parts;
    this.reaper = reaper;
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  private ReentrantLock lock(EndpointKey key) {
    return locks[Math.floorMod(key.hashCode(), LOCKS)];
  }

  /** Answers the endpoint when it is ready; the same call again is answered with what exists. */
  public EndpointRecord attach(AttachCall call) throws IOException {
    ReentrantLock lock = lock(call.key());
    lock.lock();
    try {
      EndpointRecord known = parts.endpoints().live(call.key()).orElse(null);
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
    Path netns = call.netns().orElse(parts.settings().pins().resolve(id));
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
        ? Guest.open(call.netns().get(), parts.host().namespace())
        : Guest.create();
  }

  private EndpointRecord attachToNetwork(AttachCall call, Undo undo) throws IOException {
    if (!call.ports().isEmpty() && parts.networks().isInternal(call.network())) {
      throw new BerthException.InvalidArgument(
          "publish ports of container `"
              + call.key().container()
              + "`: network `"
              + call.network()
              + "` is internal, so nothing from outside reaches it; leave them out or choose"
              + " another network");
    }
    Networks.Active network = parts.networks().activate(call.network());
    HostPorts.Held held = parts.published().take(call.ports());
    undo.add(held::close);
    Ipv4 address = take(call.address(), network);
    undo.add(() -> network.addresses().release(address));
    Optional<Ready> ready = call.netns().isPresent() ? Optional.empty() : network.ready().take();
    String id = ready.isPresent() ? ready.get().id() : InstanceNames.newId();
    Path netns = call.netns().orElse(parts.settings().pins().resolve(id));
    EndpointRecord.Place place =
        new EndpointRecord.Place(
            network.network().id(),
            InstanceNames.link(id),
            ready.isPresent() ? ready.get().cable().guestLink() : "",
            address,
            ready.isPresent() ? ready.get().cable().address() : new MacAddress(0));
    undo.add(() -> giveUp(place, address, network.bridge(), call.netns().isEmpty() ? netns : null));
    // All of what was done up to here ends with this process.
    EndpointRecord intended = intend(call, id, netns, place, held.ports(), undo);
    Guest guest = ready.isPresent() ? ready.get().guest() : open(call);
    try (guest) {
      Cabling.Cable cable = cable(call, network, guest, ready, id, netns);
      parts
          .cabling()
          .assign(
              network.bridge(),
              cable,
              guest,
              address,
              network.network().gateway(),
              network.network().subnet().prefixLength());
      parts.published().publish(id, address, network.bridge(), held, undo);
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
              call.holder(),
              call.fingerprint(),
              intended.attachedAt()));
    }
  }

  /** An address; one that is only not free yet, for its link is being deleted, is awaited. */
  private Ipv4 take(Optional<Ipv4> wanted, Networks.Active network) {
    try {
      return takeFree(wanted, network);
    } catch (BerthException.FailedPrecondition | BerthException.ResourceExhausted e) {
      Set<String> leaving = parts.endpoints().leaving(network.network().id());
      if (leaving.isEmpty() || !parts.endpoints().awaitGone(leaving, NetworkEngine.REAP_MILLIS)) {
        throw e;
      }
    }
    return takeFree(wanted, network);
  }

  private Ipv4 takeFree(Optional<Ipv4> wanted, Networks.Active network) {
    if (wanted.isEmpty()) {
      return network.addresses().acquire();
    }
    if (!network.addresses().acquire(wanted.get())) {
      throw taken(wanted.get(), network);
    }
    return wanted.get();
  }

  private BerthException taken(Ipv4 address, Networks.Active network) {
    // Without a record somebody else's attachment has the address at this moment.
    String holder =
        parts.endpoints().on(network.network().id()).stream()
            .filter(e -> e.place().address().equals(address))
            .map(e -> e.key().container())
            .findFirst()
            .orElse(null);
    Obstacle taken =
        Obstacle.of(Obstacle.Reason.ADDRESS_TAKEN, Obstacle.Kind.ADDRESS, address.toString());
    return new BerthException.FailedPrecondition(
            "address `"
                + address
                + "`: in use by "
                + (holder == null ? "another container" : "container `" + holder + "`")
                + "; choose another or none")
        .with(holder == null ? taken : taken.heldBy(Obstacle.Kind.CONTAINER, holder));
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
          ? parts.cabling().readdress(cable, guest, call.mac().get())
          : cable;
    }
    if (call.netns().isEmpty()) {
      guest.namespace().pin(netns);
    }
    try {
      return parts.cabling().lay(network.bridge(), id, guest, call.mac());
    } catch (SyscallException e) {
      if (e.is(Errno.ENODEV) || e.is(Errno.EINVAL)) {
        parts.networks().forgetBridge(network.network().id());
      }
      throw e;
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
            call.holder(),
            call.fingerprint(),
            Instant.ofEpochMilli(parts.clock().millis()));
    // An endpoint that was kept ready is pinned and cabled under an id that is not recorded yet: if
    // this process dies before the confirmation, the next start finds it unknown and removes it.
    if (place.link().isEmpty()) {
      parts.store().put(endpoint, Map.of());
    }
    parts.endpoints().put(endpoint);
    undo.add(() -> {
      parts.endpoints().remove(id);
      parts.store().removeEndpoints(List.of(id));
    });
    if (endpoint.pinned()) {
      undo.add(() -> NetworkNamespace.unpin(netns));
    }
    return endpoint;
  }

  private EndpointRecord confirm(EndpointRecord intended) {
    EndpointRecord ready = intended.in(EndpointRecord.State.READY);
    Map<String, String> cursors = new HashMap<>();
    Networks.Active network = parts.networks().active(ready.place().network());
    if (network != null) {
      cursors.put(
          NetworkTable.cursor(network.network().id()), network.addresses().last().toString());
    }
    if (!ready.ports().isEmpty()) {
      cursors.put(PORT_CURSOR, Integer.toString(parts.published().lastGiven()));
    }
    parts.store().put(ready, cursors);
    parts.endpoints().put(ready);
    return ready;
  }

  private void giveUp(
      EndpointRecord.Place place, Ipv4 address, Cabling.Bridge bridge, @Nullable Path pin)
      throws IOException {
    parts.cabling().retire(bridge, place.hostLink(), address);
    if (pin != null) {
      NetworkNamespace.unpin(pin);
    }
    reaper.get().add(Set.of(place.hostLink()));
  }

  /** Detaches the container; nothing happens if it is not attached. */
  public void detach(EndpointKey key) throws IOException {
    ReentrantLock lock = lock(key);
    lock.lock();
    try {
      EndpointRecord endpoint = parts.endpoints().live(key).orElse(null);
      if (endpoint != null) {
        leave(endpoint);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Undoes an endpoint as far as it was made; its address stays taken until it is reaped. */
  void leave(EndpointRecord endpoint) throws IOException {
    EndpointRecord leaving = endpoint.in(EndpointRecord.State.LEAVING);
    parts.store().setState(endpoint.id(), leaving.state());
    parts.endpoints().put(leaving);
    parts.published().withdraw(endpoint);
    Networks.@Nullable Active network = parts.networks().active(endpoint.place().network());
    if (endpoint.onNetwork()) {
      parts
          .cabling()
          .retire(
              network == null ? null : network.bridge(),
              endpoint.place().hostLink(),
              endpoint.place().address());
    }
    if (endpoint.pinned()) {
      NetworkNamespace.unpin(endpoint.netns());
    }
    if (!endpoint.onNetwork()) {
      parts.endpoints().remove(endpoint.id());
      parts.store().removeEndpoints(List.of(endpoint.id()));
      return;
    }
    if (network != null && !endpoint.ports().isEmpty()) {
      parts.published().closeLoopback(endpoint.place().network(), network.bridge());
    }
    reaper.get().add(Set.of(endpoint.id()));
  }

  /** Forgets flows of endpoints whose links are gone, and then frees their addresses. */
  void forget(Set<String> ids) {
    Set<Ipv4> addresses = new HashSet<>();
    Set<EndpointRecord> gone = new HashSet<>();
    for (EndpointRecord endpoint : parts.endpoints().all()) {
      if (ids.contains(endpoint.id()) && endpoint.state() == EndpointRecord.State.LEAVING) {
        addresses.add(endpoint.place().address());
        gone.add(endpoint);
      }
    }
    if (gone.isEmpty()) {
      return;
    }
    try {
      parts.host().connections().forgetAddresses(addresses);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "forget the flows of {0}: {1}", addresses, e.getMessage());
    }
    for (EndpointRecord endpoint : gone) {
      Networks.Active network = parts.networks().active(endpoint.place().network());
      if (network != null) {
        network.addresses().release(endpoint.place().address());
      }
      // Whoever waits for its address waits for this.
      parts.endpoints().remove(endpoint.id());
    }
    parts.store().removeEndpoints(gone.stream().map(EndpointRecord::id).toList());
  }

  /** The container's endpoint; NOT_FOUND if it has none. */
  public EndpointRecord get(EndpointKey key) {
    return parts
        .endpoints()
        .live(key)
        .filter(e -> e.state() == EndpointRecord.State.READY)
        .orElseThrow(() ->
            new BerthException.NotFound(
                "endpoint of container `" + key.container() + "`: it is not attached"));
  }

  /** Every endpoint that is ready. */
  public List<EndpointRecord> list() {
    return parts.endpoints().ready();
  }

  /** Who has a port of the host and what may be in the way to it, in sentences. */
  public List<String> explain(PublishedPort port) throws IOException {
    List<String> findings = new ArrayList<>(parts.published().explain(port));
    findings.addAll(foreignDrops());
    return findings;
  }

  /** What other firewalls of this host may drop, which no rule of another table can undo. */
  List<String> foreignDrops() throws IOException {
    List<String> drops = new ArrayList<>(parts.networks().foreignChains().findings());
    if (parts.host().hasLegacyFilter()) {
      String bridges = parts.settings().names().bridge() + "+";
      drops.add(
          "iptables-legacy has a table of its own on this host, which Berth can neither read nor"
              + " change; if containers cannot be reached: `iptables-legacy -I FORWARD -i "
              + bridges
              + " -j ACCEPT`, and the same with `-o`");
    }
    return drops;
  }

  /** Does something to an endpoint while no call for its container is carried out. */
  void inTurn(EndpointKey key, Change change) throws IOException {
    ReentrantLock lock = lock(key);
    lock.lock();
    try {
      EndpointRecord endpoint = parts.endpoints().live(key).orElse(null);
      if (endpoint != null && endpoint.state() == EndpointRecord.State.READY) {
        change.make(endpoint);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Something that is done to an endpoint. */
  interface Change {
    void make(EndpointRecord endpoint) throws IOException;
  }

  /** What went through an endpoint's link, from the side of the host; zeros if it has none. */
  public Link.Counters counters(EndpointKey key) throws IOException {
    EndpointRecord endpoint = get(key);
    Link link =
        endpoint.onNetwork() ? parts.host().links().link(endpoint.place().hostLink()) : null;
    return link == null ? new Link.Counters(0, 0, 0, 0, 0, 0, 0, 0) : link.counters();
  }
}
