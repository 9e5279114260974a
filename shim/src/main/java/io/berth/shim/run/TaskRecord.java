package io.berth.shim.run;

import io.berth.base.id.TaskKey;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.shim.stdio.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code shim.json}: what another process needs to know of a task, written before anything is done.
 *
 * @param request number of the call that made it
 * @param bundle as the client sees it
 * @param cgroup path below every hierarchy's root
 * @param hostRootfs a root that is mounted in the host's namespace and to be unmounted; empty for
 *     none
 */
public record TaskRecord(
    String namespace,
    String id,
    String request,
    String bundle,
    Stdio stdio,
    String cgroup,
    String rootPath,
    String hostRootfs,
    List<MountSpec> mounts,
    boolean noPivot,
    boolean noKeyring,
    boolean ephemeral) {
  /** A mount as clients send it. */
  public record MountSpec(String type, String source, String target, List<String> options) {
    public MountSpec {
      options = List.copyOf(options);
    }
  }

  public TaskRecord {
    mounts = List.copyOf(mounts);
  }

  /** Whose it is. */
  public TaskKey key() {
    return new TaskKey(namespace, id);
  }

  void write(TaskFolder folder) throws IOException {
    AtomicFile.write(folder.record(), Json.bytes(this), "rw-------");
  }

  static @Nullable TaskRecord readIfThere(TaskFolder folder) throws IOException {
    if (!Files.exists(folder.record())) {
      return null;
    }
    return Json.read(
        Files.readAllBytes(folder.record()), TaskRecord.class, folder.record().toString());
  }
}
