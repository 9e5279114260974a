package io.berth.shim.api;

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
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderLock;
import io.berth.base.json.Json;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.shim.run.HostServices;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskAdoption;
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

  /** The round whose container is let go and adopted. */
  private static final int ADOPTED = 1;

  private static final Logger LOG = System.getLogger(WarmExercise.class.getName());

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
        walk(shims, round);
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

  private void walk(Shims shims, int round) throws Exception {
    TaskKey key = new TaskKey(Identifier.WARM_UP_NAMESPACE, name + "-" + round);
    TaskFolder task = new TaskFolder(folder.resolve(Integer.toString(round)));
    Path etc = task.path().resolve("etc");
    Files.createDirectories(task.rootfs());
    Files.createDirectories(etc);
    Files.writeString(etc.resolve("hosts"), "127.0.0.1 localhost\n");
    ObjectNode spec = WarmSpec.of(task.rootfs(), services.supervisorBinary(), etc, round);
    Files.write(task.config(), Json.bytes(spec));
    shims.place(key, task, create(key.id(), task), /* ephemeral= */ true, RequestIds.of(null));
    if (round == ADOPTED) {
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

  private static CreateTaskRequest create(String id, TaskFolder task) {
    return CreateTaskRequest.newBuilder()
        .setId(id)
        .setStdout("berth-log://" + task.path().resolve("log"))
        .setStderr("berth-log://" + task.path().resolve("log"))
        .build();
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
