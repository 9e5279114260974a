package io.berth.containerd.settings;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container's wish for a place on a network.
 *
 * @param mode {@code bridge}, {@code host}, {@code none}, {@code container:REF} or a network's name
 * @param ports what is published
 * @param aliases further names by which other containers of the network find it
 * @param address the wanted one; empty for any
 * @param mac the wanted one; empty for any
 * @param publishAll whether every exposed port is published at any free port of the host
 * @param links {@code REF} or {@code REF:ALIAS}: containers of the same network whose address is
 *     found under these names; of a stored container {@code ID:ALIAS}
 */
public record NetworkWish(
    String mode,
    List<PortBinding> ports,
    List<String> aliases,
    String address,
    String mac,
    boolean publishAll,
    List<String> links) {
  /** Nothing was said. */
  public static final NetworkWish NONE =
      new NetworkWish("", List.of(), List.of(), "", "", false, List.of());

  public NetworkWish {
    ports = List.copyOf(ports);
    aliases = List.copyOf(aliases);
    links = List.copyOf(links);
  }

  /** Whether the container has the host's network. */
  public boolean isHost() {
    return mode.equals("host");
  }

  /** Whether the container has a network of its own with nothing but its loopback. */
  public boolean isNone() {
    return mode.equals("none");
  }

  /** The container whose network this one shares, as it was written; or null. */
  public @Nullable String sharedWith() {
    return NamespaceModes.containerOf(mode);
  }

  /** The same in another mode. */
  public NetworkWish withMode(String changed) {
    return new NetworkWish(changed, ports, aliases, address, mac, publishAll, links);
  }

  /** The same with other ports. */
  public NetworkWish withPorts(List<PortBinding> changed) {
    return new NetworkWish(mode, changed, aliases, address, mac, publishAll, links);
  }

  /** The same with other links. */
  public NetworkWish withLinks(List<String> changed) {
    return new NetworkWish(mode, ports, aliases, address, mac, publishAll, changed);
  }
}
