package io.berth.base.layout;

import io.berth.base.io.FolderRemoval;
import io.berth.base.io.OwnFolder;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The folder of one shim process: a process that hosts the shims of many containers. */
public record ShimProcessFolder(Path path) {
  /** The name under which the process locks its folder. */
  public static final String LOCK = "host";

  private static final Logger LOG = System.getLogger(ShimProcessFolder.class.getName());
  private static final String WARM_UP = "warm";

  /** The file with the number of the process, a line of decimal digits. */
  public Path pid() {
    return path.resolve("pid");
  }

  /** The socket of {@code berth.host.v1.Host}. */
  public Path socket() {
    return path.resolve("host.sock");
  }

  /** The file that takes the output of the process. */
  public Path log() {
    return path.resolve("log");
  }

  /** The folder of the containers with which the process warms itself up. */
  public Path warmUp() {
    return path.resolve(WARM_UP);
  }

  /** Makes the folder, or closes it to other users. */
  public void prepare() throws IOException {
    OwnFolder.prepare(path, OwnFolder.OWNER_ONLY);
  }

  /**
   * Removes the folder of a process that is gone, but not {@link #warmUp}: if the process was
   * killed while it warmed itself up, a supervisor lives there, and the next process that starts
   * ends it. What cannot be removed is logged and left.
   */
  public void delete() {
    try (Stream<Path> children = Files.list(path)) {
      children.filter(child -> !child.endsWith(WARM_UP)).forEach(FolderRemoval::remove);
      Files.delete(path);
    } catch (DirectoryNotEmptyException | NoSuchFileException e) {
      LOG.log(Level.DEBUG, "remove {0}: {1}", path, e.toString());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "remove {0}: {1}", path, e.toString());
    }
  }
}
