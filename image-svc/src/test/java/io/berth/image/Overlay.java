package io.berth.image;

import io.berth.api.containerd.types.Mount;
import io.berth.linux.Fd;
import io.berth.linux.Mounts;
import java.io.IOException;
import java.nio.file.Path;

/** A mount for the time of a test, made as clients make it. */
final class Overlay implements AutoCloseable {
  private final Path target;

  private Overlay(Path target) {
    this.target = target;
  }

  static Overlay mount(Mount mount, Path target) throws IOException {
    if (mount.getType().equals("overlay")) {
      Mounts.mount("overlay", target, "overlay", 0, String.join(",", mount.getOptionsList()));
    } else {
      try (Fd tree = Mounts.cloneTree(Path.of(mount.getSource()), true)) {
        Mounts.attach(tree, target);
      }
    }
    return new Overlay(target);
  }

  @Override
  public void close() throws IOException {
    Mounts.unmount(target, 0);
  }
}
