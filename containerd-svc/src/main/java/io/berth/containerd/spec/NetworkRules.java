package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.NameResolution;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.PortBinding;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;

/**
 * Which wishes for a network go together. What docker refuses is refused here too, for nothing of
 * it would come true, and what docker discards with a warning is.
 */
final class NetworkRules {
  private static final int LAST_PORT = 65_535;

  /** As docker has it; empty is the default network. */
  private static final String NAME = "([a-zA-Z0-9][a-zA-Z0-9_.-]*)?";

  private NetworkRules() {}

  static void check(NetworkWish network, NameResolution names, List<String> warnings) {
    possible(network);
    boolean shared = network.sharedWith() != null;
    boolean none = network.isNone();
    boolean published = !network.ports().isEmpty() || network.publishAll();
    if (shared) {
      absent(!published, network, "published ports");
      absent(names.servers().isEmpty(), network, "name servers of its own");
      absent(names.extraHosts().isEmpty(), network, "hosts of its own");
    }
    if (shared || network.isHost()) {
      absent(network.mac().isEmpty(), network, "a hardware address of its own");
    }
    if (shared || network.isHost() || none) {
      absent(network.address().isEmpty(), network, "an address of its own");
      absent(network.links().isEmpty(), network, "links");
    }
    if (shared || network.isHost() || none || isDefault(network)) {
      absent(
          network.aliases().isEmpty(),
          network,
          "aliases, which only networks that users make have");
    }
    if (!shared && published && (network.isHost() || none)) {
      warnings.add("published ports are discarded when using " + network.mode() + " network mode");
    }
  }

  /** Refuses what no network can ever grant, before anything is made for it. */
  private static void possible(NetworkWish network) {
    if (network.sharedWith() == null && !network.mode().matches(NAME)) {
      throw new BerthException.InvalidArgument(
          "network `" + network.mode() + "`: no network can have this name");
    }
    if (!network.address().isEmpty()) {
      address("address", network.address());
    }
    for (PortBinding port : network.ports()) {
      String word = port.hostPort() + ":" + port.containerPort() + "/" + port.protocol();
      if (port.containerPort() < 1 || port.containerPort() > LAST_PORT) {
        throw refused(word, "the container's port is not between 1 and " + LAST_PORT);
      }
      if (port.hostPort() < 0 || port.hostPort() > LAST_PORT) {
        throw refused(word, "the host's port is not between 0 and " + LAST_PORT);
      }
      if (!List.of("", "tcp", "udp").contains(port.protocol().toLowerCase(Locale.ROOT))) {
        throw refused(word, "only ports of tcp and udp can be published");
      }
      if (!port.hostIp().isEmpty()) {
        address("publish port", port.hostIp());
      }
    }
  }

  private static void address(String what, String text) {
    try {
      var _ = InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      throw new BerthException.InvalidArgument(what + " `" + text + "`: no address of IP", e);
    }
  }

  private static BerthException refused(String port, String why) {
    return new BerthException.InvalidArgument("publish port `" + port + "`: " + why);
  }

  private static boolean isDefault(NetworkWish network) {
    return List.of("", "default", "bridge").contains(network.mode());
  }

  private static void absent(boolean is, NetworkWish network, String what) {
    if (!is) {
      throw new BerthException.InvalidArgument(
          "network mode `"
              + (network.mode().isEmpty() ? "bridge" : network.mode())
              + "`: the container cannot have "
              + what
              + "; leave one of the two out");
    }
  }
}
