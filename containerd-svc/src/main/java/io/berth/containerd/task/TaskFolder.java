package io.berth.containerd.task;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Any;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.containerd.host.Folders;
import io.berth.linux.MountFlags;
import io.berth.linux.MountInfo;
import io.berth.linux.Mounts;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One task's folder under the state folder; every path in it is made here. */
public final class TaskFolder {
  private static final Logger LOG = System.getLogger(TaskFolder.class.getName());
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private final Path path;

  TaskFolder(Path path) {
    this.path = path;
  }

  static TaskFolder of(Path state, TaskKey key) {
    return new TaskFolder(key.folder(state));
  }

  /**
   * What is about to be made. Undoing and adoption read nothing else.
   *
   * @param options of the runtime, empty if there are none
   * @param cgroupsPath as in the specification
   * @param links in the folder, by name
   */
  record Intent(
      TaskKey key,
      List<Mount> rootfs,
      Stdio stdio,
      Any options,
      String cgroupsPath,
      boolean ephemeral,
      Map<String, Path> links) {}

  Path path() {
    return path;
  }

  Path bundle() {
    return path.resolve("bundle");
  }

  Path shimSocket() {
    return path.resolve("shim.sock");
  }

  Path supervisorSocket() {
    return path.resolve("sup.sock");
  }

  /** Writes all of it; a folder that nobody owns any more is replaced. */
  void make(Intent intent, byte[] spec) {
    try {
      if (Files.exists(path)) {
        TaskKey holder = key();
        if (holder != null && !holder.equals(intent.key())) {
          throw new BerthException.FailedPrecondition(
              "make folder `" + path + "`: it is that of " + holder + "; choose another id");
        }
        delete();
      }
      Files.createDirectories(path.getParent());
      for (Path each : List.of(path, bundle(), bundle().resolve("rootfs"))) {
        Files.createDirectory(each, PosixFilePermissions.asFileAttribute(PRIVATE));
      }
      Files.writeString(
          path.resolve("id"), intent.key().namespace() + "\n" + intent.key().id() + "\n");
      Files.write(path.resolve("intent.json"), json(intent));
      Files.write(bundle().resolve("config.json"), spec);
      for (Map.Entry<String, Path> link : intent.links().entrySet()) {
        Files.createSymbolicLink(path.resolve(link.getKey()), link.getValue());
      }
    } catch (IOException e) {
      throw new BerthException.Internal("make folder `" + path + "`: " + e.getMessage(), e);
    }
  }

  /** The specification of a process that is too long for a message; the shim takes it away. */
  void writeProcess(String execId, byte[] spec) {
    Path file = process(execId);
    try {
      Files.createDirectories(sub("exec"));
      AtomicFile.write(file, spec, "rw-------");
    } catch (IOException e) {
      throw new BerthException.Internal("write `" + file + "`: " + e.getMessage(), e);
    }
  }

  /** Takes it away if the shim has not. */
  void deleteProcess(String execId) {
    try {
      Files.deleteIfExists(process(execId));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "remove process of exec {0}: {1}", execId, e.getMessage());
    }
  }

  private Path process(String execId) {
    return sub("exec").resolve(execId + ".spec");
  }

  private Path sub(String name) {
    return path.resolve(name);
  }

  private byte[] json(Intent intent) {
    ObjectNode tree = Json.mapper().createObjectNode();
    tree.put("version", 1);
    tree.put("namespace", intent.key().namespace());
    tree.put("id", intent.key().id());
    tree.put("bundle", bundle().toString());
    tree.put("cgroups_path", intent.cgroupsPath());
    tree.put("stdin", intent.stdio().stdin());
    tree.put("stdout", intent.stdio().stdout());
    tree.put("stderr", intent.stdio().stderr());
    tree.put("terminal", intent.stdio().terminal());
    tree.put("ephemeral", intent.ephemeral());
    ArrayNode mounts = tree.putArray("rootfs");
    for (Mount mount : intent.rootfs()) {
      ObjectNode each = mounts.addObject();
      each.put("type", mount.getType());
      each.put("source", mount.getSource());
      each.put("target", mount.getTarget());
      ArrayNode options = each.putArray("options");
      mount.getOptionsList().forEach(options::add);
    }
    if (!intent.options().getTypeUrl().isEmpty()) {
      ObjectNode options = tree.putObject("options");
      options.put("type_url", intent.options().getTypeUrl());
      options.put(
          "value", Base64.getEncoder().encodeToString(intent.options().getValue().toByteArray()));
    }
    return Json.bytes(tree);
  }

  /** Whose it is; null if that cannot be read. */
  @Nullable TaskKey key() {
    try {
      List<String> lines = Files.readAllLines(path.resolve("id"));
      return lines.size() < 2 ? null : new TaskKey(lines.get(0), lines.get(1));
    } catch (IOException | BerthException e) {
      return null;
    }
  }

  /** Whether it ends with its container; false if the intent cannot be read. */
  boolean isEphemeral() {
    try {
      return Json.tree(Files.readAllBytes(path.resolve("intent.json")), "intent.json")
          .path("ephemeral")
          .asBoolean();
    } catch (IOException | BerthException e) {
      return false;
    }
  }

  /** The init is there. */
  void confirm(int pid) {
    write(path.resolve("created"), Integer.toString(pid));
  }

  /** The init's pid, or 0 while it was never confirmed. */
  int confirmed() {
    try {
      return Integer.parseInt(Files.readString(path.resolve("created")).strip());
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }

  /** Execs that were added and not deleted, by the files that their shim keeps of them. */
  Set<String> execs() {
    Set<String> result = new TreeSet<>();
    try (Stream<Path> files = Files.list(sub("exec"))) {
      files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.endsWith(".json") && !name.startsWith("."))
          .forEach(name -> result.add(name.substring(0, name.length() - ".json".length())));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "{0}: {1}", path, e.getMessage());
    }
    return result;
  }

  /** Removes it with whatever is still mounted below. */
  void delete() {
    try {
      // A root file system stands here only for hooks and foreign runtimes; an empty folder goes
      // without a look at all the mounts of the host.
      Files.deleteIfExists(bundle().resolve("rootfs"));
    } catch (IOException e) {
      unmountBelow();
    }
    Folders.delete(path);
  }

  private void unmountBelow() {
    try {
      for (MountInfo mount : MountInfo.ofSelf().reversed()) {
        Path point = Path.of(mount.target());
        if (point.startsWith(path)) {
          Mounts.unmount(point, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "unmount below {0}: {1}", path, e.getMessage());
    }
  }

  private static void write(Path file, String text) {
    try {
      AtomicFile.write(file, text + "\n", "rw-------");
    } catch (NoSuchFileException e) {
      throw new BerthException.NotFound("write `" + file + "`: the task is gone", e);
    } catch (IOException e) {
      throw new BerthException.Internal("write `" + file + "`: " + e.getMessage(), e);
    }
  }
}
