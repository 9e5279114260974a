package io.berth.network.nat;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.linux.Errno;
import io.berth.linux.KernelFeature;
import io.berth.linux.SyscallException;
import io.berth.linux.net.Bytes;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NftRule;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.NftTransaction;
import io.berth.linux.net.NftTransaction.ChainType;
import io.berth.linux.net.NftTransaction.Element;
import io.berth.linux.net.NftTransaction.Hook;
import io.berth.linux.net.NftType;
import io.berth.network.address.Subnet;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The table of this instance. Safe for use by several threads. Where the kernel can (6.9), the
 * table belongs to our socket alone, so that nobody flushes it by accident, and outlives it.
 */
public final class NatTable {
  private static final Logger LOG = System.getLogger(NatTable.class.getName());
  private static final String PORTS = "ports";
  private static final String ADDRESSES = "addresses";
  private static final String GUARD = "guard";
  private static final String INCOMING = "incoming";
  private static final String LOCAL = "local";
  private static final String PUBLISHED = "published";
  private static final String OUTGOING = "outgoing";
  private static final String FORWARD = "forward";
  private static final String FROM_LATER = "from_later_bridges";
  private static final String TO_LATER = "to_later_bridges";
  private static final int RAW_PRIORITY = -300;
  private static final int DESTINATION_PRIORITY = -100;
  private static final int SOURCE_PRIORITY = 100;
  private static final Subnet LOOPBACK = Subnet.parse("127.0.0.0/8");
  private static final List<NftType> TARGET = List.of(NftType.IPV4_ADDRESS, NftType.PORT);

  private final NftSocket nft;
  private final String table;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private List<Bridged> networks = List.of();

  @GuardedBy("lock")
  private Others others = new Others(/* dropped= */ false, Set.of());

  @GuardedBy("lock")
  private boolean installed;

  /** What should be in the map of ports of every address, by key. */
  @GuardedBy("lock")
  private final Map<Bytes, Element> ports = new HashMap<>();

  /** What should be in the map of ports of one address each, by key. */
  @GuardedBy("lock")
  private final Map<Bytes, Element> addresses = new HashMap<>();

  /**
   * A network with a bridge.
   *
   * @param internal nothing goes out of it
   */
  public record Bridged(String bridge, Subnet subnet, boolean internal) {}

  /**
   * What happens to packets from and to links that are not of Berth.
   *
   * @param dropped whether those are that this host routes from one to another: so if it forwards
   *     only because of us
   * @param bridges those that were there when it did not. What such a bridge passes from port to
   *     port is not routed, and comes by the same chain if the host filters what it bridges; a
   *     bridge that came later is its maker's to judge, who found a host that forwards
   */
  public record Others(boolean dropped, Set<String> bridges) {
    public Others {
      bridges = Set.copyOf(bridges);
    }
  }

  public NatTable(NftSocket nft, String table) {
    this.nft = nft;
    this.table = table;
  }

  /**
   * Says which ports are published already, before the first {@link #setNetworks}: nothing is
   * changed now.
   */
  public void expect(List<Publication> publications) {
    lock.lock();
    try {
      for (Publication publication : publications) {
        remember(publication);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Makes the table say exactly what it should, in one transaction; open connections stay open. */
  public void setNetworks(List<Bridged> networks, Others others) throws IOException {
    lock.lock();
    try {
      this.networks = List.copyOf(networks);
      this.others = others;
      install();
    } finally {
      lock.unlock();
    }
  }

  /** Makes the table again as it should be, if it was made before: somebody else changed it. */
  public void restore() throws IOException {
    lock.lock();
    try {
      if (installed) {
        install();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Tries whether this kernel takes the table, and leaves none; SyscallException if not. */
  public void probe() throws IOException {
    lock.lock();
    try {
      if (!installed && !nft.tables().contains(table)) {
        Difference none = new Difference(List.of(), List.of());
        nft.commit(fill(new NftTransaction(table).addTable(), none, none).deleteTable());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether the table was made, as far as this service knows. */
  public boolean isInstalled() {
    lock.lock();
    try {
      return installed;
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void remember(Publication publication) {
    Element element = publication.element();
    map(publication.port()).put(element.key(), element);
  }

  @GuardedBy("lock")
  private Map<Bytes, Element> map(PublishedPort port) {
    return port.hostIp().equals(Ipv4.ANY) ? ports : addresses;
  }

  @GuardedBy("lock")
  private void install() throws IOException {
    boolean exists = nft.tables().contains(table);
    if (exists) {
      try {
        nft.commit(
            whole(
                KernelFeature.NFT_TABLE_PERSIST.inUse(),
                difference(PORTS, ports),
                difference(ADDRESSES, addresses)));
        installed = true;
        return;
      } catch (SyscallException e) {
        LOG.log(
            Level.INFO, "table {0} is of another kind and is replaced: {1}", table, e.getMessage());
      }
    }
    Difference allPorts = new Difference(List.of(), List.copyOf(ports.values()));
    Difference allAddresses = new Difference(List.of(), List.copyOf(addresses.values()));
    if (exists) {
      NftTransaction replacement = new NftTransaction(table).addTable().deleteTable();
      nft.commit(fill(replacement.addTable(), allPorts, allAddresses));
    } else {
      nft.commit(whole(KernelFeature.NFT_TABLE_PERSIST.inUse(), allPorts, allAddresses));
    }
    installed = true;
  }

  private record Difference(List<Element> superfluous, List<Element> missing) {}

  private Difference difference(String map, Map<Bytes, Element> wanted) throws IOException {
    List<Element> superfluous = new ArrayList<>();
    Map<Bytes, Element> missing = new HashMap<>(wanted);
    List<Element> present;
    try {
      present = nft.elements(table, map);
    } catch (SyscallException e) {
      if (!e.is(Errno.ENOENT)) {
        throw e;
      }
      present = List.of();
    }
    for (Element element : present) {
      if (!element.equals(missing.remove(element.key()))) {
        superfluous.add(element);
        Element right = wanted.get(element.key());
        if (right != null) {
          missing.put(right.key(), right);
        }
      }
    }
    return new Difference(superfluous, List.copyOf(missing.values()));
  }

  @GuardedBy("lock")
  private NftTransaction whole(boolean owned, Difference ports, Difference addresses) {
    NftTransaction transaction = new NftTransaction(table);
    return fill(owned ? transaction.addOwnedTable() : transaction.addTable(), ports, addresses);
  }

  @GuardedBy("lock")
  private NftTransaction fill(NftTransaction transaction, Difference ports, Difference addresses) {
    transaction
        .addMap(PORTS, List.of(NftType.PROTOCOL, NftType.PORT), TARGET)
        .addMap(ADDRESSES, List.of(NftType.PROTOCOL, NftType.IPV4_ADDRESS, NftType.PORT), TARGET)
        .addChain(PUBLISHED)
        .addChain(FROM_LATER)
        .addChain(TO_LATER)
        .addBaseChain(GUARD, ChainType.FILTER, Hook.PREROUTING, RAW_PRIORITY)
        .addBaseChain(INCOMING, ChainType.NAT, Hook.PREROUTING, DESTINATION_PRIORITY)
        .addBaseChain(LOCAL, ChainType.NAT, Hook.OUTPUT, DESTINATION_PRIORITY)
        .addBaseChain(OUTGOING, ChainType.NAT, Hook.POSTROUTING, SOURCE_PRIORITY)
        .addBaseChain(FORWARD, ChainType.FILTER, Hook.FORWARD, 0);
    for (String chain :
        List.of(PUBLISHED, GUARD, INCOMING, LOCAL, OUTGOING, FORWARD, FROM_LATER, TO_LATER)) {
      transaction.flushChain(chain);
    }
    transaction
        .addRule(PUBLISHED, new NftRule().ipv4().redirectByAddressAndPort(ADDRESSES))
        .addRule(PUBLISHED, new NftRule().ipv4().redirectByPort(PORTS))
        .addRule(INCOMING, new NftRule().toThisHost().jump(PUBLISHED))
        .addRule(LOCAL, new NftRule().toThisHost().jump(PUBLISHED));
    guard(transaction);
    outgoing(transaction);
    forward(transaction);
    return transaction
        .deleteElements(PORTS, ports.superfluous)
        .deleteElements(ADDRESSES, addresses.superfluous)
        .addElements(PORTS, ports.missing)
        .addElements(ADDRESSES, addresses.missing);
  }

  /**
   * What is published on an address of 127.0.0.0/8 is for this host alone. The kernel would refuse
   * such packets from elsewhere when it routes them, but that comes after the redirection, which
   * gives them an address that it routes. So by whatever link they come, they end here.
   */
  private void guard(NftTransaction transaction) {
    transaction
        // A VRF is the loopback of its own routes (Documentation/networking/vrf.rst). A packet from
        // outside passed this chain before, under the name of the link that it came in by.
        .addRule(GUARD, new NftRule().inKind("vrf").accept())
        .addRule(GUARD, destination(new NftRule().notIn("lo").ipv4(), LOOPBACK).drop())
        .addRule(GUARD, source(new NftRule().notIn("lo").ipv4(), LOOPBACK).drop());
  }

  /**
   * From 127.0.0.1 and from the network itself to a published port, the answer must come back
   * through here; what leaves has this host's address. From elsewhere the source is kept.
   */
  @GuardedBy("lock")
  private void outgoing(NftTransaction transaction) {
    for (Bridged network : networks) {
      transaction
          .addRule(
              OUTGOING,
              source(new NftRule().out(network.bridge).redirected().ipv4(), LOOPBACK).masquerade())
          .addRule(
              OUTGOING,
              source(new NftRule().out(network.bridge).redirected().ipv4(), network.subnet)
                  .masquerade())
          .addRule(
              OUTGOING,
              source(new NftRule().notOut(network.bridge).ipv4(), network.subnet).masquerade());
    }
  }

  @GuardedBy("lock")
  private void forward(NftTransaction transaction) {
    for (Bridged network : networks) {
      if (network.internal) {
        // Before what was redirected, for a published port is a way in and out as any other.
        transaction
            .addRule(FORWARD, new NftRule().in(network.bridge).notOut(network.bridge).drop())
            .addRule(FORWARD, new NftRule().notIn(network.bridge).out(network.bridge).drop());
      }
    }
    transaction
        .addRule(FORWARD, new NftRule().established().accept())
        .addRule(FORWARD, new NftRule().redirected().accept());
    for (Bridged network : networks) {
      // Packets within one network pass this chain if the host filters what it bridges
      // (bridge-nf-call-iptables).
      transaction.addRule(FORWARD, new NftRule().in(network.bridge).out(network.bridge).accept());
    }
    for (Bridged network : networks) {
      transaction.addRule(FORWARD, new NftRule().out(network.bridge).drop());
    }
    for (Bridged network : networks) {
      transaction.addRule(FORWARD, new NftRule().in(network.bridge).accept());
    }
    if (others.dropped) {
      dropOthers(transaction);
    }
  }

  /** Bridges of other instances count as later ones, so their instance decides on their packets. */
  @GuardedBy("lock")
  private void dropOthers(NftTransaction transaction) {
    for (String bridge : others.bridges) {
      transaction
          .addRule(FORWARD, new NftRule().ipv4().in(bridge).out(bridge).accept())
          .addRule(FROM_LATER, new NftRule().in(bridge).leave())
          .addRule(TO_LATER, new NftRule().out(bridge).leave());
    }
    transaction
        .addRule(FROM_LATER, new NftRule().inKind("bridge").accept())
        .addRule(TO_LATER, new NftRule().outKind("bridge").accept())
        .addRule(FORWARD, new NftRule().ipv4().jump(FROM_LATER))
        .addRule(FORWARD, new NftRule().ipv4().jump(TO_LATER))
        .addRule(FORWARD, new NftRule().ipv4().drop());
  }

  private static NftRule source(NftRule rule, Subnet subnet) {
    return rule.source(subnet.network(), subnet.prefixLength());
  }

  private static NftRule destination(NftRule rule, Subnet subnet) {
    return rule.destination(subnet.network(), subnet.prefixLength());
  }

  /** From now on the ports lead to the container. All of them or none. */
  public void publish(Ipv4 container, List<PublishedPort> published) throws IOException {
    if (published.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      List<Publication> publications =
          published.stream().map(port -> new Publication(port, container)).toList();
      try {
        nft.commit(change(publications, /* add= */ true));
      } catch (SyscallException e) {
        if (!e.is(Errno.ENOENT) || !installed) {
          throw e;
        }
        LOG.log(Level.WARNING, "table {0} is gone and is made again", table);
        install();
        nft.commit(change(publications, /* add= */ true));
      }
      for (Publication publication : publications) {
        remember(publication);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The ports lead nowhere from now on; open connections through them go on. */
  public void unpublish(Ipv4 container, List<PublishedPort> published) throws IOException {
    if (published.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      List<Publication> publications = new ArrayList<>();
      for (PublishedPort port : published) {
        Publication publication = new Publication(port, container);
        Element element = publication.element();
        if (map(port).remove(element.key(), element)) {
          publications.add(publication);
        }
      }
      if (publications.isEmpty() || !installed) {
        return;
      }
      try {
        nft.commit(change(publications, /* add= */ false));
      } catch (SyscallException e) {
        if (!e.is(Errno.ENOENT)) {
          throw e;
        }
        // A rule or an element that should be there is missing, so the whole table is written.
        install();
      }
    } finally {
      lock.unlock();
    }
  }

  private NftTransaction change(List<Publication> publications, boolean add) {
    NftTransaction transaction = new NftTransaction(table);
    List<Element> inPorts = new ArrayList<>();
    List<Element> inAddresses = new ArrayList<>();
    for (Publication publication : publications) {
      (publication.port().hostIp().equals(Ipv4.ANY) ? inPorts : inAddresses)
          .add(publication.element());
    }
    return add
        ? transaction.addElements(PORTS, inPorts).addElements(ADDRESSES, inAddresses)
        : transaction.deleteElements(PORTS, inPorts).deleteElements(ADDRESSES, inAddresses);
  }

  /** How many ports are published. */
  public int published() {
    lock.lock();
    try {
      return ports.size() + addresses.size();
    } finally {
      lock.unlock();
    }
  }

  /** Deletes the table; nothing happens if there is none. */
  public void remove() throws IOException {
    lock.lock();
    try {
      installed = false;
      if (nft.tables().contains(table)) {
        nft.commit(new NftTransaction(table).deleteTable());
      }
    } finally {
      lock.unlock();
    }
  }
}
