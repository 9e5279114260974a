package io.berth.containerd.container;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** Reads internet addresses that are written as text; names are never looked up. */
final class Addresses {
  private Addresses() {}

  /**
   * The address, or null for a text that is no address. An address with an interface, such as
   * {@code fe80::1%eth0}, counts as none, because the interface means nothing in a container.
   */
  static @Nullable InetAddress parse(String text) {
    // Only full forms count, because 127.1 is an address to some programs (inet_aton(3)) and a name
    // to others.
    boolean full = text.indexOf(':') >= 0 || text.matches("\\d{1,3}(\\.\\d{1,3}){3}");
    if (!full || text.indexOf('%') >= 0) {
      return null;
    }
    try {
      return InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
