package io.berth.network.endpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.BerthException;
import io.berth.base.io.OwnFolder;
import io.berth.linux.net.Link;
import io.berth.linux.net.RouteRequest;
import io.berth.network.link.Cabling;
import io.berth.network.link.HostNetwork;
import io.berth.network.link.InstanceNames;
import io.berth.network.link.LinkReaper;
import io.berth.network.nat.ForeignChains;
import io.berth.network.nat.NatTable;
import io.berth.network.port.HostPorts;
import io.berth.network.port.SocketKeeper;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The network of one instance, between start and stop. Building one does nothing; {@link #start}
 * repairs what the last stop, or the lack of one, left.
 */
@Singleton
public final class NetworkEngine {
  private static final Logger LOG = System.getLogger(NetworkEngine.class.getName());
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final String BOOT = "boot";
  static final long REAP_MILLIS = 5000;

  private final NetworkSettings settings;
  private final HostNamespace hostNamespace;
  private final KeeperFactory keepers;
  private final NetworkChronicle chronicle;
  private final InstantSource clock;

  @GuardedBy("this")
  private @Nullable Running running;

  private record Running(
      EngineParts parts,
      Attachments attachments,
      LinkReaper reaper,
      HostWatch watch,
      Deque<Runnable> ends) {}

  @Inject
  NetworkEngine(
      NetworkSettings settings,
      HostNamespace hostNamespace,
      KeeperFactory keepers,
      NetworkChronicle chronicle,
      InstantSource clock) {
    this.settings = settings;
    this.hostNamespace = hostNamespace;
    this.keepers = keepers;
    this.chronicle = chronicle;
    this.clock = clock;
  }

  /** Opens the store and the kernel's sockets, and repairs. A failed start leaves nothing open. */
  public synchronized void start() throws IOException {
    Deque<Runnable> ends = new ArrayDeque<>();
    boolean started = false;
    try {
      running = open(ends);
      started = true;
    } finally {
      if (!started) {
        ends.forEach(Runnable::run);
      }
    }
  }

  private Running open(Deque<Runnable> ends) throws IOException {
    OwnFolder.prepare(settings.pins(), OwnFolder.OWNER_ONLY);
    NetworkStore store = NetworkStore.open(settings.database());
    ends.push(store::close);
    String boot = Files.readString(BOOT_ID, StandardCharsets.US_ASCII).strip();
    forgetOtherBoots(store, boot);
    HostNetwork host = HostNetwork.open(hostNamespace.open());
    ends.push(host::close);
    SocketKeeper keeper = keepers.open(settings);
    ends.push(keeper::close);
    EndpointIndex endpoints = new EndpointIndex(store.endpoints());
    NatTable nat = new NatTable(host.nft(), settings.names().table());
    Cabling cabling = new Cabling(host, settings.names());
    Forwarding forwarding = Forwarding.open(host, settings, store, boot);
    Networks networks =
        new Networks(
            new NetworkTable(host, settings, store, chronicle, clock),
            host,
            nat,
            foreignChains(host),
            cabling,
            forwarding,
            endpoints);
    HostPorts ports = new HostPorts(host.namespace(), settings.firstPort(), settings.lastPort());
    store.setting(Attachments.PORT_CURSOR).map(Integer::parseInt).ifPresent(ports::resume);
    AtomicReference<LinkReaper> reaper = new AtomicReference<>();
    PublishedPorts published =
        new PublishedPorts(host, endpoints, forwarding, nat, ports, keeper, reaper::get);
    EngineParts parts =
        new EngineParts(
            host, settings, store, endpoints, networks, nat, cabling, published, keeper, clock);
    Attachments attachments = new Attachments(parts, reaper::get);
    LinkReaper running = LinkReaper.start(host, settings.names(), attachments::forget);
    reaper.set(running);
    ends.push(running::close);
    ends.push(() -> {
      networks.close();
      running.add(Set.of("ready endpoints"));
    });
    Repair repair = new Repair(parts, attachments);
    keeper.whenLost(repair::holdAgain);
    running.add(repair.run());
    HostWatch watch = HostWatch.start(parts, repair::mend);
    ends.push(watch::close);
    return new Running(parts, attachments, running, watch, ends);
  }

  private ForeignChains foreignChains(HostNetwork host) {
    return new ForeignChains(
        host.nft(),
        settings.names().instance(),
        settings.names().bridge(),
        settings.firewall(),
        InstanceNames::isBerthsTable);
  }

  /** Forgets what another boot recorded, for links, namespaces and switches end with the boot. */
  private static void forgetOtherBoots(NetworkStore store, String boot) {
    if (!store.setting(BOOT).equals(Optional.of(boot))) {
      store.removeEndpoints(store.endpoints().stream().map(EndpointRecord::id).toList());
      store.setSetting(Forwarding.OLD_RECORD, "");
      store.setSetting(BOOT, boot);
    }
  }

  private synchronized Running running() {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("the network is not started");
    }
    return now;
  }

  /** Attaches and detaches; IllegalStateException while the engine is not started. */
  public Attachments attachments() {
    return running().attachments;
  }

  /** The networks; IllegalStateException while the engine is not started. */
  public Networks networks() {
    return running().parts.networks();
  }

  /**
   * Removes a network and its bridge, once the addresses of those that left it are free: another
   * network may have them next, and flows that end late must not reach it.
   *
   * @throws BerthException FAILED_PRECONDITION while an endpoint is on it
   */
  public void removeNetwork(String reference) throws IOException {
    awaitLeft(List.of(networks().get(reference)));
    networks().remove(reference);
  }

  /**
   * Removes the wanted ones of those networks that no endpoint is on, but for the default one;
   * answers their names.
   */
  public List<String> pruneNetworks(Predicate<NetworkRecord> wanted) throws IOException {
    awaitLeft(networks().list().stream().filter(wanted).toList());
    return networks().prune(wanted);
  }

  private void awaitLeft(List<NetworkRecord> networks) {
    EndpointIndex endpoints = running().parts.endpoints();
    Set<String> leaving = new HashSet<>();
    networks.forEach(network -> leaving.addAll(endpoints.leaving(network.id())));
    if (!endpoints.awaitGone(leaving, REAP_MILLIS)) {
      LOG.log(Level.WARNING, "remove networks: links of {0} are not deleted yet", leaving);
    }
  }

  /** How many ports are published. */
  public int publishedPorts() {
    return running().parts.nat().published();
  }

  /** What the configuration says. */
  public NetworkSettings settings() {
    return settings;
  }

  /**
   * Whether the kernel lets this service do its work.
   *
   * @throws BerthException FAILED_PRECONDITION with what is missing
   */
  public void checkReady() {
    Running now = running();
    try {
      now.parts.networks().ensureRules();
    } catch (IOException e) {
      throw new BerthException.FailedPrecondition(
          "ask the kernel for its packet filter: " + e.getMessage(), e);
    }
  }

  /** Makes up for what a start left undone, for the kernel did not let it then. */
  public void catchUp() {
    running().watch.suspect(HostWatch.Suspect.LINKS);
  }

  /** What an operator should know of this host, in sentences; usually nothing. */
  public List<String> warnings() throws IOException {
    List<String> warnings = new ArrayList<>(attachments().foreignDrops());
    networks().forwarding().warning().ifPresent(warnings::add);
    return warnings;
  }

  /** Waits until links that were given up are deleted; false if that takes too long. */
  public boolean awaitReaped() {
    return running().reaper.awaitIdle(REAP_MILLIS);
  }

  /** Gives up what is only kept ready. Endpoints, ports and rules stay as they are. */
  public synchronized void stop() {
    Running now = running;
    if (now != null) {
      running = null;
      now.ends.forEach(Runnable::run);
    }
  }

  /**
   * Takes everything of this instance off the host: endpoints, bridges, table, switches. For an
   * uninstall; the engine is stopped afterwards.
   */
  public synchronized void removeAll() throws IOException {
    Running now = running();
    // What is taken away from here on must not be put back.
    now.watch.close();
    for (EndpointRecord endpoint : now.parts.endpoints().all()) {
      now.attachments.leave(endpoint);
    }
    now.parts.networks().close();
    now.reaper.add(Set.of("all"));
    var _ = now.reaper.awaitIdle(REAP_MILLIS);
    for (Link link : now.parts.host().links().links()) {
      if (settings.names().isBridge(link)) {
        now.parts.host().links().send(new RouteRequest().deleteLink(link.index()), link.name());
      }
    }
    // The rules go last: as long as the host forwards because of Berth, packets between links of
    // others would pass without them.
    now.parts.networks().foreignChains().remove();
    now.parts.networks().forwarding().restore();
    now.parts.nat().remove();
    now.parts.keeper().end();
    stop();
  }
}
