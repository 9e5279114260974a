package io.berth.containerd.settings;

import org.jspecify.annotations.Nullable;

/**
 * A request for a container.
 *
 * @param id 64 hex digits; empty for a new one
 * @param name empty for a generated one
 * @param config what runs inside
 * @param host the host's side
 * @param network a place on a network
 * @param image canonical name of the image; empty for a root file system of one's own
 * @param imageSettings what that image says
 * @param root the root file system
 * @param user who runs, already resolved; null where that is still to be done
 */
public record NewContainer(
    String id,
    String name,
    ContainerConfig config,
    HostSettings host,
    NetworkWish network,
    String image,
    ImageSettings imageSettings,
    RootFilesystem root,
    @Nullable ResolvedUser user) {}
