package io.berth.base.layout;

import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.AtomicFile;
import io.berth.base.io.FolderRemoval;
import io.berth.base.io.OwnFolder;
import io.berth.base.json.Json;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A task's folder. Whoever finds one knows from it everything that is needed to take the container
 * over or to undo it.
 *
 * <pre>
 * by containerd-svc:
 *   id                    the name of the task, two lines: namespace and id
 *   intent.json           {@link TaskIntent}
 *   created               the number of the init, once it is there
 *   bundle/config.json    the specification, as the client sent it
 *   exec/ID.spec          the specification of an exec that is too long for a message
 *   netns, pidns, ipcns   links to namespaces that the container joins
 * by the shim:
 *   shim.json             {@link TaskRecord}
 *   exec/ID.json          a process that was added
 *   bundle/rootfs/        where the root is attached, in the container's mount namespace
 *   shim.sock             the Task service
 * by the supervisor:
 *   sup.sock              its socket
 *   exit/                 its exit records
 * </pre>
 *
 * <p>Its methods block for as long as the disk does, and several threads may use them.
 */
public record TaskFolder(Path path) {
  private static final Logger LOG = System.getLogger(TaskFolder.class.getName());
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString(OwnFolder.OWNER_ONLY);
  private static final String OWN_FILE = "rw-------";
  private static final String RECORD_SUFFIX = ".json";

  /** The link to the network namespace that the container joins. */
  public static final String NETWORK_NAMESPACE = "netns";

  /** The link to the pid namespace that the container joins. */
  public static final String PID_NAMESPACE = "pidns";

  /** The link to the IPC namespace that the container joins. */
  public static final String IPC_NAMESPACE = "ipcns";

  /** The folder that has the specification, for a task whose client names no other. */
  public Path bundle() {
    return path.resolve("bundle");
  }

  /** The specification in {@link #bundle}. */
  public Path config() {
    return configOf(bundle());
  }

  /** The specification in any bundle. */
  public static Path configOf(Path bundle) {
    return bundle.resolve("config.json");
  }

  /** Where a root is attached that does not come from the specification. */
  public Path rootfs() {
    return rootfsOf(bundle());
  }

  /** The same in any bundle. */
  public static Path rootfsOf(Path bundle) {
    return bundle.resolve("rootfs");
  }

  /** The socket of the Task service. */
  public Path shimSocket() {
    return path.resolve("shim.sock");
  }

  /** The socket of the supervisor. */
  public Path supervisorSocket() {
    return path.resolve("sup.sock");
  }

  /** The supervisor's records of how processes ended. */
  public Path exits() {
    return path.resolve("exit");
  }

  /** A link to a namespace, by one of the names above. */
  public Path link(String name) {
    return path.resolve(name);
  }

  /** What is kept of the processes that were added. */
  public Path execs() {
    return path.resolve("exec");
  }

  /** What the shim keeps of one exec, whose id is a checked identifier. */
  public Path exec(String id) {
    return execs().resolve(id + RECORD_SUFFIX);
  }

  /** The specification of an exec that is too long for a message, until the shim has read it. */
  public Path process(String execId) {
    return execs().resolve(execId + ".spec");
  }

  private Path id() {
    return path.resolve("id");
  }

  private Path intent() {
    return path.resolve("intent.json");
  }

  private Path created() {
    return path.resolve("created");
  }

  private Path record() {
    return path.resolve("shim.json");
  }

  /**
   * Makes the folder with everything that containerd-svc writes before a shim is asked. One that is
   * left of an earlier task of the same name is replaced.
   *
   * @param links names below this folder, and what they lead to
   * @throws BerthException.FailedPrecondition if another task has this folder: their names have the
   *     same hash
   * @throws BerthException.Internal if it cannot be written
   */
  public void make(TaskIntent intent, byte[] spec, Map<String, Path> links) {
    TaskKey key = new TaskKey(intent.namespace(), intent.id());
    try {
      if (Files.exists(path)) {
        TaskKey holder = key();
        if (holder != null && !holder.equals(key)) {
          throw new BerthException.FailedPrecondition(
              "make folder `" + path + "`: it is that of " + holder + "; choose another id");
        }
        delete();
      }
      Files.createDirectories(path.getParent());
      for (Path each : List.of(path, bundle(), rootfs())) {
        Files.createDirectory(each, PosixFilePermissions.asFileAttribute(PRIVATE));
      }
      Files.writeString(id(), key.namespace() + "\n" + key.id() + "\n");
      Files.write(intent(), Json.bytes(intent));
      Files.write(config(), spec);
      for (Map.Entry<String, Path> link : links.entrySet()) {
        Files.createSymbolicLink(link(link.getKey()), link.getValue());
      }
    } catch (IOException e) {
      throw new BerthException.Internal("make folder `" + path + "`: " + e.getMessage(), e);
    }
  }

  /** Closes to other users what {@link #make} made, in case that somebody has opened it. */
  public void prepare() throws IOException {
    OwnFolder.prepare(path, OwnFolder.OWNER_ONLY);
    OwnFolder.prepare(bundle(), OwnFolder.OWNER_ONLY);
  }

  /** The name of the task; null if the file that has it cannot be read. */
  public @Nullable TaskKey key() {
    try {
      List<String> lines = Files.readAllLines(id());
      return lines.size() < 2 ? null : new TaskKey(lines.get(0), lines.get(1));
    } catch (IOException | BerthException e) {
      return null;
    }
  }

  /** Whether the task ends with its container; false if its intent cannot be read. */
  public boolean isEphemeral() {
    try {
      return Json.tree(Files.readAllBytes(intent()), "intent.json").path("ephemeral").asBoolean();
    } catch (IOException | BerthException e) {
      return false;
    }
  }

  /**
   * Notes that the init is there.
   *
   * @throws BerthException.NotFound if the folder is gone
   */
  public void confirm(int pid) {
    try {
      AtomicFile.write(created(), pid + "\n", OWN_FILE);
    } catch (NoSuchFileException e) {
      throw new BerthException.NotFound("write `" + created() + "`: the task is gone", e);
    } catch (IOException e) {
      throw new BerthException.Internal("write `" + created() + "`: " + e.getMessage(), e);
    }
  }

  /** The number of the init as it was confirmed; 0 if it never was. */
  public int confirmed() {
    try {
      return Integer.parseInt(Files.readString(created()).strip());
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }

  /** Writes the specification of an exec for the shim, which takes it away. */
  public void writeProcess(String execId, byte[] spec) {
    Path file = process(execId);
    try {
      Files.createDirectories(execs());
      AtomicFile.write(file, spec, OWN_FILE);
    } catch (IOException e) {
      throw new BerthException.Internal("write `" + file + "`: " + e.getMessage(), e);
    }
  }

  /** Takes it away if the shim has not. */
  public void deleteProcess(String execId) {
    try {
      Files.deleteIfExists(process(execId));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "remove process of exec {0}: {1}", execId, e.getMessage());
    }
  }

  /** Ids of the execs that were added and not deleted, by the records that the shim keeps. */
  public Set<String> execIds() {
    Set<String> result = new TreeSet<>();
    try (Stream<Path> files = Files.list(execs())) {
      files
          .map(file -> String.valueOf(file.getFileName()))
          // A name with a dot before it is a file that is being written.
          .filter(name -> name.endsWith(RECORD_SUFFIX) && !name.startsWith("."))
          .forEach(name -> result.add(name.substring(0, name.length() - RECORD_SUFFIX.length())));
    } catch (NoSuchFileException e) {
      return result;
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "{0}: {1}", path, e.getMessage());
    }
    return result;
  }

  /** Writes the shim's record of the task. */
  public void write(TaskRecord taskRecord) throws IOException {
    AtomicFile.write(record(), Json.bytes(taskRecord), OWN_FILE);
  }

  /**
   * The shim's record of the task; null if there is none.
   *
   * @throws BerthException.InvalidArgument if it is no such record
   */
  public @Nullable TaskRecord recordIfThere() throws IOException {
    return Files.exists(record())
        ? Json.read(Files.readAllBytes(record()), TaskRecord.class, record().toString())
        : null;
  }

  /**
   * Removes what a shim and a supervisor made, once neither has the task; what is left is the
   * folder as containerd-svc made it. The socket of the shim goes with the server behind it.
   */
  public void deleteWhatShimsMade() throws IOException {
    Files.deleteIfExists(supervisorSocket());
    Files.deleteIfExists(record());
    deleteFlat(execs());
    deleteFlat(exits());
  }

  private static void deleteFlat(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (var files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }

  /** Removes the folder with everything in it, mounts included. */
  public void delete() {
    try {
      // A root file system stands here only for hooks and foreign runtimes; an empty folder goes
      // without a look at all the mounts of the machine.
      Files.deleteIfExists(rootfs());
    } catch (IOException e) {
      FolderRemoval.unmountBelow(path);
    }
    FolderRemoval.remove(path);
  }
}
