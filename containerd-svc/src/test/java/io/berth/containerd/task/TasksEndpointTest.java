package io.berth.containerd.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.sun.management.HotSpotDiagnosticMXBean;
import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.tasks.v1.CheckpointTaskRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteProcessRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ListPidsRequest;
import io.berth.api.containerd.services.tasks.v1.ListTasksRequest;
import io.berth.api.containerd.services.tasks.v1.MetricsRequest;
import io.berth.api.containerd.services.tasks.v1.PauseTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ResumeTaskRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.services.tasks.v1.WaitResponse;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class TasksEndpointTest {
  @TempDir Path folder;
  private Instance instance;

  @BeforeEach
  void start() throws IOException {
    instance = new Instance(folder);
  }

  @AfterEach
  void stop() {
    instance.close();
  }

  private void begin(String id, String execId) {
    var _ =
        instance
            .tasks()
            .start(StartRequest.newBuilder().setContainerId(id).setExecId(execId).build());
  }

  private WaitResponse await(String id, String execId) {
    return instance
        .tasks()
        .wait(WaitRequest.newBuilder().setContainerId(id).setExecId(execId).build());
  }

  private void delete(String id) {
    var _ = instance.tasks().delete(DeleteTaskRequest.newBuilder().setContainerId(id).build());
  }

  private Status status(String id, String execId) {
    return instance
        .tasks()
        .get(GetRequest.newBuilder().setContainerId(id).setExecId(execId).build())
        .getProcess()
        .getStatus();
  }

  private static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  // CD-17: the start's event comes before the exit's, also when the program ends at once.
  @Test
  void life_ofAProgramThatEndsAtOnce_isToldInOrder() throws InterruptedException {
    Instance.Events events = instance.events("topic~=|^/tasks/|");
    int pid = instance.createTask("c1", "true");
    begin("c1", "");
    WaitResponse exit = await("c1", "");
    assertEquals(0, exit.getExitStatus());
    assertEquals(Status.STOPPED, status("c1", ""));
    delete("c1");
    assertEquals(
        List.of("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"),
        events.topicsUntil("/tasks/delete"));
    assertTrue(pid > 0);
    assertFalse(Files.exists(instance.folder("c1")), "the task's folder is left");
  }

  @Test
  void exit_ofInit_isToldAfterThoseOfExecs() throws Exception {
    instance.createTask("c1", "sleep");
    begin("c1", "");
    Instance.Events events = instance.events("topic==\"/tasks/exit\"");
    exec("c1", "e1", "sleep");
    begin("c1", "e1");
    // The init's exit reaches the service first.
    instance.hosts.exit(Instance.key("c1"), "", 137);
    Thread.sleep(200);
    instance.hosts.exit(Instance.key("c1"), "e1", 137);
    TaskExit first = TaskExit.parseFrom(events.next().getEvent().getValue());
    TaskExit second = TaskExit.parseFrom(events.next().getEvent().getValue());
    assertEquals("e1", first.getId());
    assertEquals("c1", second.getId());
    assertEquals(137, second.getExitStatus());
  }

  private void exec(String id, String execId, String program) {
    var _ =
        instance
            .tasks()
            .exec(
                ExecProcessRequest.newBuilder()
                    .setContainerId(id)
                    .setExecId(execId)
                    .setSpec(Instance.process(program))
                    .build());
  }

  // Row CD-15.
  @Test
  void exec_lives_waitsAndIsDeleted() throws Exception {
    instance.createTask("c1", "sleep");
    Instance.Events events = instance.events("topic~=|^/tasks/|");
    // On a task that is only created (containerd-api.md, trap 18).
    exec("c1", "e1", "true");
    begin("c1", "e1");
    assertEquals(0, await("c1", "e1").getExitStatus());
    assertEquals(
        List.of("/tasks/exec-added", "/tasks/exec-started", "/tasks/exit"),
        events.topicsUntil("/tasks/exit"));
    refused(Code.ALREADY_EXISTS, () -> exec("c1", "e1", "true"));
    assertEquals(
        "e1",
        instance
            .tasks()
            .deleteProcess(
                DeleteProcessRequest.newBuilder().setContainerId("c1").setExecId("e1").build())
            .getId());
    refused(Code.NOT_FOUND, () -> status("c1", "e1"));
    exec("c1", "e1", "true");
  }

  private void execWithEnvironment(String execId, int bytes) {
    String process =
        "{\"args\":[\"true\"],\"cwd\":\"/\",\"env\":[\"A=" + "x".repeat(bytes) + "\"]}";
    var _ =
        instance
            .tasks()
            .exec(
                ExecProcessRequest.newBuilder()
                    .setContainerId("c1")
                    .setExecId(execId)
                    .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFromUtf8(process)))
                    .build());
  }

  @Test
  void exec_ofALongProcess_goesToTheShimByFile() {
    instance.createTask("c1", "sleep");
    execWithEnvironment("long", 1 << 20);
    begin("c1", "long");
    assertEquals(0, await("c1", "long").getExitStatus());
    refused(Code.INVALID_ARGUMENT, () -> execWithEnvironment("longer", 7 << 20));
  }

  @Test
  void exec_withoutSpecOrId_isRefused() {
    instance.createTask("c1", "sleep");
    ExecProcessRequest noSpec =
        ExecProcessRequest.newBuilder().setContainerId("c1").setExecId("e1").build();
    refused(Code.INVALID_ARGUMENT, () -> instance.tasks().exec(noSpec));
    refused(Code.INVALID_ARGUMENT, () -> exec("c1", "", "true"));
    refused(Code.INVALID_ARGUMENT, () -> exec("c1", "a/b", "true"));
    // The refused id is still free.
    exec("c1", "e1", "true");
  }

  // Row MD-13.
  @Test
  void create_ofMissingProgram_leavesNothing() {
    instance.record("c1", "missing");
    StatusRuntimeException e =
        refused(
            Code.UNKNOWN,
            () ->
                instance
                    .tasks()
                    .create(CreateTaskRequest.newBuilder().setContainerId("c1").build()));
    assertTrue(
        e.getMessage().contains("exec: \"missing\": executable file not found in $PATH"),
        e.getMessage());
    refused(Code.NOT_FOUND, () -> status("c1", ""));
    assertFalse(Files.exists(instance.folder("c1")));
    // The id can be used again: the same error, not ALREADY_EXISTS.
    refused(
        Code.UNKNOWN,
        () -> instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId("c1").build()));
  }

  @Test
  void create_ofMalformedSpec_isRefusedAndLeavesNothing() {
    Container broken =
        Instance.described("c1", "true").toBuilder()
            .setSpec(Anys.of(Anys.SPEC, ByteString.copyFromUtf8("{\"process\":")))
            .build();
    var _ =
        instance
            .containers()
            .create(CreateContainerRequest.newBuilder().setContainer(broken).build());
    refused(
        Code.INVALID_ARGUMENT,
        () -> instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId("c1").build()));
    assertFalse(Files.exists(instance.folder("c1")));
    refused(Code.NOT_FOUND, () -> status("c1", ""));
  }

  @Test
  void create_writesExactSpecBytes() throws IOException {
    instance.createTask("c1", "sleep");
    assertArrayEquals(
        Instance.described("c1", "sleep").getSpec().getValue().toByteArray(),
        Files.readAllBytes(instance.folder("c1").resolve("bundle/config.json")));
    assertEquals("test\nc1\n", Files.readString(instance.folder("c1").resolve("id")));
  }

  @Test
  void create_ofUnknownRuntime_saysWhichProgramIsMissing() {
    Container other =
        Instance.described("c1", "true").toBuilder()
            .setRuntime(Container.Runtime.newBuilder().setName("io.containerd.kata.v2"))
            .build();
    var _ =
        instance
            .containers()
            .create(CreateContainerRequest.newBuilder().setContainer(other).build());
    StatusRuntimeException e =
        refused(
            Code.UNKNOWN,
            () ->
                instance
                    .tasks()
                    .create(CreateTaskRequest.newBuilder().setContainerId("c1").build()));
    assertTrue(
        e.getMessage().contains("binary not installed \"containerd-shim-kata-v2\""),
        e.getMessage());
  }

  @Test
  void create_withForeignOptions_isRefusedAsContainerdDoes() {
    instance.record("c1", "true");
    CreateTaskRequest unknown =
        CreateTaskRequest.newBuilder()
            .setContainerId("c1")
            .setOptions(Any.newBuilder().setTypeUrl("example.Unknown"))
            .build();
    StatusRuntimeException e = refused(Code.UNKNOWN, () -> instance.tasks().create(unknown));
    assertTrue(e.getMessage().contains("type with url example.Unknown: not found"));
    CreateTaskRequest wrong =
        unknown.toBuilder()
            .setOptions(Any.newBuilder().setTypeUrl("containerd.runc.v1.CheckpointOptions"))
            .build();
    e = refused(Code.UNKNOWN, () -> instance.tasks().create(wrong));
    assertTrue(e.getMessage().contains("invalid task create option for io.containerd.runc.v2"));
  }

  @Test
  void create_byTwoClients_oneWins() throws Exception {
    instance.record("c1", "sleep");
    List<CompletableFuture<Code>> answers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      CompletableFuture<Code> answer = new CompletableFuture<>();
      answers.add(answer);
      Thread.ofVirtual()
          .start(() -> {
            try {
              var _ =
                  instance
                      .tasks()
                      .create(CreateTaskRequest.newBuilder().setContainerId("c1").build());
              answer.complete(Code.OK);
            } catch (StatusRuntimeException e) {
              answer.complete(e.getStatus().getCode());
            }
          });
    }
    int won = 0;
    for (CompletableFuture<Code> answer : answers) {
      Code code = answer.get();
      won += code == Code.OK ? 1 : 0;
      assertTrue(code == Code.OK || code == Code.ALREADY_EXISTS, code.name());
    }
    assertEquals(1, won);
  }

  // CD-07
  @Test
  void record_withTask_cannotBeDeleted() {
    instance.createTask("c1", "sleep");
    DeleteContainerRequest request = DeleteContainerRequest.newBuilder().setId("c1").build();
    refused(Code.FAILED_PRECONDITION, () -> instance.containers().delete(request));
    delete("c1");
    var _ = instance.containers().delete(request);
  }

  @Test
  void delete_ofRunningTask_isRefusedWithContainerdsWords() {
    instance.createTask("c1", "sleep");
    begin("c1", "");
    StatusRuntimeException e = refused(Code.UNKNOWN, () -> delete("c1"));
    assertTrue(e.getMessage().contains("cannot delete a running process"));
    // It was not harmed, and can be deleted later.
    assertEquals(Status.RUNNING, status("c1", ""));
    kill("c1", 9);
    assertEquals(137, await("c1", "").getExitStatus());
    delete("c1");
    refused(Code.NOT_FOUND, () -> delete("c1"));
  }

  private void kill(String id, int signal) {
    var _ =
        instance
            .tasks()
            .kill(KillRequest.newBuilder().setContainerId(id).setSignal(signal).build());
  }

  // Calls before a record, and before a task, say different things.
  // Row DN-33.
  @Test
  void calls_withoutTask_areNotFound() {
    StatusRuntimeException e = refused(Code.NOT_FOUND, () -> status("nobody", ""));
    assertTrue(e.getMessage().contains("container \"nobody\""), e.getMessage());
    instance.record("c1", "true");
    e = refused(Code.NOT_FOUND, () -> status("c1", ""));
    assertTrue(e.getMessage().contains("task c1"), e.getMessage());
    refused(Code.NOT_FOUND, () -> await("c1", ""));
    refused(Code.NOT_FOUND, () -> status("a b", ""));
  }

  @Test
  void calls_withoutNamespace_areRefused() {
    TasksGrpc.TasksBlockingStub bare = TasksGrpc.newBlockingStub(instance.channel());
    StatusRuntimeException e =
        refused(Code.FAILED_PRECONDITION, () -> bare.list(ListTasksRequest.getDefaultInstance()));
    assertTrue(e.getMessage().contains("namespace is required"));
  }

  @Test
  void wait_blocksUntilExit_andAnswersAfterwards() throws Exception {
    instance.createTask("c1", "sleep");
    begin("c1", "");
    CompletableFuture<WaitResponse> early = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> early.complete(await("c1", "")));
    Thread.sleep(100);
    assertFalse(early.isDone());
    instance.hosts.exit(Instance.key("c1"), "", 3);
    assertEquals(3, early.get().getExitStatus());
    assertEquals(3, await("c1", "").getExitStatus());
  }

  /** Row D01-08: a deadline passes, a client goes away, and no thread goes on waiting for them. */
  @Test
  void wait_thatIsGivenUp_leavesNoThread() throws Exception {
    instance.createTask("c1", "sleep");
    begin("c1", "");
    WaitRequest request = WaitRequest.newBuilder().setContainerId("c1").build();
    for (int i = 0; i < 20; i++) {
      refused(
          Code.DEADLINE_EXCEEDED,
          () -> instance.tasks().withDeadlineAfter(Duration.ofMillis(20)).wait(request));
    }
    try (CancellableContext client = Context.current().withCancellation()) {
      CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();
      Runnable call =
          () -> {
            var e =
                assertThrows(StatusRuntimeException.class, () -> instance.tasks().wait(request));
            end.complete(e);
          };
      Thread.ofVirtual().start(client.wrap(call));
      while (waiting() == 0) {
        Thread.sleep(5);
      }
      client.cancel(null);
      assertEquals(Code.CANCELLED, end.get().getStatus().getCode());
    }
    long limit = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (waiting() > 0) {
      assertTrue(System.nanoTime() < limit, "threads still wait");
      Thread.sleep(20);
    }
    // The task itself is as it was.
    instance.hosts.exit(Instance.key("c1"), "", 4);
    assertEquals(4, await("c1", "").getExitStatus());
  }

  /** Threads of any kind in the service's side of a wait. */
  private long waiting() throws Exception {
    Path dump = Files.createTempDirectory("berth-threads").resolve("dump");
    try {
      ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
          .dumpThreads(dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
      return Files.readString(dump)
          .lines()
          .filter(line -> line.contains("io.berth.containerd.task.TasksEndpoint.wait("))
          .count();
    } finally {
      Files.deleteIfExists(dump);
      Files.delete(dump.getParent());
    }
  }

  @Test
  void list_andPidsAndMetrics_areOfOneNamespace() {
    instance.createTask("c1", "sleep");
    instance.createTask("c2", "sleep");
    assertEquals(
        List.of("c1", "c2"),
        instance.tasks().list(ListTasksRequest.getDefaultInstance()).getTasksList().stream()
            .map(process -> process.getId())
            .toList());
    assertEquals(
        0,
        UnixChannel.in(TasksGrpc.newBlockingStub(instance.channel()), "other", null)
            .list(ListTasksRequest.getDefaultInstance())
            .getTasksCount());
    assertEquals(
        1,
        instance
            .tasks()
            .listPids(ListPidsRequest.newBuilder().setContainerId("c1").build())
            .getProcessesCount());
    assertEquals(
        List.of("c2"),
        instance
            .tasks()
            .metrics(MetricsRequest.newBuilder().addFilters("id==c2").build())
            .getMetricsList()
            .stream()
            .map(metric -> metric.getId())
            .toList());
    // A task whose shim fails is left out.
    instance.hosts.loseSupervisor(Instance.key("c1"));
    assertEquals(
        1, instance.tasks().metrics(MetricsRequest.getDefaultInstance()).getMetricsCount());
    refused(
        Code.UNKNOWN,
        () -> instance.tasks().metrics(MetricsRequest.newBuilder().addFilters("id==").build()));
  }

  @Test
  void pauseAndResume_areToldAndRefusedInTheWrongState() throws InterruptedException {
    instance.createTask("c1", "sleep");
    PauseTaskRequest pause = PauseTaskRequest.newBuilder().setContainerId("c1").build();
    refused(Code.UNKNOWN, () -> instance.tasks().pause(pause));
    begin("c1", "");
    Instance.Events events = instance.events("topic~=|^/tasks/|");
    var _ = instance.tasks().pause(pause);
    assertEquals(Status.PAUSED, status("c1", ""));
    var _ = instance.tasks().resume(ResumeTaskRequest.newBuilder().setContainerId("c1").build());
    assertEquals(List.of("/tasks/paused", "/tasks/resumed"), events.topicsUntil("/tasks/resumed"));
  }

  @Test
  void oom_isTold() throws InterruptedException {
    instance.createTask("c1", "sleep");
    Instance.Events events = instance.events("topic==\"/tasks/oom\"");
    instance.hosts.oom(Instance.key("c1"));
    assertEquals("/tasks/oom", events.next().getTopic());
  }

  // Row CD-14.
  @Test
  void checkpoint_isNotImplemented() {
    instance.createTask("c1", "sleep");
    refused(
        Code.UNIMPLEMENTED,
        () ->
            instance
                .tasks()
                .checkpoint(CheckpointTaskRequest.newBuilder().setContainerId("c1").build()));
  }

  @Test
  void kill_ofStoppedTask_isNotFoundWithContainerdsWords()
      throws ExecutionException, InterruptedException {
    instance.createTask("c1", "true");
    begin("c1", "");
    await("c1", "");
    StatusRuntimeException e = refused(Code.NOT_FOUND, () -> kill("c1", 15));
    assertTrue(
        e.getMessage().toLowerCase(Locale.ROOT).contains("process already finished"),
        e.getMessage());
  }
}
