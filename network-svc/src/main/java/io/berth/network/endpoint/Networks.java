package io.berth.network.endpoint;

import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.Digest;
import io.berth.base.id.Labels;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.MacAddress;
import io.berth.linux.net.Route;
import io.berth.linux.net.RouteRequest;
import io.berth.network.address.AddressPool;
import io.berth.network.address.Subnet;
import io.berth.network.link.Cabling;
import io.berth.network.link.HostNetwork;
import io.berth.network.link.ReadyEndpoints;
import io.berth.network.nat.NatTable;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The networks: their subnets, their bridges, their free addresses. The bridge of one appears at
 * its first attach (a user's network: when it is made), under a lock that all instances of this
 * host share, so that no two choose the same subnet.
 *
 * <p>Safe for use by several threads; calls wait for each other while a bridge is made.
 */
public final class Networks implements AutoCloseable {
  private static final int MAX_NAME = 63;

  private final HostNetwork host;
  private final NetworkSettings settings;
  private final NetworkStore store;
  private final NatTable nat;
  private final Cabling cabling;
  private final Forwarding forwarding;
  private final EndpointIndex endpoints;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Active> active = new HashMap<>();
  private final List<NetworkRecord> records = new ArrayList<>();

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
      HostNetwork host,
      NetworkSettings settings,
      NetworkStore store,
      NatTable nat,
      Cabling cabling,
      Forwarding forwarding,
      EndpointIndex endpoints,
      InstantSource clock) {
    this.host = host;
    this.settings = settings;
    this.store = store;
    this.nat = nat;
    this.cabling = cabling;
    this.forwarding = forwarding;
    this.endpoints = endpoints;
    this.clock = clock;
    records.addAll(store.networks());
  }

  Forwarding forwarding() {
    return forwarding;
  }

  /** Every network, the default one only once it has a subnet. */
  public List<NetworkRecord> list() {
    lock.lock();
    try {
      return List.copyOf(records);
    } finally {
      lock.unlock();
    }
  }

  /** By name, id or unique prefix of an id; NOT_FOUND, or INVALID_ARGUMENT if several fit. */
  public NetworkRecord get(String reference) {
    return find(reference).orElseThrow(() -> unknown(reference));
  }

  private static BerthException unknown(String reference) {
    return new BerthException.NotFound(
        "network `" + reference + "`: no such network; `berth network ls` shows those there are");
  }

  Optional<NetworkRecord> find(String reference) {
    List<NetworkRecord> all = list();
    for (NetworkRecord network : all) {
      if (network.name().equals(reference) || network.id().equals(reference)) {
        return Optional.of(network);
      }
    }
    List<NetworkRecord> fitting =
        reference.isEmpty()
            ? List.of()
            : all.stream().filter(n -> n.id().startsWith(reference)).toList();
    if (fitting.size() > 1) {
      throw new BerthException.InvalidArgument(
          "network `" + reference + "`: the beginning of several ids; give more of it");
    }
    return fitting.stream().findFirst();
  }

  /** The network, with its bridge up; the default one is made if there is none. */
  Active activate(String reference) throws IOException {
    lock.lock();
    try {
      boolean isDefault = reference.isEmpty() || reference.equals(NetworkRecord.DEFAULT);
      NetworkRecord network = find(isDefault ? NetworkRecord.DEFAULT : reference).orElse(null);
      if (network == null && !isDefault) {
        throw unknown(reference);
      }
      Active known = network == null ? null : active.get(network.id());
      return known != null ? known : settings.lock().hold(() -> bringUp(network));
    } finally {
      lock.unlock();
    }
  }

  /** What is active already; null if it is not. */
  @Nullable Active active(String id) {
    lock.lock();
    try {
      return active.get(id);
    } finally {
      lock.unlock();
    }
  }

  /** Makes sure that the bridge is there after all: somebody deleted it behind our back. */
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

  private Active bringUp(@Nullable NetworkRecord known) throws IOException {
    NetworkRecord network = known;
    boolean bridgeIsThere = network != null && host.links().link(network.bridge()) != null;
    if (network == null) {
      network =
          record(
              new Wish(
                  NetworkRecord.DEFAULT,
                  Optional.empty(),
                  Optional.empty(),
                  /* internal= */ false,
                  Map.of(),
                  Map.of()),
              settings.names().bridge());
    } else if (!bridgeIsThere) {
      network = evading(network);
    }
    AddressPool addresses =
        new AddressPool(
            network.subnet(),
            network.gateway(),
            store
                .setting(cursor(network.id()))
                .flatMap(Ipv4::parse)
                .orElse(network.subnet().network()));
    for (EndpointRecord endpoint : endpoints.on(network.id())) {
      addresses.acquire(endpoint.place().address());
    }
    if (!bridgeIsThere) {
      forwarding.forget(network.bridge());
    }
    forwarding.prepare();
    refreshRules();
    forwarding.on();
    Cabling.Bridge bridge =
        cabling.bridge(
            network.id(),
            network.bridge(),
            network.bridgeAddress(),
            network.gateway(),
            network.subnet());
    ReadyEndpoints ready = ReadyEndpoints.start(cabling, bridge, settings.pins(), settings.ready());
    Active result = new Active(network, addresses, bridge, ready);
    active.put(network.id(), result);
    return result;
  }

  private List<NatTable.Bridged> bridged() {
    // Those without a bridge, too: a rule for it does no harm, and one that is missing for a moment
    // while networks come up one after another would.
    return records.stream()
        .map(n -> new NatTable.Bridged(n.bridge(), n.subnet(), n.internal()))
        .toList();
  }

  /** The same with another subnet, if somebody has taken its own while its bridge was away. */
  private NetworkRecord evading(NetworkRecord network) throws IOException {
    List<Subnet> taken = taken(Optional.of(network));
    if (taken.stream().noneMatch(t -> t.prefixLength() > 0 && t.overlaps(network.subnet()))) {
      return network;
    }
    if (!network.name().equals(NetworkRecord.DEFAULT)) {
      throw new BerthException.FailedPrecondition(
          "bring up network `"
              + network.name()
              + "`: its subnet `"
              + network.subnet()
              + "` overlaps with a route of this host; remove the route or the network");
    }
    store.removeNetwork(network.id());
    records.remove(network);
    return record(
        new Wish(
            network.name(),
            Optional.empty(),
            Optional.empty(),
            network.internal(),
            network.labels(),
            network.options()),
        network.bridge());
  }

  static String cursor(String networkId) {
    return "cursor." + networkId;
  }

  /** Chooses what the wish leaves open and writes the network down. Under the host's lock. */
  private NetworkRecord record(Wish wish, String bridge) throws IOException {
    List<Subnet> taken = taken(Optional.empty());
    String seed = settings.names().instance() + "/" + wish.name();
    long number = Long.parseLong(Digest.sha256(seed).hex().substring(0, 12), 16);
    Subnet subnet = wish.subnet().orElse(null);
    if (subnet == null) {
      subnet = settings.subnets().choose(number, taken);
    } else {
      for (Subnet other : taken) {
        if (other.prefixLength() > 0 && other.overlaps(subnet)) {
          throw new BerthException.FailedPrecondition(
              "create network `"
                  + wish.name()
                  + "`: `"
                  + subnet
                  + "` overlaps with `"
                  + other
                  + "`, which this host has a route to; choose another subnet");
        }
      }
    }
    if (subnet.prefixLength() > AddressPool.LONGEST_PREFIX) {
      throw new BerthException.InvalidArgument(
          "create network `" + wish.name() + "`: `" + subnet + "` has no room for containers");
    }
    NetworkRecord network =
        new NetworkRecord(
            newId(),
            wish.name(),
            subnet,
            wish.gateway().orElse(subnet.at(1)),
            bridge,
            MacAddress.local(number),
            wish.internal(),
            wish.labels(),
            wish.options(),
            Instant.ofEpochMilli(clock.millis()));
    // Checks the gateway before anything is written.
    var _ = new AddressPool(subnet, network.gateway(), subnet.network());
    store.add(network);
    records.add(network);
    return network;
  }

  private static String newId() {
    return Digest.sha256(Long.toHexString(ThreadLocalRandom.current().nextLong()))
        .hex()
        .substring(0, 12);
  }

  /** What a new subnet must not overlap. */
  private List<Subnet> taken(Optional<NetworkRecord> except) throws IOException {
    List<Subnet> taken = new ArrayList<>();
    for (Route route : host.links().routes()) {
      taken.add(Subnet.around(route.destination(), route.prefixLength()));
    }
    for (NetworkRecord network : records) {
      if (except.isEmpty() || !network.id().equals(except.get().id())) {
        taken.add(network.subnet());
      }
    }
    return taken;
  }

  /** Makes a network and its bridge. */
  public NetworkRecord create(Wish wish) throws IOException {
    checkName(wish.name());
    Labels.check(wish.labels());
    if (!wish.options().isEmpty()) {
      throw new BerthException.InvalidArgument(
          "create network `"
              + wish.name()
              + "`: unknown option `"
              + wish.options().keySet().iterator().next()
              + "`");
    }
    lock.lock();
    try {
      if (records.stream().anyMatch(n -> n.name().equals(wish.name()))) {
        throw new BerthException.AlreadyExists(
                "create network `" + wish.name() + "`: there is one of that name")
            .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.NETWORK, wish.name()));
      }
      return settings
          .lock()
          .hold(() -> {
            NetworkRecord network = record(wish, freeBridge());
            boolean up = false;
            try {
              bringUp(network);
              up = true;
              return network;
            } finally {
              if (!up) {
                records.remove(network);
                store.removeNetwork(network.id());
              }
            }
          });
    } finally {
      lock.unlock();
    }
  }

  private String freeBridge() throws IOException {
    for (int i = 1; i < 0xffff; i++) {
      String name = settings.names().bridge() + "-" + Integer.toHexString(i);
      if (records.stream().noneMatch(n -> n.bridge().equals(name))
          && host.links().link(name) == null) {
        return name;
      }
    }
    throw new BerthException.ResourceExhausted("create network: too many networks");
  }

  private static void checkName(String name) {
    if (List.of(NetworkRecord.DEFAULT, NetworkRecord.NONE, NetworkRecord.HOST, "default")
        .contains(name)) {
      throw new BerthException.AlreadyExists(
          "create network `" + name + "`: that name has a meaning already; choose another");
    }
    if (name.length() > MAX_NAME || !name.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
      throw new BerthException.InvalidArgument(
          "create network `"
              + name
              + "`: a name has up to "
              + MAX_NAME
              + " letters, digits, `_`, `.` and `-`, and begins with a letter or digit");
    }
  }

  /** Writes the rules for all networks, and takes away published ports that nobody has. */
  void refreshRules() throws IOException {
    lock.lock();
    try {
      nat.setNetworks(bridged(), forwarding.others());
    } finally {
      lock.unlock();
    }
  }

  /** Removes a network and its bridge; FAILED_PRECONDITION while an endpoint is on it. */
  public void remove(String reference) throws IOException {
    NetworkRecord network = get(reference);
    lock.lock();
    try {
      List<EndpointRecord> left = endpoints.on(network.id());
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
      records.remove(network);
      store.removeNetwork(network.id());
      if (gone != null) {
        refreshRules();
      }
      Link bridge = host.links().link(network.bridge());
      if (bridge != null && settings.names().isBridge(bridge)) {
        host.links().send(new RouteRequest().deleteLink(bridge.index()), network.bridge());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives up the endpoints that are kept ready; bridges stay. */
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
