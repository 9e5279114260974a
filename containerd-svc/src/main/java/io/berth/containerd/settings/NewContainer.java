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
 * @param fromImage the image on which a root file system is to be prepared, from which {@code
 *     image}, {@code imageSettings}, {@code root} and {@code user} then follow; else null
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
    @Nullable ResolvedUser user,
    @Nullable FromImage fromImage) {
  /** The same on a root file system that was prepared. */
  public NewContainer on(
      String nameOfImage,
      ImageSettings said,
      RootFilesystem prepared,
      @Nullable ResolvedUser resolved) {
    return new NewContainer(
        id, name, config, host, network, nameOfImage, said, prepared, resolved, null);
  }
}
