package io.berth.base.layout;

import io.berth.base.id.TaskKey;
import io.berth.base.io.OwnFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/**
 * The folder of an instance's state, which does not outlive a boot of the machine. The sockets of
 * the services lie in it, too; where they are is a matter of the configuration.
 *
 * <pre>
 * containerd.boot               the boot that the folder is of
 * image.changes[.KIND]          counters by which image-svc tells of changes
 * keeper.sock                   the keeper of published ports
 * containerd.lock, shim-N.lock  held by the program while it runs
 * t/HEX/                        {@link TaskFolder}
 * h/N/                          {@link ShimProcessFolder}
 * n/                            pinned network namespaces, by endpoint
 * warm/                         pipes of containerd-svc's warm-up
 * </pre>
 */
public record StateFolders(Path path) {
  private static final String BOOT = "containerd.boot";
  private static final String IMAGE_CHANGES = "image.changes";
  private static final String KEEPER = "keeper.sock";

  /** What an instance makes first here: the locks of the services, and what their parts make. */
  private static final Set<String> SIGNS =
      Set.of("image.lock", "network.lock", "containerd.lock", IMAGE_CHANGES, BOOT, KEEPER);

  /**
   * Makes the folder, or closes it to other users; they may pass through it to what is open to
   * them.
   */
  public void prepare() throws IOException {
    OwnFolder.prepareNamed(path, "rwx--x--x", SIGNS);
  }

  /** The folder of all tasks' folders. */
  public Path tasks() {
    return path.resolve("t");
  }

  /** Makes {@link #tasks}, or closes it to other users. */
  public void prepareTasks() throws IOException {
    OwnFolder.prepare(tasks(), OwnFolder.OWNER_ONLY);
  }

  /** The folder of one task. */
  public TaskFolder task(TaskKey key) {
    return new TaskFolder(tasks().resolve(key.hex()));
  }

  /** The folder of the folders of all shim processes. */
  public Path shimProcesses() {
    return path.resolve("h");
  }

  /** Makes {@link #shimProcesses}, or closes it to other users. */
  public void prepareShimProcesses() throws IOException {
    OwnFolder.prepare(shimProcesses(), OwnFolder.OWNER_ONLY);
  }

  /** The folder of one shim process. */
  public ShimProcessFolder shimProcess(int number) {
    return new ShimProcessFolder(shimProcesses().resolve(Integer.toString(number)));
  }

  /** The name of the lock that a shim process holds in this folder, and of its program. */
  public static String shimProcessLock(int number) {
    return "shim-" + number;
  }

  /** The folder on whose files network namespaces are pinned (namespaces(7)). */
  public Path networkPins() {
    return path.resolve("n");
  }

  /** The socket of the process that holds the sockets of published ports. */
  public Path keeperSocket() {
    return path.resolve(KEEPER);
  }

  /** The folder of the pipes by which the clients of containerd-svc's warm-up take output. */
  public Path warmUpPipes() {
    return path.resolve("warm");
  }

  /** Makes {@link #warmUpPipes}, or closes it to other users. */
  public void prepareWarmUpPipes() throws IOException {
    OwnFolder.prepare(warmUpPipes(), OwnFolder.OWNER_ONLY);
  }

  /** The file with the boot that this folder is of, as the kernel names it (random(4)). */
  public Path boot() {
    return path.resolve(BOOT);
  }

  /** The counter of changes to names of images and content. */
  public Path imageChanges() {
    return path.resolve(IMAGE_CHANGES);
  }

  /** The counter of changes to snapshots. */
  public Path snapshotChanges() {
    return path.resolve(IMAGE_CHANGES + ".snapshots");
  }

  /** The counter of changes to snapshots that are layers of images. */
  public Path layerChanges() {
    return path.resolve(IMAGE_CHANGES + ".layers");
  }
}
