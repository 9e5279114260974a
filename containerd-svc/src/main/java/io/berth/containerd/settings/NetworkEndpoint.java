package io.berth.containerd.settings;

import java.util.List;

/**
 * A container's place on its network, as network-svc told it at the last start.
 *
 * @param network its name
 * @param address IPv4; empty on a network without one
 * @param prefixLength bits of the network's part of the address
 * @param gateway empty where there is none
 * @param mac of the interface
 * @param netns path of the network namespace; empty where network-svc has none of it
 * @param ports what is published, with the ports of the host that were found
 * @param address6 IPv6; empty on a network without one
 * @param networkId the network's; empty where there is none
 * @param id of this place, another one at each start; empty where there is none
 */
public record NetworkEndpoint(
    String network,
    String address,
    int prefixLength,
    String gateway,
    String mac,
    String netns,
    List<PortBinding> ports,
    String address6,
    String networkId,
    String id) {
  /** A container that has no place of its own. */
  public static final NetworkEndpoint NONE =
      new NetworkEndpoint("", "", 0, "", "", "", List.of(), "", "", "");

  /**
   * The place of a container on {@code none}: a namespace with its loopback only, which is made
   * with its first process and ends with its last.
   */
  public static final NetworkEndpoint ALONE =
      new NetworkEndpoint("none", "", 0, "", "", "", List.of(), "", "", "");

  public NetworkEndpoint {
    ports = List.copyOf(ports);
  }
}
