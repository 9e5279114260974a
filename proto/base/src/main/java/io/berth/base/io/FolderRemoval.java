package io.berth.base.io;

import io.berth.linux.MountFlags;
import io.berth.linux.MountInfo;
import io.berth.linux.Mounts;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Removes folders of the engine with everything in them. A failure is logged and what it concerns
 * stays: nothing that goes on after a removal depends on its success.
 */
public final class FolderRemoval {
  private static final Logger LOG = System.getLogger(FolderRemoval.class.getName());

  private FolderRemoval() {}

  /**
   * Removes a tree, if it is there. Symbolic links are not followed, and a file system that is
   * mounted in it is not entered but left.
   */
  public static void remove(Path folder) {
    try {
      Files.walkFileTree(folder, new Removal(device(folder)));
    } catch (NoSuchFileException e) {
      // Somebody was faster.
    } catch (IOException e) {
      LOG.log(Level.WARNING, "remove {0}: {1}", folder, e.toString());
    }
  }

  /** Detaches every mount of this process's mount namespace that is on the folder or below it. */
  public static void unmountBelow(Path folder) {
    try {
      for (MountInfo mount : MountInfo.ofSelf().reversed()) {
        Path point = Path.of(mount.target());
        if (point.startsWith(folder)) {
          Mounts.unmount(point, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "unmount below {0}: {1}", folder, e.getMessage());
    }
  }

  private static Object device(Path path) throws IOException {
    return Files.getAttribute(path, "unix:dev", LinkOption.NOFOLLOW_LINKS);
  }

  private static final class Removal extends SimpleFileVisitor<Path> {
    private final Object device;

    Removal(Object device) {
      this.device = device;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
        throws IOException {
      if (!device.equals(device(folder))) {
        throw new IOException("`" + folder + "` is still mounted");
      }
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.deleteIfExists(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
      if (failure instanceof NoSuchFileException) {
        return FileVisitResult.CONTINUE;
      }
      throw failure;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      Files.deleteIfExists(folder);
      return FileVisitResult.CONTINUE;
    }
  }
}
