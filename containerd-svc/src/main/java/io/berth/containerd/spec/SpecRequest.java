package io.berth.containerd.spec;

import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.ResolvedUser;

/**
 * What a container is to be.
 *
 * @param config with the image's laid under it ({@link ConfigMerge})
 * @param host checked and completed ({@link HostRules})
 * @param network its wish for a network
 * @param image what the image says, of which the volumes count here
 * @param user as the root file system resolves it
 */
public record SpecRequest(
    ContainerConfig config,
    HostSettings host,
    NetworkWish network,
    ImageSettings image,
    ResolvedUser user) {
  /** The same for another user. */
  public SpecRequest as(ResolvedUser other) {
    return new SpecRequest(config, host, network, image, other);
  }
}
