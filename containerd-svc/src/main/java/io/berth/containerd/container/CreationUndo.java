package io.berth.containerd.container;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.containerd.client.ImageCalls;
import io.berth.containerd.settings.RootFilesystem;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What image-svc makes for one new container, to be given back if there will be no such container.
 * Each thing is noted before it is asked for, because image-svc may make it and die before it says
 * so. For one thread.
 */
final class CreationUndo {
  private final TaskKey key;
  private final ImageCalls images;
  private final NamedContainers containers;
  private final BackgroundWork background;
  private final List<String> volumes = new ArrayList<>();
  private @Nullable RootFilesystem root;

  CreationUndo(
      TaskKey key, ImageCalls images, NamedContainers containers, BackgroundWork background) {
    this.key = key;
    this.images = images;
    this.containers = containers;
    this.background = background;
  }

  /** A root that image-svc prepares. */
  void root(RootFilesystem prepared) {
    root = prepared;
  }

  /** A volume that image-svc makes, and that nobody named. */
  void volume(String name) {
    volumes.add(name);
  }

  /**
   * Gives all of it back: now, or when image-svc is there again.
   *
   * @param cause why there is no container; what fails here is added to it
   */
  void run(RuntimeException cause) {
    if (root == null && volumes.isEmpty()) {
      return;
    }
    try {
      containers.runLocked(
          key,
          () ->
              background.nowOrLater(
                  BackgroundWork.Kind.RELEASE, key, List.of(images.service()), _ -> giveBack()));
    } catch (BerthException e) {
      cause.addSuppressed(e);
    }
  }

  private void giveBack() {
    for (String volume : volumes) {
      images.releaseVolume(key, volume);
    }
    RootFilesystem prepared = root;
    if (prepared != null) {
      images.remove(key.namespace(), prepared);
    }
  }
}
