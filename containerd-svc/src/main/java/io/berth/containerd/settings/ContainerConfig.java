package io.berth.containerd.settings;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What runs in a container, as a person asks for it; after {@code ConfigMerge} with the gaps filled
 * by the image. Empty texts and lists mean that nothing was said.
 *
 * @param hostname the container's own host name
 * @param domainname what follows the host name in {@code /etc/hosts}
 * @param user {@code USER} or {@code USER:GROUP}, names or numbers of the root file system
 * @param streams how the first process is connected
 * @param environment entries {@code NAME=VALUE}, or {@code NAME} to take one away
 * @param command what is run
 * @param workingDirectory an absolute path inside
 * @param labels words that clients attach, in the order in which they were given
 * @param stop how it is asked to end
 * @param exposedPorts {@code 80}, {@code 53/udp} or {@code 8000-8009/tcp}
 * @param image the reference that the person typed
 * @param health null where neither the person nor the image has a check
 */
public record ContainerConfig(
    String hostname,
    String domainname,
    String user,
    StreamSettings streams,
    List<String> environment,
    Command command,
    String workingDirectory,
    Map<String, String> labels,
    StopSettings stop,
    List<String> exposedPorts,
    String image,
    @Nullable HealthSettings health) {
  /** Nothing was said at all. */
  public static final ContainerConfig NONE =
      new ContainerConfig(
          "",
          "",
          "",
          StreamSettings.PIPES,
          List.of(),
          Command.NONE,
          "",
          Map.of(),
          StopSettings.NONE,
          List.of(),
          "",
          null);

  public ContainerConfig {
    environment = List.copyOf(environment);
    labels = Ordered.copy(labels);
    exposedPorts = List.copyOf(exposedPorts);
  }

  /** The same with another host name. */
  public ContainerConfig withHostname(String changed) {
    return new ContainerConfig(
        changed,
        domainname,
        user,
        streams,
        environment,
        command,
        workingDirectory,
        labels,
        stop,
        exposedPorts,
        image,
        health);
  }
}
