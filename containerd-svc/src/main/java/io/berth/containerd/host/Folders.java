package io.berth.containerd.host;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Folders of ours under the state folder. */
public final class Folders {
  private static final Logger LOG = System.getLogger(Folders.class.getName());

  private Folders() {}

  /**
   * Removes a tree; links are not followed and other file systems are not entered. What cannot be
   * removed (a mount that is still there) is logged and left.
   */
  public static void delete(Path folder) {
    try {
      Files.walkFileTree(folder, new Removal(device(folder)));
    } catch (NoSuchFileException e) {
      // Somebody was faster.
    } catch (IOException e) {
      LOG.log(Level.WARNING, "remove {0}: {1}", folder, e.toString());
    }
  }

  /**
   * Removes the folder of a host process that is gone, but not its `warm`: if the process was
   * killed while it warmed itself up, a supervisor lives there, and the next process to start ends
   * it.
   */
  public static void deleteHost(Path folder) {
    try (Stream<Path> children = Files.list(folder)) {
      children.filter(child -> !child.endsWith("warm")).forEach(Folders::delete);
      Files.delete(folder);
    } catch (DirectoryNotEmptyException | NoSuchFileException e) {
      LOG.log(Level.DEBUG, "remove {0}: {1}", folder, e.toString());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "remove {0}: {1}", folder, e.toString());
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
