package io.berth.image.volume;

import io.berth.base.error.BerthException;
import io.berth.image.disk.ImagePaths;
import io.berth.image.disk.TrashBin;
import io.berth.image.tree.MergedTree;
import io.berth.image.tree.TreeCopy;
import io.berth.linux.DirectoryEntry;
import io.berth.linux.Errno;
import io.berth.linux.Fd;
import io.berth.linux.FileStatus;
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

  private final ImagePaths paths;
  private final TrashBin trash;
  private final AtomicLong next = new AtomicLong();
  private final Object moving = new Object();

  @Inject
  public VolumeFilling(ImagePaths paths, TrashBin trash) {
    this.paths = paths;
    this.trash = trash;
  }

  /** Ends what a crash interrupted. To be called before the first volume is filled. */
  public void start() throws IOException {
    try (DirectoryStream<Path> volumes = Files.newDirectoryStream(paths.volumes())) {
      for (Path volume : volumes) {
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

  private void moveIn(Path volume) throws IOException {
    try (RootedFiles files = RootedFiles.open(volume, RootedFiles.Confinement.BENEATH)) {
      for (DirectoryEntry entry : files.list(WHOLE)) {
        try {
          files.rename(
              WHOLE + "/" + entry.name(), DATA + "/" + entry.name(), OpenFlags.RENAME_NOREPLACE);
        } catch (SyscallException e) {
          if (!e.is(Errno.EEXIST)) {
            throw e;
          }
          // A container that has the volume mounted has made a file of that name meanwhile, which
          // stays.
        }
      }
      likeness(files);
    }
    try (Fd folder = Fd.open(volume, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      folder.sync();
    }
    trash.take(volume.resolve(WHOLE));
  }

  private static void likeness(RootedFiles files) throws SyscallException {
    FileStatus status = files.status(WHOLE);
    files.changeOwner(DATA, status.uid(), status.gid());
    for (String name : files.attributes(WHOLE)) {
      byte[] value = files.attribute(WHOLE, name);
      if (value != null) {
        files.setAttribute(DATA, name, value);
      }
    }
    files.changeMode(DATA, status.permissions());
    files.setTimes(DATA, status.accessed(), status.modified());
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
