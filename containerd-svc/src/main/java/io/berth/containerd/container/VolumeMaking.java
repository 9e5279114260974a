package io.berth.containerd.container;

import io.berth.base.error.BerthException;
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
import java.util.stream.Collectors;

/**
 * Finds or makes the volumes of one new container, and can take back those that it made. For one
 * thread.
 */
final class VolumeMaking {
  private final ImageCalls images;
  private final String namespace;
  private final Map<String, Path> folders = new LinkedHashMap<>();
  private final List<String> anonymous = new ArrayList<>();

  VolumeMaking(ImageCalls images, String namespace) {
    this.images = images;
    this.namespace = namespace;
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
      ImageCalls.Volume volume =
          withoutCopy.contains(wanted.target())
              ? images.volume(namespace, wanted.name())
              : images.volume(namespace, wanted.name(), root, wanted.target());
      if (wanted.name().isEmpty()) {
        anonymous.add(volume.name());
      }
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

  /** Removes the volumes that nobody named, after a failure to which further ones are added. */
  void takeBack(RuntimeException cause) {
    for (String volume : anonymous) {
      try {
        images.removeVolume(namespace, volume);
      } catch (BerthException e) {
        cause.addSuppressed(e);
      }
    }
  }
}
