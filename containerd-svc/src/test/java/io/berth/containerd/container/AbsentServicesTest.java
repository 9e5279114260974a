package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.Healthcheck;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.Mount;
import io.berth.api.berth.container.v1.NetworkConfig;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.RestartRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StateInfo;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.base.error.BerthException;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.FakePeers;
import io.berth.containerd.fake.FakePeers.Service;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Case K1: what is done in the background through a service that is absent, and comes back. */
class AbsentServicesTest {
  @TempDir Path folder;
  private Instance instance;
  private FakePeers peers;

  @BeforeEach
  void start() throws IOException {
    instance = new Instance(folder);
    peers = new FakePeers(instance.config);
    peers.start(Service.IMAGE);
    peers.start(Service.NETWORK);
  }

  @AfterEach
  void stop() {
    instance.close();
    peers.close();
  }

  private ContainersGrpc.ContainersBlockingStub stub() {
    return UnixChannel.in(
            ContainersGrpc.newBlockingStub(instance.channel()), Instance.NAMESPACE, null)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  private static HostConfig restart(String policy) {
    RestartPolicy.Builder result = RestartPolicy.newBuilder();
    int colon = policy.indexOf(':');
    return HostConfig.newBuilder()
        .setRestart(
            colon < 0
                ? result.setName(policy)
                : result
                    .setName(policy.substring(0, colon))
                    .setMaximumRetries(Integer.parseInt(policy.substring(colon + 1))))
        .build();
  }

  private String begun(HostConfig host) {
    return begun(host, Config.newBuilder().addCmd("sleep"));
  }

  private String begun(HostConfig host, Config.Builder config) {
    String id =
        stub()
            .create(
                CreateRequest.newBuilder()
                    .setName("it")
                    .setSnapshotter("overlayfs")
                    .setSnapshotKey("its")
                    .setConfig(config)
                    .setHost(host)
                    .setNetwork(NetworkConfig.newBuilder().setMode("bridge"))
                    .build())
            .getId();
    begin();
    return id;
  }

  private void begin() {
    var _ = stub().start(StartRequest.newBuilder().setRef("it").build());
  }

  private Container it() {
    return stub().get(GetRequest.newBuilder().setRef("it").build());
  }

  private State state() {
    return it().getState().getState();
  }

  private boolean isGone() {
    try {
      var _ = it();
      return false;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() == Code.NOT_FOUND;
    }
  }

  private CompletableFuture<Integer> awaited(String condition) {
    return CompletableFuture.supplyAsync(
        () ->
            stub()
                .wait(WaitRequest.newBuilder().setRef("it").setCondition(condition).build())
                .getStatus(),
        task -> Thread.ofVirtual().start(task));
  }

  private static void until(BooleanSupplier condition, Supplier<String> otherwise) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, otherwise);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  private void until(State wanted) {
    until(() -> state() == wanted, () -> wanted + " was wanted: " + it().getState());
  }

  private void runsAnew(int pidBefore) {
    until(
        () -> {
          // One look: between two of them the process of before can end.
          StateInfo now = it().getState();
          return now.getState() == State.STATE_RUNNING && now.getPid() != pidBefore;
        },
        () -> "it was not started again: " + it().getState());
  }

  /** Its program ends; answers when the container waits for the service, and says so. */
  private void endsAndWaits(String id, int code, Service absent) {
    instance.hosts.exit(Instance.key(id), "", code);
    waits(absent);
  }

  private void waits(Service absent) {
    String program = "berth-" + (absent == Service.IMAGE ? "image" : "network");
    until(
        () -> it().getState().getError().contains(program),
        () -> "it does not wait for " + program + ": " + it().getState());
  }

  private static StatusRuntimeException refused(Code code, Runnable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  private void stopIt() {
    var _ = stub().stop(StopRequest.newBuilder().setRef("it").setTimeout(2).build());
  }

  private void removeIt() {
    var _ = stub().remove(RemoveRequest.newBuilder().setRef("it").setForce(true).build());
  }

  // --- restarts

  // Case K1: two attempts were used up, and the code 9 became 128.
  @ParameterizedTest
  @EnumSource(Service.class)
  void onFailure_waits_andKeepsItsAttempts(Service absent) {
    String id = begun(restart("on-failure:2"));
    peers.kill(absent);
    endsAndWaits(id, 9, absent);
    assertEquals(State.STATE_RESTARTING, state());
    assertEquals(9, it().getState().getExitCode());
    Timestamp end = it().getState().getFinishedAt();
    assertNotEquals(Timestamp.getDefaultInstance(), end);
    assertEquals(0, it().getRestartCount());
    peers.start(absent);
    until(State.STATE_RUNNING);
    assertEquals("", it().getState().getError());
    assertEquals(end, it().getState().getFinishedAt());
    assertEquals(1, it().getRestartCount());
    // Both attempts are the program's: one more restart, and then none.
    int pid = it().getState().getPid();
    instance.hosts.exit(Instance.key(id), "", 9);
    runsAnew(pid);
    instance.hosts.exit(Instance.key(id), "", 9);
    until(State.STATE_EXITED);
    assertEquals(9, it().getState().getExitCode());
    assertEquals(2, it().getRestartCount());
  }

  @ParameterizedTest
  @CsvSource({"always, IMAGE", "unless-stopped, NETWORK"})
  void always_waits_andCountsOnce(String policy, Service absent) {
    String id = begun(restart(policy));
    peers.kill(absent);
    endsAndWaits(id, 0, absent);
    assertEquals(State.STATE_RESTARTING, state());
    peers.start(absent);
    until(State.STATE_RUNNING);
    assertEquals(1, it().getRestartCount());
  }

  // Case K1: a service that ends in the middle of the start leaves half of it made.
  @Test
  void serviceThatEndsInTheMiddle_isWaitedFor_andTheStartGoesOn() {
    String id = begun(restart("on-failure:1"));
    AtomicBoolean once = new AtomicBoolean(true);
    peers.beforeAttachAnswer =
        () -> {
          if (once.getAndSet(false)) {
            peers.kill(Service.NETWORK);
          }
        };
    endsAndWaits(id, 9, Service.NETWORK);
    assertEquals(9, it().getState().getExitCode());
    peers.start(Service.NETWORK);
    until(State.STATE_RUNNING);
    assertEquals(1, it().getRestartCount());
  }

  // Case K1: dead is not the only way to be absent.
  @Test
  void serviceThatHangs_isWaitedFor() {
    String id = begun(restart("on-failure:1"));
    peers.hang(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    assertEquals(State.STATE_RESTARTING, state());
    peers.goOn(Service.NETWORK);
    until(State.STATE_RUNNING);
    assertEquals(1, it().getRestartCount());
  }

  @Test // Case K1
  void stop_endsTheWaitForAServiceThatHangs() {
    String id = begun(restart("always"));
    peers.hang(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    stopIt();
    assertEquals(State.STATE_EXITED, state());
    peers.goOn(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    assertEquals(State.STATE_EXITED, state());
  }

  // Case K1, its other side: a service that says no is an attempt. As docker, the program's code
  // and the time of its end are kept.
  @Test
  void refusedRestart_isAnAttempt_andTheCodeStaysTheProgramsOwn() {
    String id = begun(restart("on-failure:2"));
    AtomicInteger asked = new AtomicInteger();
    peers.beforeAttachAnswer =
        () -> {
          asked.incrementAndGet();
          throw new BerthException.FailedPrecondition("port 80 is taken");
        };
    instance.hosts.exit(Instance.key(id), "", 9);
    until(
        () -> state() == State.STATE_EXITED && it().getState().getError().contains("port 80"),
        () -> "it goes on: " + it().getState());
    assertEquals(2, asked.get());
    assertEquals(2, it().getRestartCount());
    assertEquals(9, it().getState().getExitCode());
    assertEquals(Set.of(), peers.endpoints);
  }

  // Case K1: a service that answers and says UNAVAILABLE is not asked without a pause.
  @Test
  void serviceThatCannotNow_isAskedAgain() {
    String id = begun(restart("on-failure:1"));
    AtomicInteger asked = new AtomicInteger();
    peers.beforeAttachAnswer =
        () -> {
          if (asked.incrementAndGet() < 4) {
            throw new BerthException.Unavailable("the keeper does not answer");
          }
        };
    instance.hosts.exit(Instance.key(id), "", 9);
    until(() -> it().getRestartCount() == 1, () -> "never started: " + it().getState());
    // It is counted before it runs.
    until(State.STATE_RUNNING);
    assertEquals(4, asked.get());
  }

  // Case K1: the wait is found again when containerd-svc itself was away.
  @Test
  void wait_outlivesThisService() throws IOException {
    String id = begun(restart("on-failure:1"));
    peers.kill(Service.IMAGE);
    endsAndWaits(id, 9, Service.IMAGE);
    instance.stop();
    instance.start();
    waits(Service.IMAGE);
    assertEquals(9, it().getState().getExitCode());
    peers.start(Service.IMAGE);
    until(State.STATE_RUNNING);
    assertEquals(1, it().getRestartCount());
  }

  // --- what a person does meanwhile

  @Test // Case K1
  void stop_endsTheWait() {
    String id = begun(restart("always"));
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    CompletableFuture<Integer> waiting = awaited("");
    stopIt();
    assertEquals(9, waiting.join());
    assertEquals(State.STATE_EXITED, state());
    assertEquals(9, it().getState().getExitCode());
    // What is left to do is done when the service is back: address and ports are given back.
    peers.start(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    assertEquals(State.STATE_EXITED, state());
    assertEquals(0, it().getRestartCount());
  }

  // Case K1: as docker's kill of one that is about to run again.
  @Test
  void kill_endsTheWait() {
    String id = begun(restart("always"));
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    var _ = stub().kill(KillRequest.newBuilder().setRef("it").build());
    assertEquals(State.STATE_EXITED, state());
    peers.start(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    assertEquals(State.STATE_EXITED, state());
  }

  @Test // Case K1
  void remove_endsTheWait_andTheEndpointFollows() {
    String id = begun(restart("always"));
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    removeIt();
    assertTrue(isGone());
    assertTrue(peers.removed.contains("its"));
    peers.start(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
  }

  @Test // Case K1
  void remove_withoutImageService_isRefusedAtOnce_andEndsTheWait() {
    String id = begun(restart("always"));
    peers.kill(Service.IMAGE);
    endsAndWaits(id, 9, Service.IMAGE);
    assertTrue(
        refused(Code.UNAVAILABLE, this::removeIt).getMessage().contains("berth-services status"));
    assertEquals(State.STATE_EXITED, state());
    peers.start(Service.IMAGE);
    removeIt();
    assertTrue(isGone());
    assertEquals(Set.of(), peers.endpoints);
  }

  // Case K1: the person is told at once; what the policy waits for is waited for all the same.
  @Test
  void start_failsAtOnce_andTheWaitGoesOn() {
    String id = begun(restart("on-failure:1"));
    peers.kill(Service.IMAGE);
    endsAndWaits(id, 9, Service.IMAGE);
    assertTrue(
        refused(Code.UNAVAILABLE, this::begin).getMessage().contains("berth-services status"));
    RestartRequest restart = RestartRequest.newBuilder().setRef("it").build();
    refused(Code.UNAVAILABLE, () -> stub().restart(restart));
    assertEquals(State.STATE_RESTARTING, state());
    assertEquals(9, it().getState().getExitCode());
    peers.start(Service.IMAGE);
    until(State.STATE_RUNNING);
  }

  // Case K1: a start that was not even tried leaves what is known of the last run.
  @Test
  void start_withoutPolicy_failsAtOnce_andTheCodeStays() {
    String id = begun(HostConfig.getDefaultInstance());
    instance.hosts.exit(Instance.key(id), "", 9);
    until(State.STATE_EXITED);
    peers.kill(Service.IMAGE);
    refused(Code.UNAVAILABLE, this::begin);
    assertEquals(9, it().getState().getExitCode());
    assertTrue(it().getState().getError().contains("berth-image"), it().getState().getError());
  }

  @Test // Case K1
  void update_takesThePolicyAwayFromOneThatWaits() {
    String id = begun(restart("always"));
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    CompletableFuture<Integer> waiting = awaited("");
    var _ =
        stub()
            .update(
                UpdateRequest.newBuilder()
                    .setRef("it")
                    .setRestart(RestartPolicy.newBuilder().setName("no"))
                    .build());
    peers.start(Service.NETWORK);
    assertEquals(9, waiting.join());
    until(State.STATE_EXITED);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
  }

  // --- removal, release, boot, health

  // Case K1: it stayed for ever.
  @ParameterizedTest
  @EnumSource(Service.class)
  void autoRemove_waits(Service absent) {
    String id =
        begun(
            HostConfig.newBuilder()
                .setAutoRemove(true)
                .addMounts(Mount.newBuilder().setType("volume").setTarget("/data"))
                .build());
    assertEquals(1, peers.volumes.size());
    CompletableFuture<Integer> removed = awaited("removed");
    peers.kill(absent);
    instance.hosts.exit(Instance.key(id), "", 3);
    if (absent == Service.IMAGE) {
      waits(absent);
      assertEquals(State.STATE_EXITED, state());
      assertEquals(3, it().getState().getExitCode());
      assertFalse(removed.isDone());
    } else {
      assertEquals(3, removed.join());
    }
    peers.start(absent);
    assertEquals(3, removed.join());
    assertTrue(isGone());
    assertTrue(peers.removed.contains("its"));
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    until(peers.volumes::isEmpty, () -> "the volume is kept: " + peers.volumes);
  }

  // Case K1: image-svc dies when the snapshot is gone and the volumes are not.
  @Test
  void autoRemove_goesOnWhereItWas() {
    String id =
        begun(
            HostConfig.newBuilder()
                .setAutoRemove(true)
                .addMounts(Mount.newBuilder().setType("volume").setTarget("/data"))
                .build());
    AtomicBoolean once = new AtomicBoolean(true);
    peers.beforeRemovalAnswer =
        () -> {
          if (once.getAndSet(false)) {
            peers.kill(Service.IMAGE);
          }
        };
    endsAndWaits(id, 3, Service.IMAGE);
    peers.start(Service.IMAGE);
    until(this::isGone, () -> "it is kept: " + it());
    until(peers.volumes::isEmpty, () -> "the volume is kept: " + peers.volumes);
  }

  // Case K1: address and ports of one that ended stayed taken until its next start.
  @Test
  void endpoint_isGivenBackWhenTheServiceIsBack() {
    String id = begun(HostConfig.getDefaultInstance());
    peers.kill(Service.NETWORK);
    endsAndWaits(id, 0, Service.NETWORK);
    assertEquals(State.STATE_EXITED, state());
    peers.start(Service.NETWORK);
    until(peers.endpoints::isEmpty, () -> "the endpoint is kept: " + peers.endpoints);
    assertEquals(0, it().getState().getExitCode());
  }

  // Case K1: after a boot all services start at once, and this one may be the first.
  @Test
  void startAfterBoot_waits() throws Exception {
    begun(restart("unless-stopped"));
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.hosts.forgetSupervisors();
    peers.kill(Service.IMAGE);
    peers.kill(Service.NETWORK);
    instance.start();
    waits(Service.IMAGE);
    peers.start(Service.IMAGE);
    waits(Service.NETWORK);
    assertEquals(State.STATE_RESTARTING, state());
    assertEquals(255, it().getState().getExitCode());
    peers.start(Service.NETWORK);
    until(State.STATE_RUNNING);
    assertEquals(0, it().getRestartCount());
  }

  // Case K1: a container's health does not depend on these services.
  @Test
  void healthChecks_goOn() {
    begun(
        HostConfig.getDefaultInstance(),
        Config.newBuilder()
            .addCmd("sleep")
            .setHealth(
                Healthcheck.newBuilder()
                    .addTest("CMD")
                    .addTest("true")
                    .setInterval(TimeUnit.MILLISECONDS.toNanos(20))
                    .setRetries(1)));
    peers.kill(Service.IMAGE);
    peers.kill(Service.NETWORK);
    until(() -> it().getState().getHealth().getLogCount() > 3, () -> "no probe: " + it());
    assertEquals("healthy", it().getState().getHealth().getStatus());
    assertEquals(0, it().getState().getHealth().getFailingStreak());
  }
}
