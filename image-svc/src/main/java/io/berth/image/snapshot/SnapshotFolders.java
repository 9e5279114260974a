package io.berth.image.snapshot;

import io.berth.image.disk.ImagePaths;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import java.nio.file.Path;

/** Makes the folder of a snapshot, {@code ROOT/s/N}, and those in it, whatever the umask is. */
final class SnapshotFolders {
  /** Users of user namespaces have to get through, but need not see what is there. */
  private static final int TRAVERSABLE = 0711;

  private static final int READABLE = 0755;

  private final ImagePaths paths;

  SnapshotFolders(ImagePaths paths) {
    this.paths = paths;
  }

  /** Makes the snapshot's folder, without a folder for its files. */
  void make(long id) throws SyscallException {
    make(paths.snapshots(), Long.toString(id), TRAVERSABLE);
  }

  /** Makes the folder of the snapshot's files in its folder. */
  void makeFiles(long id) throws SyscallException {
    make(paths.snapshot(id), paths.files(id).getFileName().toString(), READABLE);
  }

  /** Makes the folder in the snapshot's folder that overlayfs works in. */
  void makeWork(long id) throws SyscallException {
    make(paths.snapshot(id), paths.work(id).getFileName().toString(), TRAVERSABLE);
  }

  private static void make(Path folder, String name, int mode) throws SyscallException {
    try (RootedFiles parent = RootedFiles.open(folder, RootedFiles.Confinement.BENEATH)) {
      parent.makeDirectory(name, mode);
      // The umask cut the mode at creation.
      parent.changeMode(name, mode);
    }
  }
}
