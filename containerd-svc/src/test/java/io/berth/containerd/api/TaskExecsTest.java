package io.berth.containerd.api;

import static io.berth.containerd.fake.TaskCalls.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.services.tasks.v1.DeleteProcessRequest;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.rpc.Anys;
import io.berth.containerd.fake.Instance;
import io.berth.containerd.fake.TaskCalls;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Execs through {@code containerd.services.tasks.v1.Tasks}. */
class TaskExecsTest {
  @RegisterExtension final Instance instance = new Instance();

  private final TaskCalls calls = new TaskCalls(instance);

  @Test
  void exit_ofInit_isToldAfterThoseOfExecs() throws Exception {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    Instance.Events events = instance.events("topic==\"/tasks/exit\"");
    calls.exec("c1", "e1", "sleep");
    calls.start("c1", "e1");
    // The init's exit reaches the service first.
    instance.hosts.exit(Instance.key("c1"), "", 137);
    Eventually.holds("on record", () -> calls.status("c1") == Status.STOPPED);
    instance.hosts.exit(Instance.key("c1"), "e1", 137);
    TaskExit first = TaskExit.parseFrom(events.next().getEvent().getValue());
    TaskExit second = TaskExit.parseFrom(events.next().getEvent().getValue());
    assertEquals("e1", first.getId());
    assertEquals("c1", second.getId());
    assertEquals(137, second.getExitStatus());
  }

  /** An exec has a life of its own, and its id is free again once it is deleted. */
  @Test
  void exec_lives_waitsAndIsDeleted() throws Exception {
    instance.createTask("c1", "sleep");
    Instance.Events events = instance.events("topic~=|^/tasks/|");
    // The task is only created: containerd takes execs of such a task as well.
    calls.exec("c1", "e1", "true");
    calls.start("c1", "e1");
    assertEquals(0, calls.await("c1", "e1"));
    assertEquals(
        List.of("/tasks/exec-added", "/tasks/exec-started", "/tasks/exit"),
        events.topicsUntil("/tasks/exit"));
    refused(Code.ALREADY_EXISTS, () -> calls.exec("c1", "e1", "true"));
    assertEquals(
        "e1",
        instance
            .tasks()
            .deleteProcess(
                DeleteProcessRequest.newBuilder().setContainerId("c1").setExecId("e1").build())
            .getId());
    refused(Code.NOT_FOUND, () -> calls.get("c1", "e1"));
    calls.exec("c1", "e1", "true");
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
    calls.start("c1", "long");
    assertEquals(0, calls.await("c1", "long"));
    refused(Code.INVALID_ARGUMENT, () -> execWithEnvironment("longer", 7 << 20));
  }

  @Test
  void exec_withoutSpecOrId_isRefused() {
    instance.createTask("c1", "sleep");
    ExecProcessRequest noSpec =
        ExecProcessRequest.newBuilder().setContainerId("c1").setExecId("e1").build();
    refused(Code.INVALID_ARGUMENT, () -> instance.tasks().exec(noSpec));
    refused(Code.INVALID_ARGUMENT, () -> calls.exec("c1", "", "true"));
    refused(Code.INVALID_ARGUMENT, () -> calls.exec("c1", "a/b", "true"));
    // The refused id is still free.
    calls.exec("c1", "e1", "true");
  }
}
