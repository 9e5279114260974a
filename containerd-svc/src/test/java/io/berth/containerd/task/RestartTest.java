package io.berth.containerd.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.services.tasks.v1.ListTasksRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.layout.StateFolders;
import io.berth.containerd.fake.Instance;
import io.berth.containerd.fake.TaskCalls;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Deaths of shim processes, of this service, and of both; on the same database and folders. */
class RestartTest {
  @RegisterExtension final Instance instance = new Instance();

  private final TaskCalls calls = new TaskCalls(instance);

  /** The tasks of a shim process that dies are taken over by another one. */
  @Test
  void deathOfAShimProcess_losesNothing() {
    instance.createTask("c1", "sleep");
    instance.createTask("c2", "sleep");
    calls.start("c1");
    calls.start("c2");
    instance.hosts.killHolderOf(Instance.key("c1"));
    assertEquals(Status.RUNNING, calls.status("c1"));
    assertEquals(Status.RUNNING, calls.status("c2"));
    // It may have the number of the one that died.
    assertTrue(instance.hosts.holderOf(Instance.key("c1")) > 0);
    // What happens next is heard from the new process.
    instance.hosts.exit(Instance.key("c1"), "", 4);
    assertEquals(4, calls.await("c1"));
  }

  @Test
  void exitDuringAdoption_isNotLost() {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    int holder = instance.hosts.holderOf(Instance.key("c1"));
    instance.hosts.kill(holder);
    // Nobody holds it at this moment.
    instance.hosts.exit(Instance.key("c1"), "", 6);
    assertEquals(6, calls.await("c1"));
  }

  @Test
  void startUnderWay_whenItsShimProcessDies_isDoneOnce() {
    instance.createTask("c1", "sleep");
    AtomicBoolean killed = new AtomicBoolean();
    instance.hosts.beforeStartAnswer =
        () -> {
          if (killed.compareAndSet(false, true)) {
            instance.hosts.killHolderOf(Instance.key("c1"));
          }
        };
    calls.start("c1");
    assertTrue(killed.get());
    assertEquals(List.of("start:"), instance.hosts.supervisor(Instance.key("c1")).done());
    assertEquals(Status.RUNNING, calls.status("c1"));
  }

  @Test
  void placementUnderWay_whenItsShimProcessDies_isDoneOnce() {
    instance.record("c1", "sleep");
    AtomicBoolean killed = new AtomicBoolean();
    instance.hosts.beforePlaceAnswer =
        () -> {
          if (killed.compareAndSet(false, true)) {
            instance.hosts.killHolderOf(Instance.key("c1"));
          }
        };
    int pid = calls.create("c1");
    assertTrue(killed.get());
    assertEquals(pid, calls.get("c1", "").getPid());
    assertEquals(Status.CREATED, calls.status("c1"));
  }

  /** After a restart the same tasks are there, in their true states. */
  @Test
  void serviceRestart_findsTasksAndShimProcesses() throws IOException {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.createTask("c2", "sleep");
    int holder = instance.hosts.holderOf(Instance.key("c1"));
    instance.stop();
    instance.start();
    assertEquals(Status.RUNNING, calls.status("c1"));
    assertEquals(Status.CREATED, calls.status("c2"));
    assertEquals(holder, instance.hosts.holderOf(Instance.key("c1")));
    calls.start("c2");
    instance.hosts.exit(Instance.key("c2"), "", 1);
    assertEquals(1, calls.await("c2"));
  }

  /** Exits of the time when the service was down are told to subscribers that come back. */
  @Test
  void exitWhileServiceIsDown_isRecordedAndToldOnce() throws Exception {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.stop();
    instance.hosts.exit(Instance.key("c1"), "", 9);
    instance.start();
    assertEquals(9, calls.await("c1"));
    Instance.Events late = instance.events("topic==\"/tasks/exit\"");
    TaskExit told = TaskExit.parseFrom(late.next().getEvent().getValue());
    assertEquals("c1", told.getId());
    assertEquals(9, told.getExitStatus());
    assertTrue(late.isQuiet(), "told twice");
  }

  @Test
  void exitAnsweredBeforeARestart_isAnsweredAfterIt() throws IOException {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.hosts.exit(Instance.key("c1"), "", 5);
    assertEquals(5, calls.await("c1"));
    instance.stop();
    instance.start();
    assertEquals(5, calls.await("c1"));
    assertEquals(Status.STOPPED, calls.status("c1"));
    assertEquals(5, calls.delete("c1"));
  }

  /** Containers outlive this service and every shim process, and can be killed afterwards. */
  @Test
  void serviceAndAllShimProcessesDead_tasksAreAdopted() throws IOException {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    instance.start();
    assertEquals(Status.RUNNING, calls.status("c1"));
    calls.kill("c1", 9);
    assertEquals(137, calls.await("c1"));
  }

  /** An exit that nobody can learn any more is told as 255, and the task can be deleted. */
  @Test
  void supervisorLostWhileServiceIsDown_isAnUnknownExit() throws IOException {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    instance.hosts.loseSupervisor(Instance.key("c1"));
    instance.start();
    assertEquals(255, calls.await("c1"));
    assertEquals(Status.STOPPED, calls.status("c1"));
    assertEquals(255, calls.delete("c1"));
    assertFalse(Files.exists(instance.folder("c1")));
  }

  /** What a service left half made when it died is gone after its next start. */
  @Test
  void halfMadeTask_isRemovedAtStart() throws Exception {
    instance.record("c1", "sleep");
    instance.stop();
    // As it looks when the service died between the folder and the placement.
    Files.createDirectories(instance.folder("c1").resolve("bundle/rootfs"));
    Files.writeString(instance.folder("c1").resolve("id"), "test\nc1\n");
    instance.start();
    Eventually.holds("removed", () -> !Files.exists(instance.folder("c1")));
    var _ = calls.create("c1");
  }

  @Test
  void anotherBoot_wipesTheStateFolder() throws IOException {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.start();
    StatusRuntimeException e =
        assertThrows(StatusRuntimeException.class, () -> calls.get("c1", ""));
    assertEquals(Code.NOT_FOUND, e.getStatus().getCode());
    assertFalse(Files.exists(instance.folder("c1")));
    assertEquals(0, instance.tasks().list(ListTasksRequest.getDefaultInstance()).getTasksCount());
  }

  @Test
  void newBuild_movesTasksToNewShimProcesses() throws IOException, InterruptedException {
    instance.createTask("c1", "sleep");
    calls.start("c1");
    instance.stop();
    instance.hosts.install("b2");
    instance.start();
    var _ =
        Eventually.answers("of the new build alone", instance.hosts::builds, Set.of("b2")::equals);
    assertEquals(Status.RUNNING, calls.status("c1"));
  }

  @Test
  void isolationByLabel_givesAShimProcessOfItsOwn() {
    var record =
        Instance.described("c1", "sleep").toBuilder()
            .putLabels(Tasks.ISOLATION_LABEL, "container")
            .build();
    var _ =
        instance
            .containers()
            .create(
                io.berth.api.containerd.services.containers.v1.CreateContainerRequest.newBuilder()
                    .setContainer(record)
                    .build());
    var _ = calls.create("c1");
    instance.createTask("c2", "sleep");
    instance.createTask("c3", "sleep");
    int own = instance.hosts.holderOf(Instance.key("c1"));
    assertTrue(own != instance.hosts.holderOf(Instance.key("c2")));
    assertEquals(
        instance.hosts.holderOf(Instance.key("c2")), instance.hosts.holderOf(Instance.key("c3")));
  }
}
