package io.berth.containerd.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ListTasksRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.layout.StateFolders;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deaths of hosts, of this service, and of both; on the same database and folders. */
class RestartTest {
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

  private void begin(String id) {
    var _ = instance.tasks().start(StartRequest.newBuilder().setContainerId(id).build());
  }

  private Process get(String id) {
    return instance.tasks().get(GetRequest.newBuilder().setContainerId(id).build()).getProcess();
  }

  private int await(String id) {
    return instance
        .tasks()
        .wait(WaitRequest.newBuilder().setContainerId(id).build())
        .getExitStatus();
  }

  // Row CD-13.
  @Test
  void hostsDeath_losesNothing() throws InterruptedException {
    instance.createTask("c1", "sleep");
    instance.createTask("c2", "sleep");
    begin("c1");
    begin("c2");
    int first = instance.hosts.holderOf(Instance.key("c1"));
    instance.hosts.killHolderOf(Instance.key("c1"));
    assertEquals(Status.RUNNING, get("c1").getStatus());
    assertEquals(Status.RUNNING, get("c2").getStatus());
    assertTrue(instance.hosts.holderOf(Instance.key("c1")) != first);
    // What happens next is heard from the new host.
    instance.hosts.exit(Instance.key("c1"), "", 4);
    assertEquals(4, await("c1"));
  }

  @Test
  void exitDuringAdoption_isNotLost() {
    instance.createTask("c1", "sleep");
    begin("c1");
    int holder = instance.hosts.holderOf(Instance.key("c1"));
    instance.hosts.kill(holder);
    // Nobody holds it at this moment.
    instance.hosts.exit(Instance.key("c1"), "", 6);
    assertEquals(6, await("c1"));
  }

  @Test
  void startUnderWay_whenItsHostDies_isDoneOnce() {
    instance.createTask("c1", "sleep");
    AtomicBoolean killed = new AtomicBoolean();
    instance.hosts.beforeStartAnswer =
        () -> {
          if (killed.compareAndSet(false, true)) {
            instance.hosts.killHolderOf(Instance.key("c1"));
          }
        };
    begin("c1");
    assertTrue(killed.get());
    assertEquals(List.of("start:"), instance.hosts.supervisor(Instance.key("c1")).done());
    assertEquals(Status.RUNNING, get("c1").getStatus());
  }

  @Test
  void placementUnderWay_whenItsHostDies_isDoneOnce() {
    instance.record("c1", "sleep");
    AtomicBoolean killed = new AtomicBoolean();
    instance.hosts.beforePlaceAnswer =
        () -> {
          if (killed.compareAndSet(false, true)) {
            instance.hosts.killHolderOf(Instance.key("c1"));
          }
        };
    int pid =
        instance
            .tasks()
            .create(CreateTaskRequest.newBuilder().setContainerId("c1").build())
            .getPid();
    assertTrue(killed.get());
    assertEquals(pid, get("c1").getPid());
    assertEquals(Status.CREATED, get("c1").getStatus());
  }

  // DN-21: after a restart the same tasks are there, in their true states.
  @Test
  void serviceRestart_findsTasksAndHosts() throws IOException {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.createTask("c2", "sleep");
    int holder = instance.hosts.holderOf(Instance.key("c1"));
    instance.stop();
    instance.start();
    assertEquals(Status.RUNNING, get("c1").getStatus());
    assertEquals(Status.CREATED, get("c2").getStatus());
    assertEquals(holder, instance.hosts.holderOf(Instance.key("c1")));
    begin("c2");
    instance.hosts.exit(Instance.key("c2"), "", 1);
    assertEquals(1, await("c2"));
  }

  // CD-17: exits of the time when the service was down are told to those who come back.
  @Test
  void exitWhileServiceIsDown_isRecordedAndToldToThoseWhoComeBack() throws Exception {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.stop();
    instance.hosts.exit(Instance.key("c1"), "", 9);
    instance.start();
    assertEquals(9, await("c1"));
    Instance.Events late = instance.events("topic==\"/tasks/exit\"");
    TaskExit told = TaskExit.parseFrom(late.next().getEvent().getValue());
    assertEquals("c1", told.getId());
    assertEquals(9, told.getExitStatus());
    assertTrue(late.isQuiet(), "told twice");
  }

  @Test
  void exitAnsweredBeforeARestart_isAnsweredAfterIt() throws IOException {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.hosts.exit(Instance.key("c1"), "", 5);
    assertEquals(5, await("c1"));
    instance.stop();
    instance.start();
    assertEquals(5, await("c1"));
    assertEquals(Status.STOPPED, get("c1").getStatus());
    assertEquals(
        5,
        instance
            .tasks()
            .delete(DeleteTaskRequest.newBuilder().setContainerId("c1").build())
            .getExitStatus());
  }

  // Row DC-11.
  @Test
  void serviceAndAllHostsDead_tasksAreAdopted() throws IOException {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    instance.start();
    assertEquals(Status.RUNNING, get("c1").getStatus());
    var _ =
        instance.tasks().kill(KillRequest.newBuilder().setContainerId("c1").setSignal(9).build());
    assertEquals(137, await("c1"));
  }

  // Row CD-16.
  @Test
  void supervisorLostWhileServiceIsDown_isAnUnknownExit() throws IOException {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    instance.hosts.loseSupervisor(Instance.key("c1"));
    instance.start();
    assertEquals(255, await("c1"));
    assertEquals(Status.STOPPED, get("c1").getStatus());
    assertEquals(
        255,
        instance
            .tasks()
            .delete(DeleteTaskRequest.newBuilder().setContainerId("c1").build())
            .getExitStatus());
    assertFalse(Files.exists(instance.folder("c1")));
  }

  // Rows D01-102, CD-11.
  @Test
  void halfMadeTask_isRemovedAtStart() throws IOException, InterruptedException {
    instance.record("c1", "sleep");
    instance.stop();
    // As it looks when the service died between the folder and the placement.
    Files.createDirectories(instance.folder("c1").resolve("bundle/rootfs"));
    Files.writeString(instance.folder("c1").resolve("id"), "test\nc1\n");
    instance.start();
    for (int i = 0; i < 100 && Files.exists(instance.folder("c1")); i++) {
      Thread.sleep(50);
    }
    assertFalse(Files.exists(instance.folder("c1")));
    var _ = instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId("c1").build());
  }

  @Test
  void anotherBoot_wipesTheStateFolder() throws IOException {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.start();
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> get("c1"));
    assertEquals(Code.NOT_FOUND, e.getStatus().getCode());
    assertFalse(Files.exists(instance.folder("c1")));
    assertEquals(0, instance.tasks().list(ListTasksRequest.getDefaultInstance()).getTasksCount());
  }

  @Test
  void newBuild_movesTasksToNewHosts() throws IOException, InterruptedException {
    instance.createTask("c1", "sleep");
    begin("c1");
    instance.stop();
    instance.hosts.install("b2");
    instance.start();
    for (int i = 0; i < 100 && instance.hosts.builds().contains("b1"); i++) {
      Thread.sleep(50);
    }
    assertEquals(Set.of("b2"), instance.hosts.builds(), "an old host did not end");
    assertEquals(Status.RUNNING, get("c1").getStatus());
  }

  @Test
  void isolationByLabel_givesAHostOfItsOwn() {
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
    var _ = instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId("c1").build());
    instance.createTask("c2", "sleep");
    instance.createTask("c3", "sleep");
    int own = instance.hosts.holderOf(Instance.key("c1"));
    assertTrue(own != instance.hosts.holderOf(Instance.key("c2")));
    assertEquals(
        instance.hosts.holderOf(Instance.key("c2")), instance.hosts.holderOf(Instance.key("c3")));
  }
}
