package io.berth.network.endpoint;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.layout.RootFolders;
import io.berth.base.layout.StateFolders;
import io.berth.network.address.Subnet;
import io.berth.network.address.SubnetChoice;
import io.berth.network.link.InstanceNames;
import io.berth.network.nat.FirewallPolicy;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the configuration says about networks, checked.
 *
 * @param pins folder of the pinned network namespaces
 * @param keeperCgroup where the keeper lives, relative to the hierarchies' roots; null: where this
 *     service does
 * @param lock that all instances of this host take
 * @param forwardPolicy for packets that have nothing to do with containers
 * @param firewall for others' chains that drop containers' packets
 * @param ready how many endpoints are kept ready per network
 */
public record NetworkSettings(
    InstanceNames names,
    Path database,
    Path pins,
    Path keeperSocket,
    Path supervisor,
    @Nullable String keeperCgroup,
    SubnetChoice subnets,
    HostLock lock,
    ForwardPolicy forwardPolicy,
    FirewallPolicy firewall,
    int ready,
    int firstPort,
    int lastPort) {
  private static final int MAX_READY = 64;

  /** Reads them; INVALID_ARGUMENT names the key that is wrong. */
  public static NetworkSettings of(Config config) {
    StateFolders state = new StateFolders(config.state());
    return new NetworkSettings(
        new InstanceNames(config.instance()),
        new RootFolders(config.root()).networkDatabase(),
        state.networkPins(),
        state.keeperSocket(),
        config.libexec().resolve("bin/berth-supervisor"),
        config.text(Key.CGROUP_PARENT).isEmpty() ? null : config.cgroupParent() + "/keeper",
        new SubnetChoice(
            Subnet.parse(config.text(Key.NETWORK_POOL)), number(config, Key.NETWORK_PREFIX, 0, 30)),
        new HostLock(config.path(Key.NETWORK_LOCK)),
        forwardPolicy(config),
        firewall(config),
        number(config, Key.NETWORK_READY_ENDPOINTS, 0, MAX_READY),
        number(config, Key.NETWORK_PORT_FIRST, 1, 65535),
        number(config, Key.NETWORK_PORT_LAST, 1, 65535));
  }

  private static ForwardPolicy forwardPolicy(Config config) {
    String value = config.text(Key.NETWORK_FORWARD_POLICY);
    return switch (value) {
      case "drop" -> ForwardPolicy.DROP;
      case "accept" -> ForwardPolicy.ACCEPT;
      default ->
          throw new BerthException.InvalidArgument(
              "key `"
                  + Key.NETWORK_FORWARD_POLICY.key()
                  + "`: `"
                  + value
                  + "` is neither `drop` nor `accept`");
    };
  }

  private static FirewallPolicy firewall(Config config) {
    String value = config.text(Key.NETWORK_FIREWALL);
    return switch (value) {
      case "auto" -> FirewallPolicy.AUTO;
      case "accept" -> FirewallPolicy.ACCEPT;
      case "strict" -> FirewallPolicy.STRICT;
      default ->
          throw new BerthException.InvalidArgument(
              "key `"
                  + Key.NETWORK_FIREWALL.key()
                  + "`: `"
                  + value
                  + "` is none of `auto`, `accept` and `strict`");
    };
  }

  private static int number(Config config, Key key, int least, int most) {
    long value = config.number(key);
    if (value < least || value > most) {
      throw new BerthException.InvalidArgument(
          "key `" + key.key() + "`: " + value + " is not from " + least + " to " + most);
    }
    return (int) value;
  }
}
