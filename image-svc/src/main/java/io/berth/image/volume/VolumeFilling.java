package io.berth.image.volume;

import io.berth.base.error.BerthException;
import io.berth.base.id.KeyedLocks;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.tree.MergedTree;
import io.berth.image.tree.TreeCopy;
import io.berth.linux.DirectoryEntry;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
import io.berth.linux.MountFlags;
import io.berth.linux.Mounts;
import io.berth.linux.Namespaces;
import io.berth.linux.OpenFlags;
import io.berth.linux.RootedFiles;
import io.berth.linux.SyscallException;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Puts into an empty volume what an image has at the path where the volume is mounted.
 *
 * <p>The copy is made beside the volume's folder, synced, renamed to say that it is whole, and only
 * then moved in, entry by entry, for the folder itself may be mounted already. What a crash leaves
 * before the renaming is thrown away, what it leaves after it is gone on with: a volume is never
 * taken for filled with a part. Thread-safe; for platform threads.
 */
@Singleton
public final class VolumeFilling {
  private static final String DATA = "_data";
  private static final String WHOLE = "_filling";
  private static final String PART = "_filling.";
  private static final String INSIDE = ".berth-filling";

  private final ImagePaths paths;
  private final TrashBin trash;
  private final VolumeStore volumes;
  private final AtomicLong next = new AtomicLong();
  private final Object moving = new Object();
  private final KeyedLocks<String> inside = new KeyedLocks<>();

  @Inject
  public VolumeFilling(ImagePaths paths, TrashBin trash, VolumeStore volumes) {
    this.volumes = volumes;
    this.paths = paths;
    this.trash = trash;
  }

  /** Ends what a crash interrupted. To be called before the first volume is filled. */
  public void start() throws IOException {
    volumes.start();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(paths.volumes())) {
      for (Path volume : folders) {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(volume, PART + "*")) {
          for (Path part : parts) {
            trash.take(part);
          }
        }
        if (Files.isDirectory(volume.resolve(WHOLE))) {
          moveIn(volume);
        }
      }
    }
  }

  /**
   * Fills a volume, unless there is something in it; answers whether it was filled.
   *
   * @param name of a volume that exists
   * @param folder a directory of the tree
   */
  public boolean fill(String name, MergedTree tree, MergedTree.Node folder) throws IOException {
    Path volume = paths.volumes().resolve(name);
    if (!isEmpty(volume.resolve(DATA))) {
      return false;
    }
    Path part = Files.createDirectory(volume.resolve(PART + next.incrementAndGet()));
    boolean whole = false;
    try {
      if (TreeCopy.copy(tree, folder, part) > 0) {
        // The volume may be all that is left when the image has gone.
        try (Fd copy = Fd.open(part, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
          copy.syncFileSystem();
        }
      }
      synchronized (moving) {
        if (!isEmpty(volume.resolve(DATA))) {
          return false;
        }
        Files.move(part, volume.resolve(WHOLE));
        whole = true;
        moveIn(volume);
      }
      return true;
    } finally {
      if (!whole) {
        trash.take(part);
      }
    }
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      return !entries.iterator().hasNext();
    }
  }

  /**
   * The same for a volume that is no folder of the instance: what it was made with is mounted for
   * the thread alone, so that a death on the way leaves no mount. The thread is a throw-away
   * platform thread.
   */
  public boolean fillMounted(VolumeStore.Volume volume, MergedTree tree, MergedTree.Node folder)
      throws IOException {
    Namespaces.unshare(Namespaces.CLONE_FS | Namespaces.Kind.MOUNT.flag());
    Mounts.mount(null, Path.of("/"), null, MountFlags.MS_REC | MountFlags.MS_SLAVE, null);
    var _ = volumes.mount(volume.name());
    try (KeyedLocks.Held _ = inside.take(volume.name())) {
      return fillInside(volume, tree, folder);
    }
  }

  // Containers that run may have the folder mounted, and put a link in the part's place: it is
  // only gone into by descriptors.
  private boolean fillInside(VolumeStore.Volume volume, MergedTree tree, MergedTree.Node folder)
      throws IOException {
    String part = DATA + "/" + INSIDE;
    Path own = paths.volumes().resolve(volume.name());
    try (RootedFiles files = RootedFiles.open(own, RootedFiles.Confinement.BENEATH)) {
      // What a death left of an attempt is no content.
      files.removeTree(part);
      if (!isEmpty(volume.path())) {
        return false;
      }
      try {
        files.makeDirectory(part, 0700);
      } catch (SyscallException e) {
        if (e.is(Errno.EROFS)) {
          return false;
        }
        throw e;
      }
      try {
        int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
        try (Fd opened = files.open(part, flags)) {
          var _ =
              TreeCopy.copy(tree, folder, RootedFiles.at(opened, RootedFiles.Confinement.BENEATH));
        }
        moveIn(files, part, DATA);
      } finally {
        files.removeTree(part);
      }
      return true;
    }
  }

  private void moveIn(Path volume) throws IOException {
    try (RootedFiles files = RootedFiles.open(volume, RootedFiles.Confinement.BENEATH)) {
      moveIn(files, WHOLE, DATA);
    }
    try (Fd folder = Fd.open(volume, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      folder.sync();
    }
    trash.take(volume.resolve(WHOLE));
  }

  private static void moveIn(RootedFiles files, String from, String to) throws SyscallException {
    for (DirectoryEntry entry : files.list(from)) {
      try {
        files.rename(
            from + "/" + entry.name(), to + "/" + entry.name(), OpenFlags.RENAME_NOREPLACE);
      } catch (SyscallException e) {
        if (!e.is(Errno.EEXIST)) {
          throw e;
        }
        // A container that has the volume mounted has made a file of that name meanwhile, which
        // stays.
      }
    }
    likeness(files, from, to);
  }

  private static void likeness(RootedFiles files, String from, String to) throws SyscallException {
    FileStatus status = files.status(from);
    files.changeOwner(to, status.uid(), status.gid());
    for (String name : files.attributes(from)) {
      byte[] value = files.attribute(from, name);
      if (value != null) {
        files.setAttribute(to, name, value);
      }
    }
    files.changeMode(to, status.permissions());
    files.setTimes(to, status.accessed(), status.modified());
  }

  /**
   * The directory that a volume is to be filled from; null when there is none.
   *
   * @throws BerthException INVALID_ARGUMENT for a file, over which no volume can be mounted
   */
  public static MergedTree.@Nullable Node folder(MergedTree tree, String path) throws IOException {
    MergedTree.Node node = tree.find(path, /* followLast= */ true);
    if (node != null && !node.status().isDirectory()) {
      throw new BerthException.InvalidArgument(
          "cannot mount volume over existing file, file exists `" + path + "`");
    }
    return node;
  }
}
