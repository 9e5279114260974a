package io.berth.network.endpoint;

import io.berth.linux.net.Ipv4;
import io.berth.linux.net.MacAddress;
import io.berth.network.address.Subnet;
import java.time.Instant;
import java.util.Map;

/**
 * A network of containers with addresses of its own.
 *
 * @param id 12 hex digits
 * @param bridge name of its bridge on the host
 * @param bridgeAddress the bridge's hardware address, the same whenever it is made
 * @param internal nothing goes out of it
 */
public record NetworkRecord(
    String id,
    String name,
    Subnet subnet,
    Ipv4 gateway,
    String bridge,
    MacAddress bridgeAddress,
    boolean internal,
    Map<String, String> labels,
    Map<String, String> options,
    Instant createdAt) {
  /** The name of the network that a container is on by default. */
  public static final String DEFAULT = "bridge";

  /** The name that stands for a netns with nothing but its loopback. */
  public static final String NONE = "none";

  /** The name that stands for the host's own netns. */
  public static final String HOST = "host";

  public NetworkRecord {
    labels = Map.copyOf(labels);
    options = Map.copyOf(options);
  }
}
