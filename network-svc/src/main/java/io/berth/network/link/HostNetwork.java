package io.berth.network.link;

import io.berth.linux.net.ConnectionTracking;
import io.berth.linux.net.NetworkNamespace;
import io.berth.linux.net.NftSocket;
import io.berth.linux.net.RouteSocket;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;

/** The network namespace of the host, and the sockets through which it is changed. */
public final class HostNetwork implements AutoCloseable {
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

  @Override
  public void close() {
    connections.close();
    nft.close();
    links.close();
    namespace.close();
  }
}
