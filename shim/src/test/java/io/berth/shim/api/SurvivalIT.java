package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.AcknowledgeRequest;
import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.berth.host.v1.LetGoRequest;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.task.v3.UpdateTaskRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.api.io.containerd.cgroups.v1.Metrics;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderLock;
import io.berth.base.json.Json;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.Anys;
import io.berth.linux.Fd;
import io.berth.linux.KernelFeature;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.shim.cgroup.Cgroup;
import io.berth.shim.cgroup.CgroupLayout;
import io.berth.shim.cgroup.CgroupPath;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskDeletion;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers whose shim or supervisor dies, and what is told of them. */
@Tag("root")
final class SurvivalIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  private void adopt(TaskKey key) throws Exception {
    shims
        .service()
        .adopt(
            AdoptRequest.newBuilder()
                .setNamespace(key.namespace())
                .setId(key.id())
                .setFolder(shims.taskFolder(key).toString())
                .build());
  }

  @Test
  void aContainerLivesThroughTheDeathOfItsShimProcess() throws Exception {
    TaskKey key = shims.key();
    int pid = shims.create(key, shims.spec("sh", "-c", "sleep 0.3; echo later; exit 5"));
    shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
    ObjectNode process = (ObjectNode) shims.spec("sleep", "100").get("process");
    shims
        .task(key)
        .exec(
            ExecProcessRequest.newBuilder()
                .setId(key.id())
                .setExecId("e1")
                .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
                .build());

    shims.close();
    shims.awaitFile(shims.taskFolder(key).resolve("exit/init"));
    shims.open();
    adopt(key);

    var task = shims.task(key);
    var state = task.state(StateRequest.newBuilder().setId(key.id()).build());
    assertEquals(Status.STOPPED, state.getStatus());
    assertEquals(pid, state.getPid());
    assertEquals(5, task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus());
    assertEquals(
        Status.CREATED,
        task.state(StateRequest.newBuilder().setId(key.id()).setExecId("e1").build()).getStatus());
    assertEquals("later\n", shims.said(key));
    assertEquals(
        5, task.delete(DeleteRequest.newBuilder().setId(key.id()).build()).getExitStatus());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void aCreatedContainerIsStartedByWhoeverAdoptedIt() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sh", "-c", "exit 6"));
    shims.service().letGo(LetGoRequest.getDefaultInstance());
    adopt(key);
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    assertEquals(6, task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  /** Whoever has a container's supervisor killed has ended the container. */
  @Test
  void aSupervisorThatIsKilledUnderADeletion_keepsNothingFromBeingDeleted() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("true"));
    ContainerTask made = shims.table().task(key);
    Processes.kill(made.supervisorPid(), Signal.SIGSTOP.number());
    FutureTask<Integer> deletion =
        new FutureTask<>(() -> TaskDeletion.delete(made, RequestIds.of(null)).status());
    Thread caller = Thread.ofPlatform().start(deletion);
    Eventually.holds("it waits", () -> caller.getState() == Thread.State.WAITING);
    Processes.kill(made.supervisorPid(), Signal.SIGKILL.number());
    assertTrue(deletion.get(20, TimeUnit.SECONDS) != 0);
    shims.service().letGo(LetGoRequest.getDefaultInstance());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void nothingToAdoptIsNotFound() throws Exception {
    TaskKey key = shims.key();
    shims.prepare(key, shims.spec("true"));
    StatusException failure = assertThrows(StatusException.class, () -> adopt(key));
    assertEquals(Code.NOT_FOUND, failure.getStatus().getCode());
  }

  @Test
  void exitsAreRepeatedUntilAcknowledged() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sh", "-c", "exit 9"));
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());

    for (int i = 0; i < 2; i++) {
      try (var watched = new Watching()) {
        Occurrence exit = watched.next();
        assertEquals(9, exit.getExit().getStatus());
        assertEquals(key.id(), exit.getId());
        assertTrue(watched.next().hasCaughtUp());
      }
    }
    shims
        .service()
        .acknowledge(
            AcknowledgeRequest.newBuilder().setNamespace(key.namespace()).setId(key.id()).build());
    try (var watched = new Watching()) {
      assertTrue(watched.next().hasCaughtUp());
    }
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }

  private final class Watching implements AutoCloseable {
    private final io.grpc.stub.BlockingClientCall<?, Occurrence> call =
        shims.service().watch(Empty.getDefaultInstance());

    Occurrence next() throws Exception {
      Occurrence next = call.read();
      if (next == null) {
        throw new AssertionError("the stream has ended");
      }
      return next;
    }

    @Override
    public void close() {
      call.cancel("enough", null);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aContainerWhoseSupervisorIsKilledEndsWithItAndSaysHow(boolean newer) throws Exception {
    Set<KernelFeature> before =
        KernelFeature.doWithout(newer ? Set.of() : Set.of(KernelFeature.PIDFD_EXIT));
    try {
      endsWithItsSupervisor();
    } finally {
      var _ = KernelFeature.doWithout(before);
    }
  }

  private void endsWithItsSupervisor() throws Exception {
    TaskKey key = shims.key();
    int pid = shims.create(key, shims.spec("sleep", "100"));
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    ObjectNode process = (ObjectNode) shims.spec("sleep", "100").get("process");
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId("e1")
            .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
            .build());
    task.start(StartRequest.newBuilder().setId(key.id()).setExecId("e1").build());
    int status = 0;
    try (var watched = new Watching()) {
      assertTrue(watched.next().hasCaughtUp());
      Processes.kill(shims.table().task(key).supervisorPid(), 9);
      assertTrue(watched.next().hasSupervisorLost());
      for (String id : List.of("e1", "")) {
        Occurrence exit = watched.next();
        assertEquals(id, exit.getExecId());
        // Where the kernel does not keep it, it is known as long as nobody collected the process.
        boolean unknown = !KernelFeature.PIDFD_EXIT.inUse() && exit.getExit().getUnknown();
        status = exit.getExit().getStatus();
        assertEquals(unknown, exit.getExit().getUnknown());
        assertEquals(unknown ? 255 : 137, status);
      }
    }
    assertEquals(
        status, task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus());
    assertTrue(!Files.exists(Path.of("/proc/" + pid + "/exe")));
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void anExitThatNobodyWroteDownIsReadFromTheKernel() throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec =
        shims.spec("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
    shims.awaitSaid(key, "ready");
    ContainerTask made = shims.table().task(key);
    // It stands still, so it writes nothing down; it is killed while its child is a zombie.
    Processes.kill(made.supervisorPid(), Signal.SIGSTOP.number());
    try (Fd init = Processes.openPidfd(made.init().pid())) {
      Processes.sendSignal(init, Signal.SIGTERM.number());
      Eventually.holds("ended", () -> Processes.hasEnded(init));
    }
    Processes.kill(made.supervisorPid(), Signal.SIGKILL.number());
    assertEquals(
        KernelFeature.PIDFD_EXIT.inUse() ? 7 : 255,
        task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void metricsAndLimitsOfARunningContainer() throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec = shims.spec("sleep", "100");
    ObjectNode resources = spec.withObject("/linux").withObject("/resources");
    resources.putObject("memory").put("limit", 67108864);
    resources.putObject("cpu").put("shares", 512).put("quota", 50000).put("period", 100000);
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());

    var stats = task.stats(StatsRequest.newBuilder().setId(key.id()).build()).getStats();
    assertEquals("io.containerd.cgroups.v1.Metrics", stats.getTypeUrl());
    Metrics metrics = Metrics.parseFrom(stats.getValue());
    assertEquals(67108864, metrics.getMemory().getUsage().getLimit());
    assertTrue(metrics.getMemory().getUsage().getUsage() > 0);
    assertTrue(metrics.getCpu().getUsage().getTotal() > 0);
    assertEquals(1, metrics.getPids().getCurrent());
    assertEquals("lo", metrics.getNetwork(0).getName());

    String update =
        "{\"memory\":{\"limit\":134217728,\"reservation\":0,\"swap\":134217728,\"kernel\":0},"
            + "\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0},\"blockIO\":{\"weight\":0}}";
    task.update(
        UpdateTaskRequest.newBuilder()
            .setId(key.id())
            .setResources(Anys.of(Anys.LINUX_RESOURCES, ByteString.copyFromUtf8(update)))
            .build());
    stats = task.stats(StatsRequest.newBuilder().setId(key.id()).build()).getStats();
    assertEquals(134217728, Metrics.parseFrom(stats.getValue()).getMemory().getUsage().getLimit());
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void wantOfMemoryIsTold() throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec =
        shims.spec("sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=60; sleep 1; exit 0");
    spec.withObject("/linux").withObject("/resources").putObject("memory").put("limit", 16777216);
    shims.create(key, spec);
    var task = shims.task(key);
    try (var watched = new Watching()) {
      assertTrue(watched.next().hasCaughtUp());
      task.start(StartRequest.newBuilder().setId(key.id()).build());
      Occurrence first = watched.next();
      assertTrue(first.hasOom(), first.toString());
      Occurrence exit = watched.next();
      assertTrue(exit.getExit().getOomKilled(), exit.toString());
    }
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void warmingUpLeavesNothingAndTellsNobody() throws Exception {
    try (var watched = new Watching()) {
      assertTrue(watched.next().hasCaughtUp());
      assertTrue(!shims.service().status(Empty.getDefaultInstance()).getWarmed());
      shims.service().warm(Empty.getDefaultInstance());
      shims.service().warm(Empty.getDefaultInstance());
      assertTrue(shims.service().status(Empty.getDefaultInstance()).getWarmed());
      assertEquals("", shims.service().status(Empty.getDefaultInstance()).getNamespace());

      TaskKey key = shims.key();
      shims.create(key, shims.spec("sh", "-c", "exit 9"));
      shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
      assertEquals(key.id(), watched.next().getId());
      shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
    }
    assertEquals(List.of(), shims.leftovers());
    assertTrue(!Files.exists(shims.warmUp()));
  }

  @Test
  void whatAKilledWarmUpLeftIsEndedByTheNext() throws Exception {
    TaskKey left = new TaskKey("berth-warm", "left");
    Path warm = shims.warmUp();
    Path task = warm.resolve("1");
    Files.createDirectories(task.resolve("bundle/rootfs"));
    Files.write(task.resolve("bundle/config.json"), Json.bytes(shims.spec("sleep", "100")));
    shims
        .service()
        .place(
            PlaceRequest.newBuilder()
                .setNamespace(left.namespace())
                .setId(left.id())
                .setFolder(task.toString())
                .setCreate(shims.request(left))
                .build());
    shims.table().task(left).commands().start("", RequestIds.of(null));
    shims.close();
    shims.open();

    shims.service().warm(Empty.getDefaultInstance());
    assertTrue(!Files.exists(warm));
    assertEquals(List.of(), shims.leftovers());
  }

  /** No folder tells of such a cgroup, and no process has its number. */
  @Test // case K3
  void aCgroupThatAKilledWarmUpLeftIsSweptByTheNext() throws Exception {
    String parent = "/" + shims.config().cgroupParent() + "/berth-warm/host";
    for (String name : List.of("0-3", "7-0", "8-0")) {
      var _ = Cgroup.create(CgroupLayout.ofHost(), new CgroupPath(parent + name));
    }
    String lock = StateFolders.shimProcessLock(8);
    try (FolderLock _ = FolderLock.take(shims.config().state(), lock)) {
      shims.service().warm(Empty.getDefaultInstance());
      Cgroup namespace =
          Cgroup.at(
              CgroupLayout.ofHost(),
              new CgroupPath("/" + shims.config().cgroupParent() + "/berth-warm"));
      assertEquals(Set.of("host8-0"), namespace.childNames());
    }
    // One that is warm does it again when it is asked: nobody may have been started since.
    shims.service().warm(Empty.getDefaultInstance());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void theSupervisorsBinaryCannotBeWrittenThroughItsProcess() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    int pid = shims.table().task(key).supervisorPid();
    assertTrue(!Files.isWritable(Path.of("/proc/" + pid + "/exe")));
    shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }

  @Test // case C9
  void aSupervisorLivesInTheCgroupThatItsClientWants() throws Exception {
    TaskKey key = shims.key();
    String place = "/" + shims.config().cgroupParent() + "/asked";
    Options options = Options.newBuilder().setShimCgroup(place).build();
    Cgroup made = Cgroup.create(CgroupLayout.ofHost(), new CgroupPath(place));
    shims.create(
        key, shims.spec("sleep", "100"), shims.request(key).setOptions(Anys.pack(options)).build());
    Path cgroup = Path.of("/proc/" + shims.table().task(key).supervisorPid() + "/cgroup");
    assertTrue(
        Files.readAllLines(cgroup).stream().anyMatch(line -> line.endsWith(":" + place)),
        Files.readString(cgroup));
    shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
    // It is empty, and its client's own to remove.
    made.remove();
  }

  @Test
  void aCgroupForTheSupervisorThatIsNotThereIsNotMade() throws Exception {
    TaskKey key = shims.key();
    String place = "/" + shims.config().cgroupParent() + "/absent/asked";
    Options options = Options.newBuilder().setShimCgroup(place).build();
    StatusException failure =
        assertThrows(
            StatusException.class,
            () ->
                shims.create(
                    key,
                    shims.spec("sleep", "100"),
                    shims.request(key).setOptions(Anys.pack(options)).build()));
    assertEquals(Code.FAILED_PRECONDITION, failure.getStatus().getCode());
    assertTrue(
        failure.getMessage().contains("in cgroup `" + place + "`: there is no such cgroup"),
        failure::getMessage);
    assertTrue(!CgroupLayout.ofHost().has("/" + shims.config().cgroupParent() + "/absent"));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void aShimProcessTakesOneNamespaceOnly() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    TaskKey other = new TaskKey("another", key.id());
    assertNotEquals(shims.taskFolder(key), shims.taskFolder(other));
    StatusException failure =
        assertThrows(StatusException.class, () -> shims.create(other, shims.spec("true")));
    assertEquals(Code.FAILED_PRECONDITION, failure.getStatus().getCode());
    shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
  }
}
