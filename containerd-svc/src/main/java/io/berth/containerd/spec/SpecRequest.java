package io.berth.containerd.spec;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.ImageConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.User;

/**
 * What a container is to be. All parts are immutable messages.
 *
 * @param config with the image's laid under it ({@link ConfigMerge})
 * @param host checked and completed ({@link HostRules})
 * @param user as the root file system resolves it
 */
public record SpecRequest(
    Config config, HostConfig host, NetworkConfig network, ImageConfig image, User user) {}
