package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.task.Tasks;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Keeps the hosts files of running containers right when a container that they link to gets another
 * address at its next start.
 */
@Singleton
final class LinkedHosts {
  private final Surroundings surroundings;
  private final NamedContainers containers;
  private final Tasks tasks;

  @Inject
  LinkedHosts(Surroundings surroundings, NamedContainers containers, Tasks tasks) {
    this.surroundings = surroundings;
    this.containers = containers;
    this.tasks = tasks;
  }

  /** Writes the address of a container that starts into the files of those that link to it. */
  void follow(NamedContainer started, String address) {
    if (address.isEmpty()) {
      return;
    }
    List<NamedContainer> all = containers.list(started.key().namespace());
    for (NamedContainer other : all) {
      Set<String> names = names(other.described().network(), started);
      if (!names.isEmpty() && isRunning(other)) {
        ContainerFiles files = surroundings.files(other.key());
        String text = withAddress(files.hostsText(), names, address);
        files.writeHosts(text);
        // Who shares its network has a copy of the file.
        for (NamedContainer sharer : all) {
          String with = sharer.described().network().sharedWith();
          if (with != null
              && (with.equals(other.key().id()) || with.equals(other.name()))
              && isRunning(sharer)) {
            surroundings.files(sharer.key()).writeHosts(text);
          }
        }
      }
    }
  }

  private boolean isRunning(NamedContainer container) {
    Tasks.Glance glance = tasks.glance(container.key());
    return glance != null && glance.running();
  }

  /** Under which names a container finds another one by a link; none if it has no link to it. */
  private static Set<String> names(NetworkWish network, NamedContainer linked) {
    Set<String> names = new HashSet<>();
    TaskKey key = linked.key();
    for (String link : network.links()) {
      int colon = link.indexOf(':');
      if (link.substring(0, Math.max(colon, 0)).equals(key.id())) {
        names.add(link.substring(colon + 1));
        names.add(linked.name());
      }
    }
    return names;
  }

  /** The same lines, but those of the names with another address (hosts(5)). */
  static String withAddress(String hosts, Set<String> names, String address) {
    List<String> lines = new ArrayList<>();
    for (String line : hosts.lines().toList()) {
      int tab = line.indexOf('\t');
      boolean theirs = tab > 0 && names.contains(line.substring(tab + 1));
      lines.add(theirs ? address + line.substring(tab) : line);
    }
    return lines.isEmpty() ? "" : String.join("\n", lines) + "\n";
  }
}
