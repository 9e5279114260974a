package io.berth.containerd.container;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** Internet addresses as text; nothing is ever looked up. */
final class Addresses {
  private Addresses() {}

  /**
   * The address, or null for what is none; one with an interface ({@code fe80::1%eth0}) is none.
   */
  static @Nullable InetAddress parse(String text) {
    // Only the full forms: 127.1 is an address to some programs and a name to others.
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
