package io.berth.containerd.container;

import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.settings.ImageSettings;
import io.berth.containerd.settings.Mount;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.settings.StorageSettings;
import io.berth.containerd.spec.MountTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Finds or makes the volumes of one new container. For one thread. */
final class VolumeMaking {
  private final ImageCalls images;
  private final String namespace;
  private final CreationUndo undo;
  private final Supplier<String> names;
  private final Map<String, Path> folders = new LinkedHashMap<>();

  /** Volumes that nobody named are noted to be given back, and called by the names given here. */
  VolumeMaking(ImageCalls images, String namespace, CreationUndo undo, Supplier<String> names) {
    this.images = images;
    this.namespace = namespace;
    this.undo = undo;
    this.names = names;
  }

  /** The volumes' folders on the host, by the paths inside. */
  Map<String, Path> folders() {
    return folders;
  }

  /**
   * Storage in which every volume has its name, so that the same volume is used at each start and
   * is shown to people.
   */
  StorageSettings make(StorageSettings storage, ImageSettings image, RootFilesystem root) {
    Map<String, String> nameByTarget = new LinkedHashMap<>();
    Set<String> withoutCopy =
        storage.mounts().stream()
            .filter(mount -> mount.options().contains("nocopy"))
            .map(mount -> Path.of(mount.target()).normalize().toString())
            .collect(Collectors.toSet());
    for (MountTable.Volume wanted : MountTable.volumesOf(storage, image)) {
      boolean named = !wanted.name().isEmpty();
      String name = named ? wanted.name() : names.get();
      if (!named) {
        undo.volume(name);
      }
      ImageCalls.Volume volume =
          withoutCopy.contains(wanted.target())
              ? images.volume(namespace, name, named)
              : images.volume(namespace, name, named, root, wanted.target());
      folders.put(wanted.target(), volume.folder());
      nameByTarget.put(wanted.target(), volume.name());
    }
    List<Mount> named = new ArrayList<>();
    for (Mount mount : storage.mounts()) {
      String name =
          mount.isVolume() && mount.source().isEmpty() ? nameByTarget.get(mount.target()) : null;
      named.add(name == null ? mount : mount.withSource(name));
      nameByTarget.remove(mount.target());
    }
    nameByTarget.forEach((target, name) -> named.add(Mount.volume(name, target)));
    return storage.withMounts(named);
  }
}
