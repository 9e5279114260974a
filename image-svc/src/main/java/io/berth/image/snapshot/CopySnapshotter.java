package io.berth.image.snapshot;

import io.berth.image.disk.ImagePaths;
import io.berth.image.tree.TreeCopy;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * Every snapshot holds all its files; a new one begins as a copy of its parent. For file systems
 * that overlayfs refuses.
 */
final class CopySnapshotter implements Snapshotter {
  static final String NAME = "native";

  private final ImagePaths paths;

  CopySnapshotter(ImagePaths paths) {
    this.paths = paths;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean isLayered() {
    return false;
  }

  @Override
  public void make(long id, List<Long> parents, SnapshotInfo.Kind kind, Map<String, String> labels)
      throws IOException {
    OverlaySnapshotter.create(paths.snapshot(id), "rwx--x--x");
    OverlaySnapshotter.create(paths.files(id), "rwxr-xr-x");
    if (kind == SnapshotInfo.Kind.ACTIVE && !parents.isEmpty()) {
      TreeCopy.copy(paths.files(parents.getFirst()), paths.files(id));
    }
  }

  @Override
  public MountSpec mount(long id, List<Long> parents, SnapshotInfo.Kind kind, boolean fleeting) {
    boolean view = kind == SnapshotInfo.Kind.VIEW;
    long source = view && !parents.isEmpty() ? parents.getFirst() : id;
    return new MountSpec(
        "bind", paths.files(source).toString(), List.of(view ? "ro" : "rw", "rbind"));
  }
}
