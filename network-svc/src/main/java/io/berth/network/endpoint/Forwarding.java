package io.berth.network.endpoint;

import io.berth.linux.net.NetworkNamespace;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The host's switches that containers' packets need. A value of before is written down, so that it
 * can be set again when the instance is removed.
 */
final class Forwarding {
  private static final Logger LOG = System.getLogger(Forwarding.class.getName());
  private static final String FORWARD = "ipv4/ip_forward";
  private static final String BEFORE = "sysctl." + FORWARD;

  private final NetworkNamespace host;
  private final NetworkStore store;

  /** The bridges for which it is on. */
  private final Set<String> loopbackThrough = new HashSet<>();

  Forwarding(NetworkNamespace host, NetworkStore store) {
    this.host = host;
    this.store = store;
  }

  /** Makes the host forward IPv4 packets. */
  void on() throws IOException {
    if (host.sysctl(FORWARD).equals("0")) {
      store.setSetting(BEFORE, "0");
      host.setSysctl(FORWARD, "1");
      LOG.log(
          Level.INFO,
          "net.ipv4.ip_forward was 0 and is 1 now; packets that are not of containers are not"
              + " forwarded");
    }
  }

  /** Whether it forwards only because of us. */
  boolean onlyOurs() {
    return before().isPresent();
  }

  private Optional<String> before() {
    return store.setting(BEFORE).filter(value -> !value.isEmpty());
  }

  /** Sets the value of before. */
  void restore() throws IOException {
    Optional<String> before = before();
    if (before.isPresent()) {
      host.setSysctl(FORWARD, before.get());
      store.setSetting(BEFORE, "");
    }
  }

  /** Whether packets with addresses of 127.0.0.0/8 may go through a bridge. */
  synchronized void setLoopbackThrough(String bridge, boolean on) throws IOException {
    if (loopbackThrough.contains(bridge) != on) {
      host.setSysctl("ipv4/conf/" + bridge + "/route_localnet", on ? "1" : "0");
      if (on) {
        loopbackThrough.add(bridge);
      } else {
        loopbackThrough.remove(bridge);
      }
    }
  }

  /** A bridge was made anew: it has none of the old one's switches. */
  synchronized void forget(String bridge) {
    loopbackThrough.remove(bridge);
  }
}
