package io.berth.network.link;

import io.berth.linux.net.ConnectionTracking;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.RouteSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** The network namespace of the host, and the sockets through which it is changed. */
public final class HostNetwork implements AutoCloseable {
  private static final Path LEGACY_TABLES = Path.of("/proc/thread-self/net/ip_tables_names");

  private final NetworkNamespace namespace;
  private final RouteSocket links;
  private final NftSocket nft;
  private final ConnectionTracking connections;

  private HostNetwork(
      NetworkNamespace namespace,
      RouteSocket links,
      NftSocket nft,
      ConnectionTracking connections) {
    this.namespace = namespace;
    this.links = links;
    this.nft = nft;
    this.connections = connections;
  }

  /** Opens the sockets; the namespace is closed with them. */
  public static HostNetwork open(NetworkNamespace namespace) throws IOException {
    Deque<AutoCloseable> opened = new ArrayDeque<>();
    opened.push(namespace);
    try {
      RouteSocket links = RouteSocket.open(namespace);
      opened.push(links);
      NftSocket nft = NftSocket.open(namespace);
      opened.push(nft);
      return new HostNetwork(namespace, links, nft, ConnectionTracking.open(namespace));
    } catch (IOException e) {
      for (AutoCloseable each : opened) {
        try {
          each.close();
        } catch (Exception suppressed) {
          e.addSuppressed(suppressed);
        }
      }
      throw e;
    }
  }

  public NetworkNamespace namespace() {
    return namespace;
  }

  public RouteSocket links() {
    return links;
  }

  public NftSocket nft() {
    return nft;
  }

  public ConnectionTracking connections() {
    return connections;
  }

  /**
   * Whether the older packet filter of the kernel, iptables-legacy(8), has rules for what this host
   * lets pass. They cannot be had by netlink.
   */
  public boolean hasLegacyFilter() throws IOException {
    return namespace.call(() -> {
      try {
        return Files.readAllLines(LEGACY_TABLES).contains("filter");
      } catch (NoSuchFileException e) {
        return false;
      }
    });
  }

  @Override
  public void close() {
    connections.close();
    nft.close();
    links.close();
    namespace.close();
  }
}
