package io.berth.network;

import io.berth.base.config.Config;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.Link;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.RouteRequest;
import io.berth.linux.net.RouteSocket;
import io.berth.network.endpoint.AttachCall;
import io.berth.network.endpoint.EndpointKey;
import io.berth.network.endpoint.Holder;
import io.berth.network.endpoint.KeeperFactory;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.port.OwnKeeper;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A host for a test: a network namespace of its own with an address on a small LAN, and another
 * machine on that LAN. The real host's network is not touched; everything goes when this is closed.
 */
final class TestHost implements AutoCloseable {
  static final Ipv4 ADDRESS = ip("192.168.77.1");
  static final Ipv4 OTHER_MACHINE = ip("192.168.77.2");
  private static final AtomicInteger NUMBER =
      new AtomicInteger((int) (ProcessHandle.current().pid() & 0xffff) << 8);

  final String instance = String.format("%06x", NUMBER.incrementAndGet() & 0xffffff);
  final NetworkNamespace host;
  final NetworkNamespace lan;
  final Path folder;

  /** Of all instances on this host. */
  final Path lock;

  KeeperFactory keepers = _ -> new OwnKeeper();
  String extraConfig = "";
  private NetworkEngine engine;

  private TestHost(Path folder, Path lock, NetworkNamespace host, NetworkNamespace lan) {
    this.folder = folder;
    this.lock = lock;
    this.host = host;
    this.lan = lan;
    engine = newEngine();
  }

  /** Another instance on the same host. */
  TestHost beside(Path other) throws IOException {
    Files.createDirectories(other);
    return new TestHost(
        other,
        lock,
        NetworkNamespace.open(Path.of(host.fd().procPath())),
        NetworkNamespace.open(Path.of(lan.fd().procPath())));
  }

  TestHost(Path folder) throws IOException {
    this.folder = folder;
    lock = folder.resolve("subnets.lock");
    host = NetworkNamespace.create();
    lan = NetworkNamespace.create();
    try (RouteSocket hostLinks = RouteSocket.open(host);
        RouteSocket lanLinks = RouteSocket.open(lan)) {
      hostLinks.send(
          new RouteRequest()
              .setUp("lo")
              .create(
                  new RouteRequest.Cable(
                      "lan0", 0, 0, 1400, "lan0", Optional.of(lan.fd()), Optional.empty())),
          "lan0");
      connect(hostLinks, ADDRESS);
      connect(lanLinks, OTHER_MACHINE);
      lanLinks.send(new RouteRequest().setUp("lo"), "lo");
      hostLinks.settle("lan0");
      lanLinks.settle("lan0");
      hostLinks.send(
          new RouteRequest().addDefaultRoute(hostLinks.link("lan0").index(), OTHER_MACHINE),
          "default route");
    }
    engine = newEngine();
  }

  /** Runs a program inside a namespace; an exit code other than 0 is an error. */
  static void run(NetworkNamespace where, String... command) throws IOException {
    List<String> line = new ArrayList<>();
    line.add("nsenter");
    line.add("--net=/proc/" + ProcessHandle.current().pid() + "/fd/" + where.fd().number());
    line.addAll(List.of(command));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.onExit().join().exitValue() != 0) {
      throw new IOException(line + ": " + output);
    }
  }

  /**
   * A machine on a bridge of the host's that is not Berth's.
   *
   * @param link the host's end of its cable
   */
  record Machine(NetworkNamespace host, String link, NetworkNamespace netns)
      implements AutoCloseable {

    @Override
    public void close() throws IOException {
      try (netns;
          RouteSocket links = RouteSocket.open(host)) {
        // The kernel would do this, but at a time of its own.
        links.send(new RouteRequest().deleteLink(links.link(link).index()), link);
      }
    }
  }

  /** Makes one; the bridge's first address is its way out. */
  static Machine machine(NetworkNamespace host, String bridge, String address) throws IOException {
    Machine made = new Machine(host, "g" + address.replace(".", ""), NetworkNamespace.create());
    String link = made.link;
    try (RouteSocket hostLinks = RouteSocket.open(host);
        RouteSocket links = RouteSocket.open(made.netns)) {
      hostLinks.send(
          new RouteRequest()
              .create(
                  new RouteRequest.Cable(
                      link,
                      0,
                      hostLinks.link(bridge).index(),
                      1500,
                      "eth0",
                      Optional.of(made.netns.fd()),
                      Optional.empty()))
              .setUp(link),
          link);
      int index = links.link("eth0").index();
      links.send(
          new RouteRequest()
              .setUp("lo")
              .setUp(index)
              .addAddress(index, ip(address), 24)
              .addDefaultRoute(index, ip(address.substring(0, address.lastIndexOf('.')) + ".1")),
          "eth0");
      hostLinks.settle(link);
      links.settle("eth0");
      return made;
    }
  }

  private static void connect(RouteSocket links, Ipv4 address) throws IOException {
    Link link = links.link("lan0");
    links.send(
        new RouteRequest().setUp(link.index()).addAddress(link.index(), address, 24), "lan0");
  }

  static Ipv4 ip(String text) {
    return Ipv4.parse(text).orElseThrow();
  }

  Config config() {
    return Config.parse(null, configText());
  }

  String configText() {
    return """
    root = "%1$s/root"
    state = "%1$s/run"
    instance = "%2$s"
    [network]
    lock = "%5$s"
    ready_endpoints = %3$d
    %4$s
    """
        .formatted(folder, instance, ready, extraConfig, lock);
  }

  int ready = 2;

  private NetworkEngine newEngine() {
    return component().engine();
  }

  NetworkComponent component() {
    return DaggerNetworkComponent.factory()
        .create(
            config(),
            () -> NetworkNamespace.open(Path.of(host.fd().procPath())),
            settings -> keepers.open(settings),
            InstantSource.system());
  }

  NetworkEngine start() throws IOException {
    engine = newEngine();
    engine.start();
    return engine;
  }

  NetworkEngine engine() {
    return engine;
  }

  Path pins() {
    return folder.resolve("run/n");
  }

  AttachCall call(String container, PublishedPort... ports) {
    return call(container, "bridge", Optional.empty(), ports);
  }

  AttachCall call(String container, String network, Optional<Path> netns, PublishedPort... ports) {
    return call(container, network, netns, Holder.UNRECORDED, ports);
  }

  AttachCall call(
      String container,
      String network,
      Optional<Path> netns,
      Holder holder,
      PublishedPort... ports) {
    return new AttachCall(
        new EndpointKey("default", container),
        network,
        List.of(ports),
        netns,
        Optional.empty(),
        Optional.empty(),
        container,
        List.of(),
        holder);
  }

  /** What of the instance is on the test's host. */
  Set<String> leftovers() throws IOException {
    Set<String> found = new TreeSet<>();
    try (RouteSocket links = RouteSocket.open(host);
        NftSocket nft = NftSocket.open(host)) {
      links.links().stream()
          .filter(l -> !Set.of("lo", "lan0").contains(l.name()))
          .forEach(l -> found.add("link " + l.name() + " " + l.alias()));
      nft.tables().forEach(t -> found.add("table " + t));
    }
    if (Files.isDirectory(pins())) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(pins())) {
        files.forEach(f -> found.add("pin " + f.getFileName()));
      }
    }
    for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      if (line.contains(folder.toString())) {
        found.add("mount " + line);
      }
    }
    return found;
  }

  @Override
  public void close() throws IOException {
    engine.stop();
    List<Path> pins = new ArrayList<>();
    if (Files.isDirectory(pins())) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(pins())) {
        files.forEach(pins::add);
      }
    }
    for (Path pin : pins) {
      NetworkNamespace.unpin(pin);
    }
    lan.close();
    host.close();
  }
}
