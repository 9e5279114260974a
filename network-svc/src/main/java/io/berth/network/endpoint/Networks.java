package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.RouteRequest;
import io.berth.network.address.AddressPool;
import io.berth.network.address.Subnet;
import io.berth.network.link.Cabling;
import io.berth.network.link.HostNetwork;
import io.berth.network.link.ReadyEndpoints;
import io.berth.network.nat.ForeignChains;
import io.berth.network.nat.NatTable;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The networks: their subnets, their bridges, their free addresses. The bridge of one appears at
 * its first attach (a user's network: when it is made), under a lock that all instances of this
 * host share, so that no two choose the same subnet.
 *
 * <p>Safe for use by several threads; calls wait for each other while a bridge is made.
 */
public final class Networks implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Networks.class.getName());

  private final NetworkTable table;
  private final HostNetwork host;
  private final NetworkSettings settings;
  private final NatTable nat;
  private final ForeignChains foreignChains;
  private final Cabling cabling;
  private final Forwarding forwarding;
  private final EndpointIndex endpoints;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, Active> active = new HashMap<>();

  /** A network that endpoints can be attached to. */
  record Active(
      NetworkRecord network, AddressPool addresses, Cabling.Bridge bridge, ReadyEndpoints ready) {}

  /** What somebody wants of a new network; empty means any. */
  public record Wish(
      String name,
      Optional<Subnet> subnet,
      Optional<Ipv4> gateway,
      boolean internal,
      Map<String, String> labels,
      Map<String, String> options) {}

  Networks(
      NetworkTable table,
      HostNetwork host,
      NatTable nat,
      ForeignChains foreignChains,
      Cabling cabling,
      Forwarding forwarding,
      EndpointIndex endpoints) {
    this.table = table;
    this.host = host;
    this.settings = table.settings();
    this.nat = nat;
    this.foreignChains = foreignChains;
    this.cabling = cabling;
    this.forwarding = forwarding;
    this.endpoints = endpoints;
  }

  ForeignChains foreignChains() {
    return foreignChains;
  }

  Forwarding forwarding() {
    return forwarding;
  }

  /** Every network, the default one only once it has a subnet. */
  public List<NetworkRecord> list() {
    return table.list();
  }

  /** By name, id or unique prefix of an id; NOT_FOUND, or INVALID_ARGUMENT if several fit. */
  public NetworkRecord get(String reference) {
    return table.get(reference);
  }

  /** The network, with its bridge up; the default one is made if there is none. */
  Active activate(String reference) throws IOException {
    lock.lock();
    try {
      boolean isDefault = reference.isEmpty() || reference.equals(NetworkRecord.DEFAULT);
      NetworkRecord network =
          table.find(isDefault ? NetworkRecord.DEFAULT : reference).orElse(null);
      if (network == null && !isDefault) {
        throw NetworkTable.unknown(reference);
      }
      Active known = network == null ? null : active.get(network.id());
      if (known != null && isWhole(known)) {
        return known;
      }
      return active(settings.lock().hold(() -> known == null ? bringUp(network) : mend(known)));
    } finally {
      lock.unlock();
    }
  }

  /** The network if it is active; null if it is not. */
  @Nullable Active active(String id) {
    lock.lock();
    try {
      return active.get(id);
    } finally {
      lock.unlock();
    }
  }

  /** Takes note that a bridge was deleted by somebody else; the next attach makes it again. */
  void forgetBridge(String id) {
    lock.lock();
    try {
      Active gone = active.remove(id);
      if (gone != null) {
        gone.ready.close();
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean isWhole(Active network) throws IOException {
    Link bridge = host.links().link(network.bridge.name());
    return bridge != null && bridge.index() == network.bridge.index() && bridge.up();
  }

  /** The bridge is up and has its address again; a new one, if there is none any more. */
  private Active mend(Active known) throws IOException {
    NetworkRecord network = known.network;
    boolean whole = isWhole(known);
    LOG.log(
        whole ? Level.DEBUG : Level.WARNING,
        "bridge `{0}` of network `{1}` was changed by somebody else and is mended",
        network.bridge(),
        network.name());
    if (host.links().link(network.bridge()) == null) {
      forwarding.forget(network.bridge());
    }
    Cabling.Bridge bridge = raise(network);
    if (bridge.index() == known.bridge.index()) {
      return known;
    }
    known.ready.close();
    return new Active(
        network,
        known.addresses,
        bridge,
        ReadyEndpoints.start(cabling, bridge, settings.pins(), settings.ready()));
  }

  /** Mends every bridge that is in use. */
  void mend() throws IOException {
    lock.lock();
    try {
      for (Active network : List.copyOf(active.values())) {
        var _ = active(settings.lock().hold(() -> mend(network)));
      }
    } finally {
      lock.unlock();
    }
  }

  /** The bridges that are in use. */
  List<Cabling.Bridge> bridges() {
    lock.lock();
    try {
      return active.values().stream().map(Active::bridge).toList();
    } finally {
      lock.unlock();
    }
  }

  /** Whether a network is there from which nothing goes out. */
  boolean isInternal(String reference) {
    return table.find(reference).map(NetworkRecord::internal).orElse(false);
  }

  private Active bringUp(@Nullable NetworkRecord known) throws IOException {
    NetworkRecord network = known;
    boolean bridgeIsThere = network != null && host.links().link(network.bridge()) != null;
    if (network == null) {
      network =
          table.add(
              new Wish(
                  NetworkRecord.DEFAULT,
                  Optional.empty(),
                  Optional.empty(),
                  /* internal= */ false,
                  Map.of(),
                  Map.of()),
              settings.names().bridge());
    } else if (!bridgeIsThere) {
      network = table.evading(network);
    }
    AddressPool addresses =
        new AddressPool(network.subnet(), network.gateway(), table.lastAddress(network));
    for (EndpointRecord endpoint : endpoints.on(network.id())) {
      addresses.acquire(endpoint.place().address());
    }
    if (!bridgeIsThere) {
      forwarding.forget(network.bridge());
    }
    Cabling.Bridge bridge = raise(network);
    ReadyEndpoints ready = ReadyEndpoints.start(cabling, bridge, settings.pins(), settings.ready());
    return new Active(network, addresses, bridge, ready);
  }

  /** Rules, forwarding, and the bridge, in this order. */
  private Cabling.Bridge raise(NetworkRecord network) throws IOException {
    forwarding.prepare();
    refreshRules();
    foreignChains.refresh();
    forwarding.on();
    return cabling.bridge(
        network.id(),
        network.bridge(),
        network.bridgeAddress(),
        network.gateway(),
        network.subnet());
  }

  @GuardedBy("lock")
  private Active active(Active made) {
    active.put(made.network.id(), made);
    return made;
  }

  private List<NatTable.Bridged> bridged() {
    // Networks that have no bridge yet are included: a rule for them does no harm, while networks
    // that come up one after another would lack theirs for a moment.
    return table.list().stream()
        .map(n -> new NatTable.Bridged(n.bridge(), n.subnet(), n.internal()))
        .toList();
  }

  /** Makes a network and its bridge. */
  public NetworkRecord create(Wish wish) throws IOException {
    lock.lock();
    try {
      table.check(wish);
      Active made = settings.lock().hold(() -> make(wish));
      table.chronicle().created(made.network);
      return active(made).network;
    } finally {
      lock.unlock();
    }
  }

  private Active make(Wish wish) throws IOException {
    NetworkRecord network = table.add(wish, table.freeBridge());
    boolean up = false;
    try {
      Active made = bringUp(network);
      up = true;
      return made;
    } finally {
      if (!up) {
        table.remove(network);
      }
    }
  }

  /** Writes the rules for all networks, and takes away published ports that nobody has. */
  void refreshRules() throws IOException {
    lock.lock();
    try {
      nat.setNetworks(bridged(), forwarding.others());
    } catch (SyscallException e) {
      throw noFilter(e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes sure that there are rules, or could be.
   *
   * @throws BerthException FAILED_PRECONDITION if this kernel does not take them
   */
  void ensureRules() throws IOException {
    try {
      if (list().isEmpty()) {
        nat.probe();
      } else if (!nat.isInstalled()) {
        refreshRules();
      }
    } catch (SyscallException e) {
      throw noFilter(e);
    }
  }

  private static BerthException noFilter(SyscallException e) {
    return new BerthException.FailedPrecondition(
        "write the rules of containers' networks into the kernel's packet filter: "
            + e.getMessage()
            + "; load nf_tables and nft_chain_nat (`modprobe`), and leave this service"
            + " CAP_NET_ADMIN. Containers on the networks `host` and `none` need none of it",
        e);
  }

  /**
   * Removes a network and its bridge; FAILED_PRECONDITION while an endpoint is on it. One that was
   * detached is not on it any more; the caller awaits that its address is free.
   */
  void remove(String reference) throws IOException {
    NetworkRecord network = get(reference);
    lock.lock();
    try {
      List<EndpointRecord> left = endpoints.holding(network.id());
      if (!left.isEmpty()) {
        throw new BerthException.FailedPrecondition(
                "remove network `"
                    + network.name()
                    + "`: container `"
                    + left.getFirst().key().container()
                    + "` is on it; remove or detach it first")
            .with(
                Obstacle.of(Obstacle.Reason.NETWORK_IN_USE, Obstacle.Kind.NETWORK, network.name())
                    .heldBy(Obstacle.Kind.CONTAINER, left.getFirst().key().container()));
      }
      Active gone = active.remove(network.id());
      if (gone != null) {
        gone.ready.close();
      }
      table.remove(network);
      table.chronicle().destroyed(network);
      try {
        // Also of one that was not used since this service started: it began with the rules of all.
        if (nat.isInstalled()) {
          refreshRules();
        }
      } finally {
        Link bridge = host.links().link(network.bridge());
        if (bridge != null && settings.names().isBridge(bridge)) {
          host.links().send(new RouteRequest().deleteLink(bridge.index()), network.bridge());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Removes the wanted ones of those networks that no endpoint is on, but for the default one;
   * answers their names.
   */
  List<String> prune(Predicate<NetworkRecord> wanted) throws IOException {
    List<String> gone = new ArrayList<>();
    for (NetworkRecord network : list()) {
      if (!network.name().equals(NetworkRecord.DEFAULT)
          && endpoints.holding(network.id()).isEmpty()
          && wanted.test(network)
          && isRemoved(network)) {
        gone.add(network.name());
      }
    }
    table.chronicle().pruned();
    return gone;
  }

  private boolean isRemoved(NetworkRecord network) throws IOException {
    try {
      remove(network.id());
      return true;
    } catch (BerthException.FailedPrecondition | BerthException.NotFound e) {
      // A container has joined the network meanwhile, or somebody has removed it.
      return false;
    }
  }

  /** Gives up the endpoints that are kept ready, and leaves the bridges. */
  @Override
  public void close() {
    lock.lock();
    try {
      active.values().forEach(a -> a.ready.close());
      active.clear();
    } finally {
      lock.unlock();
    }
  }
}
