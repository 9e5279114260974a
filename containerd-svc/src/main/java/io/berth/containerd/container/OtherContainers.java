package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.ContainerConfig;
import io.berth.containerd.settings.HostSettings;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.settings.NamespaceModes;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.StorageSettings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a new container takes over from others: their names on a network, their namespaces, their
 * volumes. A reference is resolved once, when the container is made, so that it goes on to mean the
 * same container when that is renamed.
 */
@Singleton
final class OtherContainers {
  private final NamedContainers containers;
  private final Surroundings surroundings;

  @Inject
  OtherContainers(NamedContainers containers, Surroundings surroundings) {
    this.containers = containers;
    this.surroundings = surroundings;
  }

  /**
   * With another container's network comes that container's name, because both have one address.
   */
  ContainerConfig named(
      String namespace, HostSettings host, NetworkWish network, ContainerConfig config) {
    String ref = network.sharedWith();
    if (ref == null || host.namespaces().uts().equals("host")) {
      return config;
    }
    NamedContainer other = containers.resolve(namespace, ref);
    String own = other.described().config().hostname();
    return config.withHostname(own.isEmpty() ? ContainerId.shortened(other.key().id()) : own);
  }

  /** Links with ids in the place of references. */
  NetworkWish linked(String namespace, NetworkWish network) {
    List<String> links = new ArrayList<>();
    for (String link : network.links()) {
      int colon = link.indexOf(':');
      String ref = colon < 0 ? link : link.substring(0, colon);
      NamedContainer other = containers.resolve(namespace, ref);
      String alias = colon < 0 ? other.name() : link.substring(colon + 1);
      if (!alias.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
        throw new BerthException.InvalidArgument(
            "link `" + link + "`: its alias cannot be a host name; write NAME:ALIAS");
      }
      if (!other.described().network().mode().equals(network.mode())) {
        throw new BerthException.InvalidArgument(
            "link `" + link + "`: container `" + ref + "` is on another network");
      }
      links.add(other.key().id() + ":" + alias);
    }
    return network.withLinks(links);
  }

  /** An ipc mode with an id in the place of a reference. */
  HostSettings joining(String namespace, HostSettings host) {
    NamespaceModes modes = host.namespaces();
    String ref = NamespaceModes.containerOf(modes.ipc());
    if (ref == null) {
      return host;
    }
    NamedContainer other = containers.resolve(namespace, ref);
    if (!other.described().host().namespaces().isIpcShareable()) {
      throw new BerthException.FailedPrecondition(
          "ipc mode `"
              + modes.ipc()
              + "`: container `"
              + ref
              + "` does not share its own; make that one with ipc mode shareable");
    }
    return host.withNamespaces(modes.withIpc(NamespaceModes.ofContainer(other.key().id())));
  }

  /** The folder of shared memory that more than one container has; null where it is private. */
  @Nullable Path sharedMemory(TaskKey key, HostSettings host) {
    if (host.namespaces().isIpcShareable()) {
      return surroundings.files(key).sharedMemory();
    }
    String other = NamespaceModes.containerOf(host.namespaces().ipc());
    return other == null
        ? null
        : surroundings.files(new TaskKey(key.namespace(), other)).sharedMemory();
  }

  /**
   * Storage with the binds and volumes of the containers that it names. Where a person mounts
   * something else at the same place, nothing is taken over.
   */
  StorageSettings withMountsOfOthers(String namespace, StorageSettings storage) {
    Map<String, Mount> taken = new LinkedHashMap<>();
    for (String wish : storage.volumesFrom()) {
      int colon = wish.lastIndexOf(':');
      String mode = colon < 0 ? "rw" : wish.substring(colon + 1);
      if (!mode.equals("rw") && !mode.equals("ro")) {
        throw new BerthException.InvalidArgument(
            "volumes from `" + wish + "`: write CONTAINER, CONTAINER:ro or CONTAINER:rw");
      }
      String ref = colon < 0 ? wish : wish.substring(0, colon);
      NamedContainer other = containers.resolve(namespace, ref);
      for (Mount mount : other.described().host().storage().mounts()) {
        if (!mount.type().equals(Mount.TMPFS)) {
          boolean readOnly = mount.readOnly() || mode.equals("ro");
          taken.put(mount.target(), mount.withReadOnly(readOnly));
        }
      }
    }
    storage.mounts().forEach(own -> taken.remove(own.target()));
    List<Mount> all = new ArrayList<>(storage.mounts());
    all.addAll(taken.values());
    return storage.withMounts(all);
  }
}
