package io.berth.containerd.settings;

import io.berth.base.id.TaskKey;
import java.time.Instant;
import java.util.List;

/**
 * A container as it was asked for, completed by what holds until a person changes it. This is the
 * stored half that does not change by itself; how far the container came is kept beside it.
 *
 * @param key namespace and id
 * @param name unique in its namespace
 * @param image the reference that the person typed, else the image's canonical name
 * @param imageId digest of the image's configuration; empty without an image
 * @param platform the image's; empty without an image
 * @param config with the image's laid under it
 * @param host checked and completed
 * @param network with other containers named by their ids
 * @param createdAt when it was made
 * @param commandLine program and arguments
 * @param endpoint its place on its network at the last start
 * @param paths its files
 * @param root its root file system; a folder of the host is not stored here but in the
 *     specification, so {@link RootFilesystem#folder} is empty
 */
public record ContainerDescription(
    TaskKey key,
    String name,
    String image,
    String imageId,
    String platform,
    ContainerConfig config,
    HostSettings host,
    NetworkWish network,
    Instant createdAt,
    List<String> commandLine,
    NetworkEndpoint endpoint,
    ContainerPaths paths,
    RootFilesystem root) {
  public ContainerDescription {
    commandLine = List.copyOf(commandLine);
  }

  /** The same under another name. */
  public ContainerDescription withName(String changed) {
    return new ContainerDescription(
        key,
        changed,
        image,
        imageId,
        platform,
        config,
        host,
        network,
        createdAt,
        commandLine,
        endpoint,
        paths,
        root);
  }

  /** The same with another host's side. */
  public ContainerDescription withHost(HostSettings changed) {
    return new ContainerDescription(
        key,
        name,
        image,
        imageId,
        platform,
        config,
        changed,
        network,
        createdAt,
        commandLine,
        endpoint,
        paths,
        root);
  }

  /** The same at another place of its network. */
  public ContainerDescription withEndpoint(NetworkEndpoint changed) {
    return new ContainerDescription(
        key,
        name,
        image,
        imageId,
        platform,
        config,
        host,
        network,
        createdAt,
        commandLine,
        changed,
        paths,
        root);
  }
}
