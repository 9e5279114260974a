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
import io.berth.base.io.FolderRemoval;
import io.berth.base.io.OwnFolder;
import io.berth.base.json.Json;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.time.ClientsFirst;
import io.berth.shim.run.AbandonedCgroups;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.ShimProcessServices;
import io.berth.shim.run.TaskAdoption;
import io.grpc.ManagedChannel;
import jakarta.inject.Inject;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The warm-up: a container walked from creation to deletion, some times, with one that no client
 * sees. It is the supervisor's own binary telling its version, in a namespace that no client can
 * name, in a folder of this process's. The methods that count are run as they will be: over a
 * socket, with the mounts, limits and filter that clients usually send.
 */
final class WarmUpRounds implements ShimWarmUp.Rounds {
  /** After so many rounds the time that one takes no longer falls much. */
  private static final int ROUNDS = 12;

  /** The round whose container is let go and adopted. */
  private static final int ADOPTED = 1;

  /** How the cgroups of a process's rounds are called. */
  private static final Pattern CGROUP = Pattern.compile("host([0-9]{1,6})-[0-9]+");

  private static final Logger LOG = System.getLogger(WarmUpRounds.class.getName());

  private final ShimProcessServices services;
  private final EventLoops loops;
  private final ShimProcessNumber number;
  private final StateFolders state;
  private final ClientsFirst clients;
  private final Path folder;

  @Inject
  WarmUpRounds(
      ShimProcessServices services,
      EventLoops loops,
      ShimProcessNumber number,
      ClientsFirst clients) {
    this.clients = clients;
    this.services = services;
    this.loops = loops;
    this.number = number;
    this.state = new StateFolders(services.config().state());
    this.folder = state.shimProcess(number.value()).warmUp();
  }

  @Override
  public void run() throws Exception {
    ShimTable shims = new ShimTable(services.unwatched(), loops);
    try {
      sweep();
      OwnFolder.prepare(folder, OwnFolder.OWNER_ONLY);
      for (int round = 0; round < ROUNDS; round++) {
        clients.giveWay(() -> false);
        walk(shims, round);
      }
    } finally {
      shims.close();
      // A round may have broken off, and a neighbour may have been killed meanwhile.
      sweep();
    }
  }

  @Override
  public void sweep() throws IOException {
    endAbandoned();
    sweepCgroups();
  }

  /**
   * Ends what a process left that was killed while it warmed itself up, for nobody else knows of
   * it: a process that had this one's number before, or a neighbour.
   */
  private void endAbandoned() throws IOException {
    endAll(folder);
    if (!Files.isDirectory(state.shimProcesses())) {
      return;
    }
    for (Path other : children(state.shimProcesses())) {
      ShimProcessFolder neighbour = new ShimProcessFolder(other);
      String name = String.valueOf(other.getFileName());
      if (neighbour.warmUp().equals(folder)
          || !Files.isDirectory(neighbour.warmUp())
          || !name.matches("[0-9]{1,6}")) {
        continue;
      }
      String lock = StateFolders.shimProcessLock(Integer.parseInt(name));
      try (FolderLock _ = FolderLock.take(state.path(), lock)) {
        endAll(neighbour.warmUp());
      } catch (BerthException.FailedPrecondition alive) {
        LOG.log(Level.DEBUG, "shim process {0} still warms itself up", name);
      }
    }
  }

  /**
   * The same for their cgroups: one can be left without a folder that tells of it, if the process
   * was killed between two steps of a removal.
   */
  private void sweepCgroups() throws IOException {
    AbandonedCgroups.sweep(services, Identifier.WARM_UP_NAMESPACE, this::isAbandoned);
  }

  private boolean isAbandoned(String cgroup) {
    Matcher name = CGROUP.matcher(cgroup);
    if (!name.matches()) {
      return false;
    }
    int owner = Integer.parseInt(name.group(1));
    try {
      // This one's own, for no round is under way.
      return owner == number.value()
          || !FolderLock.isHeld(state.path(), StateFolders.shimProcessLock(owner));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "lock of shim process {0}: {1}", owner, e.getMessage());
      return false;
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
    FolderRemoval.remove(left);
  }

  private static List<Path> children(Path parent) throws IOException {
    try (Stream<Path> all = Files.list(parent)) {
      return all.toList();
    }
  }

  private void walk(ShimTable shims, int round) throws Exception {
    TaskKey key = new TaskKey(Identifier.WARM_UP_NAMESPACE, "host" + number.value() + "-" + round);
    TaskFolder task = new TaskFolder(folder.resolve(Integer.toString(round)));
    Path etc = task.path().resolve("etc");
    Files.createDirectories(task.rootfs());
    Files.createDirectories(etc);
    Files.writeString(etc.resolve("hosts"), "127.0.0.1 localhost\n");
    ObjectNode spec = WarmUpSpec.of(task.rootfs(), services.supervisorBinary(), etc, round);
    Files.write(task.config(), Json.bytes(spec));
    var _ =
        shims.place(
            key,
            task,
            new ShimTable.Creation(create(key.id(), task), /* ephemeral= */ true, null),
            RequestIds.of(null));
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
      FolderRemoval.remove(task.path());
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
}
