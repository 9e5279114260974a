package io.berth.shim.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderLock;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.shim.run.HostServices;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskAdoption;
import io.berth.shim.run.TaskFolder;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The path of a container, walked some times with one that nobody sees: the supervisor's own binary
 * telling its version, in a namespace of containers that no client can name, in a folder of this
 * process's. The methods that count are run as they will be: over a socket, with the mounts, limits
 * and filter that clients usually send.
 */
public final class WarmExercise implements WarmUp.Exercise {
  /** After so many the time of one no longer falls much. */
  private static final int ROUNDS = 12;

  private static final Logger LOG = System.getLogger(WarmExercise.class.getName());
  private static final String NAMESPACE = "berth-warm";

  private final HostServices services;
  private final EventLoops loops;
  private final Path folder;
  private final String name;

  /**
   * In a folder that need not exist and is gone afterwards.
   *
   * @param name tells this process's containers from those of its neighbours
   */
  public WarmExercise(HostServices services, EventLoops loops, Path folder, String name) {
    this.services = services;
    this.loops = loops;
    this.folder = folder;
    this.name = name;
  }

  @Override
  public void run() throws Exception {
    Shims shims = new Shims(services.unwatched(), loops);
    try {
      endAbandoned();
      for (int round = 0; round < ROUNDS; round++) {
        walk(shims, new TaskKey(NAMESPACE, name + "-" + round), round == 1);
      }
    } finally {
      shims.close();
      remove(folder);
    }
  }

  /**
   * A process that was killed in the middle of this left a container that nobody else knows: one
   * that had this process's number before, or a neighbour.
   */
  private void endAbandoned() throws IOException {
    endAll(folder);
    Path host = folder.toAbsolutePath().getParent();
    Path hosts = host == null ? null : host.getParent();
    Path state = hosts == null ? null : hosts.getParent();
    if (hosts == null || state == null || !hosts.endsWith("h")) {
      return;
    }
    for (Path other : children(hosts)) {
      Path left = other.resolve(folder.getFileName());
      if (other.equals(host) || !Files.isDirectory(left)) {
        continue;
      }
      try (FolderLock _ = FolderLock.take(state, "shim-" + other.getFileName())) {
        endAll(left);
      } catch (BerthException.FailedPrecondition alive) {
        LOG.log(Level.DEBUG, "host {0} is at it itself", other.getFileName());
      }
    }
  }

  private void endAll(Path left) throws IOException {
    if (!Files.isDirectory(left)) {
      return;
    }
    for (Path task : children(left)) {
      try {
        TaskAdoption.end(services.unwatched(), new TaskFolder(task));
      } catch (IOException | BerthException e) {
        LOG.log(Level.WARNING, "end what was left at `{0}`: {1}", task, e.getMessage());
      }
    }
    remove(left);
  }

  private static List<Path> children(Path parent) throws IOException {
    try (Stream<Path> all = Files.list(parent)) {
      return all.toList();
    }
  }

  private void walk(Shims shims, TaskKey key, boolean adopted) throws Exception {
    TaskFolder task = new TaskFolder(folder.resolve(Integer.toString(key.id().hashCode() & 0xff)));
    Files.createDirectories(task.rootfs().resolve("etc"));
    ObjectNode spec = spec(task.rootfs());
    Files.write(task.config(), Json.bytes(spec));
    CreateTaskRequest create = CreateTaskRequest.newBuilder().setId(key.id()).build();
    shims.place(key, task, create, /* ephemeral= */ true, RequestIds.of(null));
    if (adopted) {
      shims.letGo(key.namespace(), key.id());
      shims.adopt(key, task);
    }
    ManagedChannel channel = UnixChannel.to(loops, task.shimSocket());
    try {
      command(TaskGrpc.newBlockingV2Stub(channel), key.id(), spec);
    } finally {
      channel.shutdownNow();
      shims.letGo(key.namespace(), key.id());
      remove(task.path());
    }
  }

  private static void command(TaskGrpc.TaskBlockingV2Stub task, String id, ObjectNode spec)
      throws Exception {
    task.state(StateRequest.newBuilder().setId(id).build());
    ByteString process = ByteString.copyFrom(Json.bytes(spec.get("process")));
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(id)
            .setExecId("x")
            .setSpec(Anys.of(Anys.PROCESS, process))
            .build());
    task.start(StartRequest.newBuilder().setId(id).setExecId("x").build());
    task.wait(WaitRequest.newBuilder().setId(id).setExecId("x").build());
    task.delete(DeleteRequest.newBuilder().setId(id).setExecId("x").build());
    task.stats(StatsRequest.newBuilder().setId(id).build());
    task.start(StartRequest.newBuilder().setId(id).build());
    task.wait(WaitRequest.newBuilder().setId(id).build());
    task.delete(DeleteRequest.newBuilder().setId(id).build());
  }

  private ObjectNode spec(Path root) {
    ObjectNode spec = Json.mapper().createObjectNode().put("ociVersion", "1.0.2");
    ObjectNode process = spec.putObject("process").put("cwd", "/").put("noNewPrivileges", true);
    process.putArray("args").add("/program").add("--version");
    process.putArray("env").add("PATH=/");
    ObjectNode sets = process.putObject("capabilities");
    for (String set : List.of("bounding", "effective", "permitted")) {
      sets.putArray(set).add("CAP_CHOWN").add("CAP_KILL").add("CAP_NET_BIND_SERVICE");
    }
    spec.putObject("root").put("path", root.toString());
    ArrayNode mounts = spec.putArray("mounts");
    mount(mounts, "/proc", "proc", "nosuid", "noexec", "nodev");
    mount(mounts, "/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=64k");
    mount(mounts, "/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666");
    mount(mounts, "/sys", "sysfs", "nosuid", "noexec", "nodev", "ro");
    mount(mounts, "/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro");
    mount(mounts, "/program", services.supervisorBinary().toString(), "bind", "ro");
    ObjectNode linux = spec.putObject("linux");
    ObjectNode resources = linux.putObject("resources");
    resources.putArray("devices").addObject().put("allow", false).put("access", "rwm");
    resources.putObject("pids").put("limit", 16);
    for (String type : List.of("pid", "ipc", "uts", "mount", "network")) {
      linux.withArray("namespaces").addObject().put("type", type);
    }
    linux.putArray("maskedPaths").add("/proc/kcore").add("/sys/firmware");
    linux.putArray("readonlyPaths").add("/proc/sys");
    ObjectNode seccomp = linux.putObject("seccomp").put("defaultAction", "SCMP_ACT_ALLOW");
    ObjectNode rule = seccomp.putArray("syscalls").addObject().put("action", "SCMP_ACT_ERRNO");
    rule.putArray("names").add("reboot").add("swapon");
    return spec;
  }

  /** The type is the source as well: of a bind mount the latter is what counts. */
  private static void mount(ArrayNode mounts, String target, String type, String... options) {
    ObjectNode mount =
        mounts.addObject().put("destination", target).put("type", type).put("source", type);
    ArrayNode words = mount.putArray("options");
    Stream.of(options).forEach(words::add);
  }

  private static void remove(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(each);
      }
    }
  }
}
