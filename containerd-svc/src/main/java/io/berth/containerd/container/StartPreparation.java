package io.berth.containerd.container;

import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.client.NetworkCalls;
import io.berth.containerd.client.PeerService;
import io.berth.containerd.log.LogDrivers;
import io.berth.containerd.metadata.ContainerRecord;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.NamespaceModes;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.spec.ExposedPorts;
import io.berth.containerd.task.TaskPreparer;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Prepares what a container needs before its task can be made: its place on a network, its files,
 * and links to namespaces. Every step can be repeated, and every client's way to a task leads here.
 */
@Singleton
final class StartPreparation implements TaskPreparer {
  private static final Logger LOG = System.getLogger(StartPreparation.class.getName());

  private final Surroundings surroundings;
  private final NamedContainers containers;
  private final Tasks tasks;
  private final LinkedHosts linked;
  private final MountedVolumes volumes;

  @Inject
  StartPreparation(
      Surroundings surroundings,
      NamedContainers containers,
      Tasks tasks,
      LinkedHosts linked,
      MountedVolumes volumes) {
    this.linked = linked;
    this.volumes = volumes;
    this.surroundings = surroundings;
    this.containers = containers;
    this.tasks = tasks;
  }

  /**
   * Makes the host ready, once: what containers name of it, as a profile, is there from then on,
   * and what was mounted for containers that have ended meanwhile is not.
   */
  void readyHost() {
    var _ = surroundings.hostFacts();
    volumes.resume();
    Thread.ofVirtual().name("begin-life").start(this::beginLife);
  }

  /** What an earlier life of this service prepared and did not record is given up. */
  private void beginLife() {
    ImageCalls images = surroundings.images();
    try {
      while (true) {
        images.service().await(_ -> {});
        try {
          images.begin();
          return;
        } catch (BerthException.Absent e) {
          LOG.log(Level.DEBUG, "{0}", e.getMessage());
        }
      }
    } catch (BerthException e) {
      // It is of an older build, or ends with this service.
      LOG.log(Level.DEBUG, "give up what was not recorded: {0}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public @Nullable Prepared prepare(TaskKey key, ContainerRecord record) {
    NamedContainer container = containers.find(key);
    if (container == null) {
      return null;
    }
    ContainerDescription described = container.described();
    HostSettings host = described.host();
    volumes.mount(container);
    Map<String, Path> links = new HashMap<>();
    NetworkCalls.Attached place = place(container);
    NetworkEndpoint endpoint = place.endpoint();
    surroundings.chronicle().connected(container, endpoint);
    String sharedWith = described.network().sharedWith();
    if (sharedWith != null) {
      links.put(TaskFolder.NETWORK_NAMESPACE, namespaceOf(key, sharedWith, "net"));
    } else if (container.hasEndpoint()) {
      links.put(TaskFolder.NETWORK_NAMESPACE, Path.of(endpoint.netns()));
    }
    String pidOf = NamespaceModes.containerOf(host.namespaces().pid());
    if (pidOf != null) {
      links.put(TaskFolder.PID_NAMESPACE, namespaceOf(key, pidOf, "pid"));
    }
    String ipcOf = NamespaceModes.containerOf(host.namespaces().ipc());
    if (ipcOf != null) {
      links.put(TaskFolder.IPC_NAMESPACE, namespaceOf(key, ipcOf, "ipc"));
    }
    ContainerFiles files = surroundings.files(key);
    if (host.namespaces().isIpcShareable()) {
      files.make();
      files.mountSharedMemory(host.storage().sharedMemory());
    }
    if (sharedWith != null) {
      NamedContainer other = containers.resolve(key.namespace(), sharedWith);
      files.copy(surroundings.files(other.key()), hostname(described));
    } else {
      files.write(
          hostname(described),
          described.config().domainname(),
          host.names().withMoreHosts(links(key, described.network(), endpoint)),
          endpoint,
          place.nameservers(),
          described.network().isHost());
    }
    if (!endpoint.equals(described.endpoint())) {
      var _ = containers.describe(key, old -> old.withEndpoint(endpoint));
      linked.follow(container, endpoint.address());
    }
    return new Prepared(links, logTarget(key, host), container.isEphemeral());
  }

  private NetworkCalls.Attached place(NamedContainer container) {
    if (!container.hasEndpoint()) {
      NetworkEndpoint own = container.described().endpoint();
      return new NetworkCalls.Attached(
          own.equals(NetworkEndpoint.ALONE) ? own : NetworkEndpoint.NONE, List.of());
    }
    ContainerDescription described = container.described();
    NetworkWish network = described.network();
    NetworkWish wish =
        network.withPorts(
            network.isNone() ? List.of() : ExposedPorts.published(described.config(), network));
    return surroundings
        .networks()
        .attach(
            new NetworkCalls.Candidate(
                container.key(), container.name(), wish, container.isEphemeral()));
  }

  // The other containers of a link are lines of the hosts file, because their addresses are known
  // only now, when they run.
  private List<String> links(TaskKey key, NetworkWish network, NetworkEndpoint own) {
    List<String> lines = new ArrayList<>();
    for (String link : network.links()) {
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
      NetworkEndpoint theirs = other.described().endpoint();
      if (theirs.address().isEmpty() || !theirs.network().equals(own.network())) {
        throw new BerthException.FailedPrecondition(
            "link `" + other.name() + ":" + alias + "`: that container is on another network");
      }
      lines.add(alias + ":" + theirs.address());
      if (!alias.equals(other.name())) {
        lines.add(other.name() + ":" + theirs.address());
      }
    }
    return lines;
  }

  private String hostname(ContainerDescription described) {
    String own = described.config().hostname();
    boolean hosts =
        described.network().isHost() || described.host().namespaces().uts().equals("host");
    return !own.isEmpty()
        ? own
        : hosts ? surroundings.hostFacts().hostname() : ContainerId.shortened(described.key().id());
  }

  private String logTarget(TaskKey key, HostSettings host) {
    Config config = surroundings.config();
    return LogDrivers.target(
        host.log(),
        surroundings.files(key).log(),
        config.number(Key.CONTAINERD_LOG_MAX_SIZE),
        config.number(Key.CONTAINERD_LOG_MAX_FILES));
  }

  // The namespace that another container's first process is in at this moment.
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

  /** The services that {@link #giveBack} asks. */
  List<PeerService> neededToGiveBack(NamedContainer container) {
    List<PeerService> needs = new ArrayList<>();
    if (container.hasEndpoint()) {
      needs.add(surroundings.networks().service());
    }
    if (volumes.uses(container)) {
      needs.add(surroundings.images().service());
    }
    return needs;
  }

  /**
   * Gives back the address and the ports of a container that does not run any more, and what was
   * mounted for it.
   */
  void giveBack(NamedContainer container) {
    if (container.described().host().namespaces().isIpcShareable()) {
      surroundings.files(container.key()).unmountSharedMemory();
    }
    if (container.hasEndpoint()) {
      surroundings.networks().detach(container.key());
    }
    volumes.release(container);
    surroundings.chronicle().released(container);
  }
}
