package io.berth.containerd.api;

import static io.berth.containerd.fake.TaskCalls.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.tasks.v1.CheckpointTaskRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ListPidsRequest;
import io.berth.api.containerd.services.tasks.v1.ListTasksRequest;
import io.berth.api.containerd.services.tasks.v1.MetricsRequest;
import io.berth.api.containerd.services.tasks.v1.PauseTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ResumeTaskRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.berth.containerd.fake.TaskCalls;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Tasks through {@code containerd.services.tasks.v1.Tasks}, on the service's own socket. */
class TasksEndpointTest {
  @RegisterExtension final Instance instance = new Instance();

  private final TaskCalls calls = new TaskCalls(instance);

  /** The event of the start comes before that of the exit, also when the program ends at once. */
  @Test
  void life_ofAProgramThatEndsAtOnce_isToldInOrder() throws InterruptedException {
    Instance.Events events = instance.events("topic~=|^/tasks/|");
    int pid = instance.createTask("c1", "true");
    calls.start("c1");
    assertEquals(0, calls.await("c1"));
    assertEquals(Status.STOPPED, calls.status("c1"));
    var _ = calls.delete("c1");
    assertEquals(
        List.of("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"),
        events.topicsUntil("/tasks/delete"));
    assertTrue(pid > 0);
    assertFalse(Files.exists(instance.folder("c1")), "the task's folder is left");
  }

  /** A task whose program is missing is never there, and says which program it was. */
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
    refused(Code.NOT_FOUND, () -> calls.status("c1"));
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
    refused(Code.NOT_FOUND, () -> calls.status("c1"));
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

  /** A container's record stays as long as the container has a task. */
  @Test
  void record_withTask_cannotBeDeleted() {
    instance.createTask("c1", "sleep");
    DeleteContainerRequest request = DeleteContainerRequest.newBuilder().setId("c1").build();
    refused(Code.FAILED_PRECONDITION, () -> instance.containers().delete(request));
    var _ = calls.delete("c1");
    var _ = instance.containers().delete(request);
  }

  @Test
  void delete_ofRunningTask_isRefusedWithContainerdsWords() {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    StatusRuntimeException e = refused(Code.UNKNOWN, () -> calls.delete("c1"));
    assertTrue(e.getMessage().contains("cannot delete a running process"));
    // It was not harmed, and can be deleted later.
    assertEquals(Status.RUNNING, calls.status("c1"));
    calls.kill("c1", 9);
    assertEquals(137, calls.await("c1"));
    var _ = calls.delete("c1");
    refused(Code.NOT_FOUND, () -> calls.delete("c1"));
  }

  /** Without a record the container is not found, with one and without a task the task. */
  @Test
  void calls_withoutTask_areNotFound() {
    StatusRuntimeException e = refused(Code.NOT_FOUND, () -> calls.status("nobody"));
    assertTrue(e.getMessage().contains("container \"nobody\""), e.getMessage());
    instance.record("c1", "true");
    e = refused(Code.NOT_FOUND, () -> calls.status("c1"));
    assertTrue(e.getMessage().contains("task c1"), e.getMessage());
    refused(Code.NOT_FOUND, () -> calls.await("c1"));
    refused(Code.NOT_FOUND, () -> calls.status("a b"));
  }

  @Test
  void calls_withoutNamespace_areRefused() {
    TasksGrpc.TasksBlockingStub bare = TasksGrpc.newBlockingStub(instance.channel());
    StatusRuntimeException e =
        refused(Code.FAILED_PRECONDITION, () -> bare.list(ListTasksRequest.getDefaultInstance()));
    assertTrue(e.getMessage().contains("namespace is required"));
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
    calls.start("c1");
    Instance.Events events = instance.events("topic~=|^/tasks/|");
    var _ = instance.tasks().pause(pause);
    assertEquals(Status.PAUSED, calls.status("c1"));
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

  /** Checkpoints are refused by name instead of being ignored. */
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
    calls.start("c1");
    assertEquals(0, calls.await("c1"));
    StatusRuntimeException e = refused(Code.NOT_FOUND, () -> calls.kill("c1", 15));
    assertTrue(
        e.getMessage().toLowerCase(Locale.ROOT).contains("process already finished"),
        e.getMessage());
  }
}
