package io.berth.containerd.container;

import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.Endpoint;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.spec.ExposedPorts;
import io.berth.containerd.task.TaskPreparer;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a container of ours needs before its task can be made: its endpoint, its files, links to
 * namespaces. Idempotent; whoever asks for the task takes this way.
 */
@Singleton
final class StartPreparation implements TaskPreparer {
  private static final String OTHERS = "container:";
  private static final String SHAREABLE = "shareable";

  private final Surroundings surroundings;
  private final NamedContainers containers;
  private final Tasks tasks;

  @Inject
  StartPreparation(Surroundings surroundings, NamedContainers containers, Tasks tasks) {
    this.surroundings = surroundings;
    this.containers = containers;
    this.tasks = tasks;
  }

  @Override
  public @Nullable Prepared prepare(TaskKey key, ContainerRecord record) {
    NamedContainer container = containers.find(key);
    if (container == null) {
      return null;
    }
    Container described = container.described();
    HostConfig host = described.getHost();
    Map<String, Path> links = new HashMap<>();
    Endpoint endpoint = Endpoint.getDefaultInstance();
    List<String> nameservers = List.of();
    String mode = described.getNetwork().getMode();
    if (mode.startsWith(OTHERS)) {
      links.put(
          TaskFolder.NETWORK_NAMESPACE, namespaceOf(key, mode.substring(OTHERS.length()), "net"));
    } else if (!mode.equals("host")) {
      io.berth.api.berth.network.v1.Endpoint attached =
          surroundings.networks().attach(key.namespace(), attachment(container));
      endpoint = endpoint(attached);
      nameservers = attached.getNameserversList();
      links.put(TaskFolder.NETWORK_NAMESPACE, Path.of(attached.getNetns()));
    }
    if (host.getPidMode().startsWith(OTHERS)) {
      links.put(
          TaskFolder.PID_NAMESPACE,
          namespaceOf(key, host.getPidMode().substring(OTHERS.length()), "pid"));
    }
    if (host.getIpcMode().startsWith(OTHERS)) {
      links.put(
          TaskFolder.IPC_NAMESPACE,
          namespaceOf(key, host.getIpcMode().substring(OTHERS.length()), "ipc"));
    }
    ContainerFiles files = surroundings.files(key);
    if (host.getIpcMode().equals(SHAREABLE)) {
      files.make();
      files.mountSharedMemory(host.getShmSize());
    }
    if (mode.startsWith(OTHERS)) {
      NamedContainer other = containers.resolve(key.namespace(), mode.substring(OTHERS.length()));
      files.copy(surroundings.files(other.key()), hostname(described, mode));
    } else {
      files.write(
          described.getConfig(),
          host.toBuilder().addAllExtraHosts(links(key, described.getNetwork(), endpoint)).build(),
          hostname(described, mode),
          endpoint,
          nameservers,
          mode.equals("host"));
    }
    if (!endpoint.equals(described.getEndpoint())) {
      Endpoint now = endpoint;
      var _ = containers.describe(key, old -> old.toBuilder().setEndpoint(now).build());
    }
    return new Prepared(links, logUri(key, host), container.isEphemeral());
  }

  // Row MB-73: as a line of the hosts file, of an address that is known now.
  private List<String> links(TaskKey key, NetworkConfig network, Endpoint own) {
    List<String> lines = new ArrayList<>();
    for (String link : network.getLinksList()) {
      int colon = link.indexOf(':');
      String alias = link.substring(colon + 1);
      NamedContainer other =
          containers.find(new TaskKey(key.namespace(), link.substring(0, colon)));
      Tasks.Glance glance = other == null ? null : tasks.glance(other.key());
      if (other == null || glance == null || !glance.running()) {
        throw new BerthException.FailedPrecondition(
                "link `"
                    + (other == null ? link : other.name() + ":" + alias)
                    + "`: that container does not run; start it first")
            .with(
                Obstacle.of(
                    Obstacle.Reason.CONTAINER_NOT_RUNNING,
                    Obstacle.Kind.CONTAINER,
                    link.substring(0, colon)));
      }
      Endpoint theirs = other.described().getEndpoint();
      if (theirs.getAddress().isEmpty() || !theirs.getNetwork().equals(own.getNetwork())) {
        throw new BerthException.FailedPrecondition(
            "link `" + other.name() + ":" + alias + "`: that container is on another network");
      }
      lines.add(alias + ":" + theirs.getAddress());
      if (!alias.equals(other.name())) {
        lines.add(other.name() + ":" + theirs.getAddress());
      }
    }
    return lines;
  }

  private String hostname(Container described, String mode) {
    String own = described.getConfig().getHostname();
    boolean hosts = mode.equals("host") || described.getHost().getUtsMode().equals("host");
    return !own.isEmpty()
        ? own
        : hosts ? surroundings.hostFacts().hostname() : ContainerId.shortened(described.getId());
  }

  private String logUri(TaskKey key, HostConfig host) {
    if (host.getLogDriver().equals("none")) {
      // Whoever attaches gets what comes from then on.
      return "file:///dev/null";
    }
    Config config = surroundings.config();
    return ContainerFiles.logUri(
        surroundings.files(key).log(),
        host.getLogMaxSize() > 0
            ? host.getLogMaxSize()
            : config.number(Key.CONTAINERD_LOG_MAX_SIZE),
        host.getLogMaxFiles() > 0
            ? host.getLogMaxFiles()
            : config.number(Key.CONTAINERD_LOG_MAX_FILES));
  }

  // A namespace that another container's init is in, now.
  private Path namespaceOf(TaskKey key, String ref, String type) {
    NamedContainer other = containers.resolve(key.namespace(), ref);
    Tasks.Glance glance = tasks.glance(other.key());
    if (glance == null || !glance.running()) {
      throw new BerthException.FailedPrecondition(
              "join the "
                  + type
                  + " namespace of container `"
                  + ref
                  + "`: it is not running; start it first")
          .with(
              Obstacle.of(
                  Obstacle.Reason.CONTAINER_NOT_RUNNING, Obstacle.Kind.CONTAINER, other.name()));
    }
    return Path.of("/proc", Integer.toString(glance.pid()), "ns", type);
  }

  private static AttachRequest attachment(NamedContainer container) {
    NetworkConfig network = container.described().getNetwork();
    return AttachRequest.newBuilder()
        .setContainer(container.key().id())
        .setNetwork(network.getMode())
        .addAllPorts(ExposedPorts.published(container.described().getConfig(), network))
        .setAddress(network.getAddress())
        .setMac(network.getMac())
        .addAllAliases(network.getAliasesList())
        .setName(container.name())
        .setEphemeral(container.isEphemeral())
        .build();
  }

  private static Endpoint endpoint(io.berth.api.berth.network.v1.Endpoint attached) {
    return Endpoint.newBuilder()
        .setNetwork(attached.getNetwork())
        .setAddress(attached.getAddress())
        .setPrefixLength(attached.getPrefixLength())
        .setGateway(attached.getGateway())
        .setMac(attached.getMac())
        .setNetns(attached.getNetns())
        .addAllPorts(attached.getPortsList())
        .build();
  }

  /** The container does not run any more: its address and ports are free. */
  void giveBack(NamedContainer container) {
    if (container.described().getHost().getIpcMode().equals(SHAREABLE)) {
      surroundings.files(container.key()).unmountSharedMemory();
    }
    if (container.hasEndpoint()) {
      surroundings.networks().detach(container.key().namespace(), container.key().id());
    }
  }
}
