package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.Digest;
import io.berth.base.id.Labels;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.MacAddress;
import io.berth.linux.net.Route;
import io.berth.network.address.AddressPool;
import io.berth.network.address.Subnet;
import io.berth.network.link.HostNetwork;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What is recorded of the networks, and which subnets and names are free for new ones. Safe for use
 * by several threads; who adds or replaces a network holds the host's lock, so that no other
 * instance chooses the same subnet.
 */
final class NetworkTable {
  private static final int MAX_NAME = 63;

  private final HostNetwork host;
  private final NetworkSettings settings;
  private final NetworkStore store;
  private final NetworkChronicle chronicle;
  private final InstantSource clock;

  @GuardedBy("this")
  private final List<NetworkRecord> records = new ArrayList<>();

  NetworkTable(
      HostNetwork host,
      NetworkSettings settings,
      NetworkStore store,
      NetworkChronicle chronicle,
      InstantSource clock) {
    this.host = host;
    this.settings = settings;
    this.store = store;
    this.chronicle = chronicle;
    this.clock = clock;
    records.addAll(store.networks());
  }

  NetworkSettings settings() {
    return settings;
  }

  /** Whom to tell what happens to networks. */
  NetworkChronicle chronicle() {
    return chronicle;
  }

  /** Every network, the default one only once it has a subnet. */
  synchronized List<NetworkRecord> list() {
    return List.copyOf(records);
  }

  private synchronized void put(NetworkRecord network) {
    store.add(network);
    records.add(network);
  }

  /** Forgets a network; nothing happens if it is not recorded. */
  synchronized void remove(NetworkRecord network) {
    records.remove(network);
    store.removeNetwork(network.id());
  }

  /** NOT_FOUND if no network fits, INVALID_ARGUMENT if several do. */
  NetworkRecord get(String reference) {
    return find(reference).orElseThrow(() -> unknown(reference));
  }

  static BerthException unknown(String reference) {
    return new BerthException.NotFound(
        "network `" + reference + "`: no such network; `berth network ls` shows those there are");
  }

  /** A network by its name, its id or a unique beginning of that. */
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

  /**
   * The network itself, or the default one with another subnet if somebody else took its own while
   * its bridge was away. FAILED_PRECONDITION for any other network in that case, since clients
   * chose its subnet.
   */
  NetworkRecord evading(NetworkRecord network) throws IOException {
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
    remove(network);
    return add(
        new Networks.Wish(
            network.name(),
            Optional.empty(),
            Optional.empty(),
            network.internal(),
            network.labels(),
            network.options()),
        network.bridge());
  }

  /** Chooses what the wish leaves open and records the network. */
  NetworkRecord add(Networks.Wish wish, String bridge) throws IOException {
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
            wish.name().equals(NetworkRecord.DEFAULT)
                ? settings.names().builtInNetwork(wish.name())
                : newId(),
            wish.name(),
            subnet,
            wish.gateway().orElse(subnet.at(1)),
            bridge,
            MacAddress.local(number),
            wish.internal(),
            wish.labels(),
            wish.options(),
            Instant.ofEpochMilli(clock.millis()));
    // The pool refuses a gateway that does not fit, before anything is written.
    var _ = new AddressPool(subnet, network.gateway(), subnet.network());
    put(network);
    return network;
  }

  private static String newId() {
    return Digest.sha256(Long.toHexString(ThreadLocalRandom.current().nextLong()))
        .hex()
        .substring(0, 12);
  }

  /** The subnets that a new one must not overlap: those of routes and of other networks. */
  private List<Subnet> taken(Optional<NetworkRecord> except) throws IOException {
    List<Subnet> taken = new ArrayList<>();
    for (Route route : host.links().routes()) {
      taken.add(Subnet.around(route.destination(), route.prefixLength()));
    }
    for (NetworkRecord network : list()) {
      if (except.isEmpty() || !network.id().equals(except.get().id())) {
        taken.add(network.subnet());
      }
    }
    return taken;
  }

  /** The setting in the store behind which addresses of a network go on after a restart. */
  static String cursor(String networkId) {
    return "cursor." + networkId;
  }

  /** The address that was given out last, or the subnet's own if none was. */
  Ipv4 lastAddress(NetworkRecord network) {
    return store
        .setting(cursor(network.id()))
        .flatMap(Ipv4::parse)
        .orElse(network.subnet().network());
  }

  /** INVALID_ARGUMENT or ALREADY_EXISTS for a network that cannot be made. */
  void check(Networks.Wish wish) {
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
    if (list().stream().anyMatch(network -> network.name().equals(wish.name()))) {
      throw new BerthException.AlreadyExists(
              "create network `" + wish.name() + "`: there is one of that name")
          .with(Obstacle.of(Obstacle.Reason.NAME_TAKEN, Obstacle.Kind.NETWORK, wish.name()));
    }
  }

  /** The name of a bridge that neither a network has nor a link of this host. */
  String freeBridge() throws IOException {
    for (int i = 1; i < 0xffff; i++) {
      String name = settings.names().bridge() + "-" + Integer.toHexString(i);
      if (list().stream().noneMatch(n -> n.bridge().equals(name))
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
}
