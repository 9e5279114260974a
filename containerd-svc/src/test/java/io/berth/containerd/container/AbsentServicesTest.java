package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.EndAllRequest;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.RestartRequest;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.base.error.BerthException;
import io.berth.containerd.fake.FakePeers.Service;
import io.berth.containerd.fake.Instance;
import io.grpc.Status.Code;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Restarts, and what a person does meanwhile, through a service that is absent and comes back. */
final class AbsentServicesTest extends AbsentServices {
  // Two attempts were used up, and the code 9 became 128.
  @ParameterizedTest // case K1
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

  // A service that ends in the middle of the start leaves half of it made.
  @Test // case K1
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

  // Dead is not the only way to be absent.
  @Test // case K1
  void serviceThatHangs_isWaitedFor() {
    String id = begun(restart("on-failure:1"));
    peers.hang(Service.NETWORK);
    endsAndWaits(id, 9, Service.NETWORK);
    assertEquals(State.STATE_RESTARTING, state());
    peers.goOn(Service.NETWORK);
    until(State.STATE_RUNNING);
    assertEquals(1, it().getRestartCount());
  }

  @Test // case K1
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

  // A service that says no makes the start an attempt. As with docker, the program's code and the
  // time of its end are kept.
  @Test // case K1
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

  // A service that answers and says UNAVAILABLE is not asked without a pause.
  @Test // case K1
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

  // The wait is found again when containerd-svc itself was away.
  @Test // case K1
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

  @Test // case K1
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

  // As docker's kill of one that is about to run again.
  @Test // case K1
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

  // The person is told at once; what the policy waits for is waited for all the same.
  @Test // case K1
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

  // A start that was not even tried leaves what is known of the last run.
  @Test // case K1
  void start_withoutPolicy_failsAtOnce_andTheCodeStays() {
    String id = begun(HostConfig.getDefaultInstance());
    instance.hosts.exit(Instance.key(id), "", 9);
    until(State.STATE_EXITED);
    peers.kill(Service.IMAGE);
    refused(Code.UNAVAILABLE, this::begin);
    assertEquals(9, it().getState().getExitCode());
    assertTrue(it().getState().getError().contains("berth-image"), it().getState().getError());
  }

  // All containers are ended in the middle of a start, and its network goes just then.
  @Test
  void startThatIsSuspended_outlivesAnAbsentService() {
    String id = begun(restart("always"));
    AtomicBoolean once = new AtomicBoolean(true);
    instance.hosts.beforePlaceAnswer =
        () -> {
          if (once.getAndSet(false)) {
            instance.hosts.unitDown = true;
            var _ = stub().endAll(EndAllRequest.newBuilder().setTimeout(20).build());
            peers.kill(Service.NETWORK);
          }
        };
    instance.hosts.exit(Instance.key(id), "", 0);
    waits(Service.NETWORK);
    assertEquals(State.STATE_RESTARTING, state());
    peers.start(Service.NETWORK);
    until(
        () -> it().getState().getError().equals(Suspension.WHY),
        () -> "it does not wait for the unit: " + it().getState());
    instance.hosts.unitDown = false;
    until(State.STATE_RUNNING);
  }

  @Test // case K1
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
}
