package io.berth.image.snapshot;

import io.berth.image.disk.ImagePaths;
import io.berth.image.tree.TreeCopy;
import java.io.IOException;
import java.util.List;

/**
 * Every snapshot holds all its files; a new one begins as a copy of its parent. For file systems
 * that overlayfs refuses.
 */
final class CopySnapshotter implements Snapshotter {
  static final String NAME = "native";

  private final ImagePaths paths;
  private final SnapshotFolders folders;

  CopySnapshotter(ImagePaths paths, SnapshotFolders folders) {
    this.paths = paths;
    this.folders = folders;
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
  public void make(long id, List<Long> parents, SnapshotInfo.Kind kind) throws IOException {
    folders.make(id);
    folders.makeFiles(id);
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
