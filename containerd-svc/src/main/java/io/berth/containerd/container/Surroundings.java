package io.berth.containerd.container;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootFolders;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.TaskFolder;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.client.NetworkCalls;
import io.berth.containerd.client.PeerService;
import io.berth.containerd.spec.HostFacts;
import io.berth.linux.Overlays;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What lies around containers: the services beside this one, the host, the instance's folders, and
 * whom to tell what happens. Thread-safe.
 */
@Singleton
public final class Surroundings {
  private final Config config;
  private final ImageCalls images;
  private final NetworkCalls networks;
  private final Overlays overlays;
  private final ContainerChronicle chronicle;

  @GuardedBy("this")
  private @Nullable HostFacts facts;

  @Inject
  Surroundings(
      Config config, ImageCalls images, NetworkCalls networks, ContainerChronicle chronicle) {
    this.chronicle = chronicle;
    this.config = config;
    this.overlays = config.overlays();
    this.images = images;
    this.networks = networks;
  }

  /** Whom to tell what happens to containers. */
  ContainerChronicle chronicle() {
    return chronicle;
  }

  Config config() {
    return config;
  }

  ImageCalls images() {
    return images;
  }

  NetworkCalls networks() {
    return networks;
  }

  /** The services that are asked when the container starts, or is removed. */
  List<PeerService> needsOf(NamedContainer container) {
    List<PeerService> result = new ArrayList<>();
    if (container.described().root().isSnapshot()) {
      result.add(images.service());
    }
    if (container.hasEndpoint()) {
      result.add(networks.service());
    }
    return result;
  }

  /** How this instance mounts overlays. */
  Overlays overlays() {
    return overlays;
  }

  /** What specifications must know of the host, which is looked at once. */
  synchronized HostFacts hostFacts() {
    HostFacts known = facts;
    if (known == null) {
      known = HostProbe.look(config);
      facts = known;
    }
    return known;
  }

  ContainerFiles files(TaskKey key) {
    return new ContainerFiles(new RootFolders(config.root()), key);
  }

  TaskFolder taskFolder(TaskKey key) {
    return new StateFolders(config.state()).task(key);
  }
}
