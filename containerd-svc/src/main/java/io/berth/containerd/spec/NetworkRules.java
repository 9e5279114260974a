package io.berth.containerd.spec;

import io.berth.base.error.BerthException;
import io.berth.containerd.settings.NameResolution;
import io.berth.containerd.settings.NetworkWish;
import java.util.List;

/**
 * Which wishes for a network go together. What docker refuses is refused here too, for nothing of
 * it would come true, and what docker discards with a warning is.
 */
final class NetworkRules {
  private NetworkRules() {}

  static void check(NetworkWish network, NameResolution names, List<String> warnings) {
    boolean shared = network.sharedWith() != null;
    boolean none = network.mode().equals("none");
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
