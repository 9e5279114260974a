package io.berth.containerd.settings;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an image says about the containers that are made from it (OCI image specification,
 * config.md); laid under a person's {@link ContainerConfig}.
 *
 * @param id digest of the image's configuration, {@code sha256:...}; empty without an image
 * @param platform {@code linux/amd64} and the like; empty without an image
 * @param command entrypoint and arguments
 * @param environment entries {@code NAME=VALUE}
 * @param user {@code USER} or {@code USER:GROUP}
 * @param workingDirectory an absolute path inside, or empty
 * @param stopSignal by name or number, or empty
 * @param labels in the image's order
 * @param exposedPorts as in {@link ContainerConfig}
 * @param volumes paths inside that are to lie on volumes
 * @param health null where the image has no check
 */
public record ImageSettings(
    String id,
    String platform,
    Command command,
    List<String> environment,
    String user,
    String workingDirectory,
    String stopSignal,
    Map<String, String> labels,
    List<String> exposedPorts,
    List<String> volumes,
    @Nullable HealthSettings health) {
  /** A root file system that came from no image. */
  public static final ImageSettings NONE =
      new ImageSettings(
          "", "", Command.NONE, List.of(), "", "", "", Map.of(), List.of(), List.of(), null);

  public ImageSettings {
    environment = List.copyOf(environment);
    labels = Ordered.copy(labels);
    exposedPorts = List.copyOf(exposedPorts);
    volumes = List.copyOf(volumes);
  }
}
