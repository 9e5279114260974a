package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.RenameRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.UnpauseRequest;
import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.EngineEventsGrpc;
import io.berth.api.berth.event.v1.WatchRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.base.layout.RootFolders;
import io.berth.base.rpc.Timestamps;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Starting, stopping and freezing containers. */
final class ContainerLifeTest extends ContainerCalls {
  @Test
  void life_fromCreateToRemove() {
    String id = create("web", "sleep");
    assertEquals(64, id.length());
    assertEquals(State.STATE_CREATED, state("web"));
    // No task, and so no shim, before the start.
    assertFalse(instance.hosts.hasSupervisor(Instance.key(id)));
    assertTrue(begin("web").getPid() > 0);
    assertEquals(State.STATE_RUNNING, state(id.substring(0, 6)));
    assertTrue(begin("web").getAlready());
    // In docker's words.
    assertTrue(
        refused(Code.FAILED_PRECONDITION, () -> remove("web", false))
            .getMessage()
            .contains("You cannot remove a running container " + id));
    assertFalse(
        stub().stop(StopRequest.newBuilder().setRef("web").setTimeout(5).build()).getAlready());
    Container stopped = get("web");
    assertEquals(State.STATE_EXITED, stopped.getState().getState());
    assertEquals(143, stopped.getState().getExitCode());
    assertTrue(stub().stop(StopRequest.newBuilder().setRef("web").build()).getAlready());
    // It can be started again.
    begin("web");
    remove("web", true);
    refused(Code.NOT_FOUND, () -> get("web"));
    assertFalse(Files.exists(new RootFolders(instance.config.root()).container(Instance.key(id))));
    assertFalse(instance.hosts.hasSupervisor(Instance.key(id)));
  }

  // Recorded from docker 20.10, but for what concerns its networks.
  @Test
  void whatHappens_isToldInDockersWords() {
    String id = create("web", "sleep");
    begin("web");
    var _ = stub().pause(PauseRequest.newBuilder().setRef("web").build());
    var _ = stub().unpause(UnpauseRequest.newBuilder().setRef("web").build());
    var _ = stub().rename(RenameRequest.newBuilder().setRef("web").setName("www").build());
    var _ = stub().stop(StopRequest.newBuilder().setRef("www").setTimeout(5).build());
    remove("www", false);
    List<EngineEvent> told = new ArrayList<>();
    UnixChannel.in(EngineEventsGrpc.newBlockingStub(instance.channel()), Instance.NAMESPACE, null)
        .watch(
            WatchRequest.newBuilder()
                .setSince(Timestamp.getDefaultInstance())
                .setUntil(Timestamps.of(Instant.now()))
                .addFilters("type=container")
                .addFilters("container=" + id)
                .build())
        .forEachRemaining(told::add);
    assertEquals(
        List.of("create", "start", "pause", "unpause", "rename", "kill", "die", "stop", "destroy"),
        told.stream().map(EngineEvent::getAction).toList());
    assertEquals(List.of(id), told.stream().map(EngineEvent::getActorId).distinct().toList());
    assertEquals("web", told.get(0).getAttributesOrThrow("name"));
    assertEquals("/web", told.get(4).getAttributesOrThrow("oldName"));
    assertEquals("15", told.get(5).getAttributesOrThrow("signal"));
    assertEquals("143", told.get(6).getAttributesOrThrow("exitCode"));
    assertEquals("www", told.get(8).getAttributesOrThrow("name"));
  }

  @Test
  void missingProgram_isRememberedAs127() {
    create("bad", "missing");
    StatusRuntimeException e = refused(Code.UNKNOWN, () -> begin("bad"));
    assertTrue(e.getMessage().contains("executable file not found"));
    assertEquals(127, get("bad").getState().getExitCode());
    assertEquals(State.STATE_CREATED, get("bad").getState().getState());
    assertTrue(get("bad").getState().getError().contains("executable file not found"));
    remove("bad", false);
  }

  // case L3: what has not begun is not waited for.
  @Test
  void waitAndLogs_ofACreatedContainer_areOverAtOnce() {
    create("new", "sleep");
    assertEquals(0, await("new", ""));
    assertEquals(0, await("new", "not-running"));
    assertFalse(
        stub().logs(LogsRequest.newBuilder().setRef("new").setFollow(true).build()).hasNext());
  }

  @Test
  void stop_ofAStubbornProgram_endsItAfterTheTimeout() {
    String id = create("deaf", "stubborn");
    begin("deaf");
    var _ = stub().stop(StopRequest.newBuilder().setRef("deaf").setTimeout(1).build());
    assertEquals(137, get(id).getState().getExitCode());
  }

  // What cannot be asked to end is not waited for.
  @Test
  void stop_whoseSignalCannotBeDelivered_killsAtOnce() {
    String id = create("lost", "sleep");
    begin("lost");
    instance.hosts.undeliverable = signal -> signal == 15;
    long before = System.nanoTime();
    var _ = stub().stop(StopRequest.newBuilder().setRef("lost").setTimeout(10).build());
    assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(5), "it waited");
    assertEquals(137, get(id).getState().getExitCode());
  }

  // A kill is over when the process is; a frozen one takes the signal, too.
  @Test
  void kill_waitsForTheEnd_andReachesAPausedOne() {
    create("frozen", "sleep");
    begin("frozen");
    var _ = stub().pause(PauseRequest.newBuilder().setRef("frozen").build());
    var _ = stub().kill(KillRequest.newBuilder().setRef("frozen").build());
    assertEquals(State.STATE_EXITED, state("frozen"));
    assertEquals(137, get("frozen").getState().getExitCode());
  }

  @Test
  void start_ofAPausedContainer_namesTheWayOut() {
    create("frozen", "sleep");
    begin("frozen");
    var _ = stub().pause(PauseRequest.newBuilder().setRef("frozen").build());
    assertTrue(
        refused(Code.FAILED_PRECONDITION, () -> begin("frozen"))
            .getMessage()
            .contains("try unpause instead"));
  }

  @Test
  void killAndPause_needARunningContainer() {
    create("web", "sleep");
    KillRequest kill = KillRequest.newBuilder().setRef("web").build();
    refused(Code.FAILED_PRECONDITION, () -> stub().kill(kill));
    PauseRequest pause = PauseRequest.newBuilder().setRef("web").build();
    refused(Code.FAILED_PRECONDITION, () -> stub().pause(pause));
    begin("web");
    var _ = stub().pause(pause);
    assertEquals(State.STATE_PAUSED, state("web"));
    refused(Code.FAILED_PRECONDITION, () -> stub().pause(pause));
    var _ = stub().unpause(UnpauseRequest.newBuilder().setRef("web").build());
    refused(Code.INVALID_ARGUMENT, () -> stub().kill(kill.toBuilder().setSignal("NOSUCH").build()));
    var _ = stub().kill(kill);
    assertEquals(137, await("web", ""));
  }

  @Test
  void containerdsClients_seeTheSameContainer_andStartItTheSameWay() throws IOException {
    String id = create("web", "sleep");
    String spec =
        instance
            .containers()
            .get(GetContainerRequest.newBuilder().setId(id).build())
            .getContainer()
            .getSpec()
            .getValue()
            .toStringUtf8();
    assertTrue(spec.contains("\"seccomp\""), spec);
    assertTrue(
        spec.contains("\"cgroupsPath\":\"/" + instance.config.cgroupParent() + "/" + id + "\""));
    int pid =
        instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId(id).build()).getPid();
    assertTrue(pid > 0);
    // The preparation ran: its files are there.
    assertTrue(
        Files.readString(
                new RootFolders(instance.config.root())
                    .container(Instance.key(id))
                    .resolve("hosts"))
            .contains("localhost"));
  }
}
