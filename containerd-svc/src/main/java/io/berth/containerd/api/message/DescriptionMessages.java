package io.berth.containerd.api.message;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.ContainerPaths;
import io.berth.containerd.settings.DescriptionCodec;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.RootFilesystem;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;

/**
 * A container as it was asked for: the message {@code Container} without what changes by itself.
 * The stored form is the same message.
 */
public final class DescriptionMessages implements DescriptionCodec {
  @Inject
  public DescriptionMessages() {}

  @Override
  public byte[] encode(ContainerDescription description) {
    return write(description).build().toByteArray();
  }

  @Override
  public ContainerDescription decode(TaskKey key, byte[] stored) {
    try {
      return read(key, Container.parseFrom(stored));
    } catch (InvalidProtocolBufferException e) {
      throw new BerthException.DataLoss("read a stored container: " + e.getMessage(), e);
    }
  }

  @Override
  public Any runtimeOptions(String runtime) {
    return Anys.pack(Options.newBuilder().setBinaryName(runtime).build());
  }

  /** For the wire; the caller adds what changes by itself. */
  public static Container.Builder write(ContainerDescription described) {
    List<String> line = described.commandLine();
    Container.Builder message =
        Container.newBuilder()
            .setId(described.key().id())
            .setNamespace(described.key().namespace())
            .setName(described.name())
            .setImage(described.image())
            .setImageId(described.imageId())
            .setPlatform(described.platform())
            .setConfig(ConfigMessages.write(described.config()))
            .setHost(HostMessages.write(described.host()))
            .setNetwork(NetworkWishMessages.write(described.network()))
            .setCreatedAt(Timestamps.of(described.createdAt()))
            .setPath(line.isEmpty() ? "" : line.getFirst())
            .addAllArgs(line.isEmpty() ? line : line.subList(1, line.size()))
            .setLogPath(described.paths().log())
            .setHostsPath(described.paths().hosts())
            .setHostnamePath(described.paths().hostname())
            .setResolvConfPath(described.paths().resolvConf())
            .setTaskFolder(described.paths().taskFolder())
            .setSnapshotter(described.root().snapshotter())
            .setSnapshotKey(described.root().snapshotKey());
    if (!described.endpoint().equals(NetworkEndpoint.NONE)) {
      message.setEndpoint(NetworkWishMessages.write(described.endpoint()));
    }
    return message;
  }

  private static ContainerDescription read(TaskKey key, Container message) {
    List<String> line = new ArrayList<>();
    if (!message.getPath().isEmpty()) {
      line.add(message.getPath());
      line.addAll(message.getArgsList());
    }
    return new ContainerDescription(
        key,
        message.getName(),
        message.getImage(),
        message.getImageId(),
        message.getPlatform(),
        ConfigMessages.read(message.getConfig()),
        HostMessages.read(message.getHost()),
        NetworkWishMessages.read(message.getNetwork()),
        Timestamps.instant(message.getCreatedAt()),
        line,
        NetworkWishMessages.read(message.getEndpoint()),
        new ContainerPaths(
            message.getLogPath(),
            message.getHostsPath(),
            message.getHostnamePath(),
            message.getResolvConfPath(),
            message.getTaskFolder()),
        new RootFilesystem(message.getSnapshotter(), message.getSnapshotKey(), ""));
  }
}
