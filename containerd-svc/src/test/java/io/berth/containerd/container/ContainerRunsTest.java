package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.FromImage;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.ReleaseRequest;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RunRequest;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.Obstacle;
import io.berth.base.id.TaskKey;
import io.berth.containerd.fake.FakePeers.Service;
import io.berth.containerd.fake.Instance;
import io.grpc.Context;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Runs that wait for their clients, and what becomes of them when their clients go away. */
final class ContainerRunsTest extends AbsentServices {
  /** A call of Run: its end is its client's. */
  private final class Call implements AutoCloseable {
    final Context.CancellableContext context = Context.current().withCancellation();
    final Iterator<RunResponse> answers;

    Call(RunRequest.Builder request) {
      Context before = context.attach();
      try {
        answers = stub().run(request.build());
      } finally {
        context.detach(before);
      }
    }

    void next() {
      var _ = answers.next();
    }

    @Override
    public void close() {
      context.cancel(null);
    }
  }

  private static CreateRequest.Builder wanted(String program) {
    return CreateRequest.newBuilder()
        .setName("it")
        .setFromImage(FromImage.newBuilder().setRef("busybox"))
        .setConfig(Config.newBuilder().addCmd(program))
        .setHost(
            HostConfig.newBuilder().addMounts(Mount.newBuilder().setType("volume").setTarget("/v")))
        .setNetwork(NetworkConfig.newBuilder().setMode("bridge"));
  }

  private static RunRequest.Builder running(CreateRequest.Builder wanted) {
    return RunRequest.newBuilder().setCreate(wanted);
  }

  private void release() {
    var _ = stub().release(ReleaseRequest.newBuilder().setRef("it").build());
  }

  private List<String> done(String id) {
    return instance.hosts.supervisor(Instance.key(id)).done();
  }

  private void nothingIsLeft() {
    until(
        () ->
            isGone()
                && peers.prepared.isEmpty()
                && peers.volumes.isEmpty()
                && peers.endpoints.isEmpty(),
        () ->
            "gone: %s, snapshots %s, volumes %s, endpoints %s"
                .formatted(isGone(), peers.prepared, peers.volumes, peers.endpoints));
  }

  @Test
  void theProgramWaitsForItsRelease_andThenIsNobodys() {
    try (Call call = new Call(running(wanted("sleep")))) {
      RunResponse made = call.answers.next();
      assertEquals(32, made.getAttach().getToken().size());
      assertTrue(made.getAttach().getSocket().endsWith("/sup.sock"));
      assertTrue(made.getPid() > 0);
      assertEquals("it", made.getName());
      assertEquals(List.of("another machine's"), made.getWarningsList());
      assertEquals("docker.io/library/busybox:latest", it().getImage());
      assertEquals(made.getId(), it().getSnapshotKey());
      assertEquals(State.STATE_CREATED, state());
      assertEquals(List.of("placed to attach:"), done(made.getId()));
      release();
      assertEquals(List.of("placed to attach:", "start:"), done(made.getId()));
      assertFalse(call.answers.hasNext());
    }
    assertEquals(State.STATE_RUNNING, state());
    refused(Code.FAILED_PRECONDITION, this::release);
  }

  @Test
  void aClientThatGoesAwayBeforeTheReleaseLeavesNothing() {
    TaskKey key;
    try (Call call = new Call(running(wanted("sleep")))) {
      key = Instance.key(call.answers.next().getId());
    }
    nothingIsLeft();
    until(() -> !instance.hosts.hasSupervisor(key), () -> "its process is there");
  }

  /** While its network is made, which is in the middle of the call. */
  @Test
  void aClientThatGoesAwayMeanwhileLeavesNothing() {
    for (boolean detached : new boolean[] {false, true}) {
      Call call = new Call(running(wanted("sleep")).setDetach(detached));
      peers.beforeAttachAnswer = call::close;
      until(call.context::isCancelled, () -> "it came not so far");
      nothingIsLeft();
      peers.beforeAttachAnswer = () -> {};
    }
  }

  /** It was not running when it was asked for, and is by the time that its turn comes. */
  @Test
  void aRemovalThatMeetsAStart_isRefusedAndTakesNothingAway() throws Exception {
    var _ = stub().create(wanted("sleep").build());
    try (ExecutorService caller = Executors.newVirtualThreadPerTaskExecutor()) {
      AtomicReference<Future<?>> removal = new AtomicReference<>();
      peers.beforeAttachAnswer =
          () -> {
            Future<?> asked =
                caller.submit(() -> stub().remove(RemoveRequest.newBuilder().setRef("it").build()));
            removal.set(asked);
            // The start has the container meanwhile.
            assertThrows(TimeoutException.class, () -> asked.get(500, TimeUnit.MILLISECONDS));
          };
      begin();
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> removal.get().get(20, TimeUnit.SECONDS));
      assertInstanceOf(StatusRuntimeException.class, e.getCause());
    }
    assertEquals(State.STATE_RUNNING, state());
    assertFalse(peers.endpoints.isEmpty(), "its place on the network is gone");
    assertFalse(peers.prepared.isEmpty(), "its root is gone");
  }

  @Test
  void aContainerThatWasThereIsAsItWas() {
    var _ = stub().create(wanted("sleep").build());
    try (Call call = new Call(RunRequest.newBuilder().setRef("it"))) {
      String id = call.answers.next().getId();
      assertEquals(List.of("placed to attach:"), done(id));
    }
    until(() -> peers.endpoints.isEmpty(), () -> "its endpoint is there");
    assertEquals(State.STATE_CREATED, state());
    refused(Code.FAILED_PRECONDITION, this::release);
    begin();
    assertEquals(State.STATE_RUNNING, state());
    try (Call again = new Call(RunRequest.newBuilder().setRef("it"))) {
      assertTrue(again.answers.next().getAlready());
      assertFalse(again.answers.hasNext());
    }
    assertEquals(State.STATE_RUNNING, state());
  }

  /** Here image-svc is absent, so that nothing can be undone before the service ends. */
  @Test
  void whatTheServiceLeavesAtItsEnd_itsNextLifeUndoes() throws IOException {
    try (Call call = new Call(running(wanted("sleep")))) {
      var _ = call.answers.next();
      peers.kill(Service.IMAGE);
      instance.stop();
    }
    assertEquals(1, peers.prepared.size());
    instance.start();
    peers.start(Service.IMAGE);
    nothingIsLeft();
  }

  @Test
  void anotherClientMayTakeItOver() {
    try (Call call = new Call(running(wanted("sleep")))) {
      var _ = call.answers.next();
      begin();
      refused(Code.ABORTED, call::next);
      refused(Code.FAILED_PRECONDITION, this::release);
    }
    assertEquals(State.STATE_RUNNING, state());
  }

  /** As docker has it, a container whose program is not there stays, to be looked at. */
  @Test
  void aStartThatFailsIsTold_andTheContainerStays() {
    try (Call call = new Call(running(wanted("missing")))) {
      refused(Code.UNKNOWN, call::next);
    }
    assertEquals(State.STATE_CREATED, state());
    assertEquals(127, it().getState().getExitCode());
    removeIt();
    CreateRequest.Builder fleeting =
        wanted("missing").setHost(HostConfig.newBuilder().setAutoRemove(true));
    try (Call call = new Call(running(fleeting))) {
      refused(Code.UNKNOWN, call::next);
    }
    until(this::isGone, () -> "it is there");
  }

  /**
   * Who finds it no more does not meet what was its own, and a removal cut short can be repeated.
   */
  @Test
  void aContainerIsThereUntilAllOfItIsGone() {
    var _ = stub().create(wanted("sleep").build());
    AtomicReference<Boolean> there = new AtomicReference<>();
    peers.beforeReleaseAnswer = () -> there.set(!isGone());
    var _ = stub().remove(RemoveRequest.newBuilder().setRef("it").setVolumes(true).build());
    assertEquals(true, there.get());
    nothingIsLeft();
  }

  /** It is there to look at, and its client is not kept waiting. */
  @Test
  void aContainerThatCannotRemoveItself_keepsNobodyWaiting() {
    CreateRequest.Builder wanted = wanted("sleep");
    wanted.getHostBuilder().setAutoRemove(true);
    String id;
    try (Call call = new Call(running(wanted).setDetach(true))) {
      id = call.answers.next().getId();
    }
    peers.beforeRemovalAnswer =
        () -> {
          throw new BerthException.Internal("the disk is broken");
        };
    instance.hosts.exit(Instance.key(id), "", 3);
    assertEquals(
        3,
        stub()
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .wait(WaitRequest.newBuilder().setRef("it").setCondition("removed").build())
            .getStatus());
    assertEquals(State.STATE_EXITED, state());
    peers.beforeRemovalAnswer = () -> {};
    removeIt();
  }

  @Test
  void aDetachedRunNeedsNoRelease() {
    try (Call call = new Call(running(wanted("sleep")).setDetach(true))) {
      RunResponse made = call.answers.next();
      assertFalse(made.hasAttach());
      assertFalse(call.answers.hasNext());
      assertEquals(List.of("start:"), done(made.getId()));
    }
    assertEquals(State.STATE_RUNNING, state());
  }

  /** What image-svc made and died before it said so is given back when it is there again. */
  @Test
  void whatWasMadeAndNotAnsweredIsGivenBack() {
    AtomicBoolean once = new AtomicBoolean();
    Runnable dying =
        () -> {
          if (once.getAndSet(false)) {
            peers.kill(Service.IMAGE);
          }
        };
    peers.beforePrepareAnswer = dying;
    peers.beforeVolumeAnswer = () -> {};
    for (int i = 0; i < 2; i++) {
      once.set(true);
      refused(Code.UNAVAILABLE, () -> stub().create(wanted("sleep").build()));
      assertEquals(1, peers.prepared.size());
      peers.start(Service.IMAGE);
      nothingIsLeft();
      peers.beforePrepareAnswer = () -> {};
      peers.beforeVolumeAnswer = dying;
    }
  }

  @Test
  void aCreationThatIsRefusedTakesItsRootBack() {
    CreateRequest.Builder request = wanted("sleep");
    request.getConfigBuilder().setStopSignal("NOSUCH");
    refused(Code.INVALID_ARGUMENT, () -> stub().create(request.build()));
    assertEquals(1, peers.removed.size());
    assertTrue(peers.prepared.isEmpty());
    refused(Code.INVALID_ARGUMENT, () -> stub().create(wanted("sleep").setId("0123").build()));
    StatusRuntimeException missing =
        refused(
            Code.NOT_FOUND,
            () ->
                stub()
                    .create(wanted("x").setFromImage(FromImage.newBuilder().setRef("no")).build()));
    BerthException told = ErrorCodec.fromCall(missing);
    assertEquals(
        Obstacle.of(Obstacle.Reason.IMAGE_NOT_FOUND, Obstacle.Kind.IMAGE, "no"), told.detail());
  }
}
