package io.berth.image.snapshot;

import io.berth.base.error.BerthException;
import io.berth.image.disk.ImagePaths;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.KernelFeature;
import io.berth.linux.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Layers stacked by overlayfs (Linux, filesystems/overlayfs.rst): a folder for each layer, of which
 * the kernel shows the sum.
 *
 * <p>What would make a walk over the upper folder tell less than the truth (index, redirect_dir,
 * metacopy) is switched off by explicit options, whatever the kernel's defaults are.
 */
final class OverlaySnapshotter implements Snapshotter {
  static final String NAME = "overlayfs";

  /** The most layers that the kernel stacks (OVL_MAX_STACK in fs/overlayfs/params.h). */
  static final int MAX_LAYERS = 500;

  /** Where the kernel names the options that it knows. */
  private static final Path PARAMETERS = Path.of("/sys/module/overlay/parameters");

  private final ImagePaths paths;
  private final SnapshotFolders folders;
  private final List<String> extras;

  OverlaySnapshotter(ImagePaths paths, SnapshotFolders folders) {
    this.paths = paths;
    this.folders = folders;
    List<String> known = new ArrayList<>();
    for (String option : List.of("index", "redirect_dir", "metacopy")) {
      if (Files.exists(PARAMETERS.resolve(option))) {
        known.add(option + "=off");
      }
    }
    this.extras = List.copyOf(known);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean isLayered() {
    return true;
  }

  @Override
  public void make(long id, List<Long> parents, SnapshotInfo.Kind kind) throws IOException {
    if (parents.size() >= MAX_LAYERS) {
      throw new BerthException.FailedPrecondition(
          "prepare snapshot on "
              + parents.size()
              + " layers: overlayfs stacks at most "
              + MAX_LAYERS
              + "; squash the image, or use the native snapshotter");
    }
    folders.make(id);
    folders.makeFiles(id);
    if (kind == SnapshotInfo.Kind.ACTIVE) {
      folders.makeWork(id);
    }
    if (!parents.isEmpty()) {
      // The root directory's own attributes come from the topmost layer, which is this one.
      copyRoot(paths.files(parents.getFirst()), paths.files(id));
    }
  }

  private static void copyRoot(Path from, Path to) throws IOException {
    FileStatus status = FileStatus.of(from);
    try (Fd fd = Fd.open(to, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      if (status.uid() != 0 || status.gid() != 0) {
        fd.changeOwner(status.uid(), status.gid());
      }
      fd.changeMode(status.permissions());
      fd.setTimes(status.modified(), status.modified());
    }
  }

  @Override
  public MountSpec mount(long id, List<Long> parents, SnapshotInfo.Kind kind, boolean fleeting) {
    boolean view = kind == SnapshotInfo.Kind.VIEW;
    if (parents.isEmpty()) {
      return new MountSpec(
          "bind", paths.files(id).toString(), List.of(view ? "ro" : "rw", "rbind"));
    }
    if (view && parents.size() == 1) {
      return new MountSpec(
          "bind", paths.files(parents.getFirst()).toString(), List.of("ro", "rbind"));
    }
    List<String> options = new ArrayList<>();
    if (!view) {
      options.add("workdir=" + paths.work(id));
      options.add("upperdir=" + paths.files(id));
    }
    options.add(
        "lowerdir="
            + parents.stream()
                .map(parent -> paths.files(parent).toString())
                .collect(Collectors.joining(":")));
    options.addAll(extras);
    if (fleeting && !view && KernelFeature.OVERLAY_VOLATILE.inUse()) {
      options.add("volatile");
    }
    return new MountSpec("overlay", "overlay", options);
  }
}
