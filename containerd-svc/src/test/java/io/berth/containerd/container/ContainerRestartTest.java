package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.Resources;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.State;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.base.layout.StateFolders;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * What containers do without a client: they run again, remove themselves, and outlive this service.
 */
final class ContainerRestartTest extends ContainerCalls {
  // Without any client's help.
  @Test
  void autoRemove_goesByItself() throws InterruptedException {
    String id =
        stub()
            .create(
                request("brief", "sleep")
                    .setHost(HostConfig.newBuilder().setAutoRemove(true))
                    .build())
            .getId();
    begin("brief");
    CompletableFuture<Integer> removed = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> removed.complete(await("brief", "removed")));
    // The wait was sent before these calls on the same connection, so it is under way when they are
    // answered.
    for (int i = 0; i < 20; i++) {
      assertEquals(State.STATE_RUNNING, state("brief"));
    }
    assertFalse(removed.isDone());
    instance.hosts.exit(Instance.key(id), "", 3);
    assertEquals(3, removed.join());
    refused(Code.NOT_FOUND, () -> get(id));
  }

  @Test
  void onFailure_isTriedAgainSoOften() throws InterruptedException {
    String id =
        stub()
            .create(
                request("again", "sleep")
                    .setHost(
                        HostConfig.newBuilder()
                            .setRestart(
                                RestartPolicy.newBuilder()
                                    .setName("on-failure")
                                    .setMaximumRetries(2)))
                    .build())
            .getId();
    begin("again");
    int pid = 0;
    for (int run = 0; run < 3; run++) {
      pid = runsAnew(id, pid);
      instance.hosts.exit(Instance.key(id), "", 1);
    }
    until("again", State.STATE_EXITED);
    assertEquals(2, get(id).getRestartCount());
  }

  private String failing(String name, int retries) {
    HostConfig.Builder host =
        HostConfig.newBuilder()
            .setRestart(
                RestartPolicy.newBuilder().setName("on-failure").setMaximumRetries(retries));
    String id = stub().create(request(name, "sleep").setHost(host).build()).getId();
    begin(name);
    return id;
  }

  /** The service died in the middle of the start that it owed. */
  @Test
  void aTaskThatWasMadeAndNeverBegun_isNoReasonToRest() throws Exception {
    String id = failing("again", 0);
    int pid = 0;
    for (int run = 0; run < 6; run++) {
      pid = runsAnew(id, pid);
      instance.hosts.exit(Instance.key(id), "", 1);
    }
    // The pause has grown, and the task in its place is made before it is over.
    until("again", State.STATE_RESTARTING);
    Eventually.holds("without a task", () -> !instance.hosts.hasSupervisor(Instance.key(id)));
    var _ = instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId(id).build());
    instance.stop();
    instance.start();
    var _ = runsAnew(id, pid);
  }

  /** Its client was told, and has it to look why; it never ran, so nothing is to run again. */
  @Test
  void aContainerThatCouldNotBeStarted_isNoneThatEnded() throws Exception {
    HostConfig.Builder host =
        HostConfig.newBuilder().setRestart(RestartPolicy.newBuilder().setName("always"));
    String id = stub().create(request("broken", "missing").setHost(host).build()).getId();
    refused(Code.UNKNOWN, () -> begin("broken"));
    instance.stop();
    instance.start();
    create("other", "sleep");
    begin("other");
    instance.hosts.exit(Instance.key(get("other").getId()), "", 0);
    until("other", State.STATE_EXITED);
    assertEquals(State.STATE_CREATED, state(id));
    assertEquals(0, get(id).getRestartCount());
  }

  @Test
  void anEndThatIsNotTheLastIsNeverTakenForIt() throws InterruptedException {
    String id = failing("again", 1);
    AtomicReference<State> seen = new AtomicReference<>();
    instance.hosts.beforeDeleteAnswer =
        () -> {
          var _ = seen.compareAndSet(null, state(id));
        };
    int pid = get(id).getState().getPid();
    instance.hosts.exit(Instance.key(id), "", 1);
    var _ = runsAnew(id, pid);
    assertEquals(State.STATE_RESTARTING, seen.get());
  }

  /** That of a container which the machine cut off, and whose start a life of the service owes. */
  @Test
  void aStartThatIsOwed_isNotCountedByALaterLife() throws Exception {
    String id = failing("again", 1);
    int first = get(id).getState().getPid();
    instance.hosts.exit(Instance.key(id), "", 1);
    int pid = runsAnew(id, first);
    assertEquals(1, get(id).getRestartCount());
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.hosts.forgetSupervisors();
    instance.hosts.unitDown = true;
    for (int life = 0; life < 2; life++) {
      instance.start();
      Eventually.holds(
          "the reason is told", () -> get(id).getState().getError().equals("the unit is down"));
      assertEquals(State.STATE_RESTARTING, state(id));
      instance.stop();
    }
    instance.hosts.unitDown = false;
    instance.start();
    var _ = runsAnew(id, pid);
    assertEquals(1, get(id).getRestartCount());
    // Its one retry was made before.
    instance.hosts.exit(Instance.key(id), "", 1);
    until("again", State.STATE_EXITED);
  }

  @Test // case V4
  void whileTheUnitOfContainersIsDown_nothingStarts_andPoliciesWait() throws InterruptedException {
    HostConfig.Builder always =
        HostConfig.newBuilder().setRestart(RestartPolicy.newBuilder().setName("always"));
    String id = stub().create(request("again", "sleep").setHost(always).build()).getId();
    begin("again");
    int pid = runsAnew(id, 0);
    instance.hosts.unitDown = true;
    instance.hosts.exit(Instance.key(id), "", 137);
    until("again", State.STATE_RESTARTING);
    Eventually.holds(
        "the reason is told", () -> get(id).getState().getError().equals("the unit is down"));
    var _ = stub().create(request("other", "sleep").build());
    refused(Code.UNAVAILABLE, () -> begin("other"));
    instance.hosts.unitDown = false;
    assertNotEquals(pid, runsAnew(id, pid));
    assertEquals(1, get(id).getRestartCount(), "waiting was no attempt");
    begin("other");
  }

  @Test // case V8
  void whatTheKernelKilledForWantOfMemory_saysSo() throws InterruptedException {
    HostConfig.Builder bounded =
        HostConfig.newBuilder().setResources(Resources.newBuilder().setMemory(64 << 20));
    String id = stub().create(request("greedy", "sleep").setHost(bounded).build()).getId();
    begin("greedy");
    instance.hosts.oom(Instance.key(id));
    instance.hosts.exit(Instance.key(id), "", 137);
    until("greedy", State.STATE_EXITED);
    assertTrue(get(id).getState().getOomKilled());
    assertEquals(
        "killed: out of memory (limit 64 MiB, with swap 128 MiB)", get(id).getState().getError());
    begin("greedy");
    assertEquals("", get(id).getState().getError());
  }

  @Test
  void always_isStartedAgain_unlessAPersonStoppedIt() throws InterruptedException {
    String id =
        stub()
            .create(
                request("ever", "sleep")
                    .setHost(
                        HostConfig.newBuilder()
                            .setRestart(RestartPolicy.newBuilder().setName("always")))
                    .build())
            .getId();
    begin("ever");
    int first = get(id).getState().getPid();
    instance.hosts.exit(Instance.key(id), "", 0);
    int second = runsAnew(id, first);
    assertNotEquals(first, second);
    var _ = stub().stop(StopRequest.newBuilder().setRef("ever").setTimeout(2).build());
    // A stop returns when it is decided that the container does not run again.
    assertEquals(State.STATE_EXITED, state(id));
  }

  // Answers the pid, which is another one than before.
  private int runsAnew(String id, int before) throws InterruptedException {
    return Eventually.answers(
            "started again",
            () -> get(id).getState(),
            seen -> seen.getState() == State.STATE_RUNNING && seen.getPid() != before)
        .getPid();
  }

  // A saved "running" is a claim to be checked; policies are kept at the next start.
  @Test
  void afterAnotherBoot_claimsAreCheckedAndPoliciesKept() throws Exception {
    create("plain", "sleep");
    var _ =
        stub()
            .create(
                request("keeps", "sleep")
                    .setHost(
                        HostConfig.newBuilder()
                            .setRestart(RestartPolicy.newBuilder().setName("unless-stopped")))
                    .build());
    begin("plain");
    begin("keeps");
    instance.stop();
    List.copyOf(instance.hosts.living()).forEach(instance.hosts::kill);
    Files.writeString(new StateFolders(instance.config.state()).boot(), "another\n");
    instance.hosts.forgetSupervisors();
    instance.start();
    until("plain", State.STATE_EXITED);
    assertEquals(255, get("plain").getState().getExitCode());
    until("keeps", State.STATE_RUNNING);
  }

  @Test
  void serviceRestart_keepsRunningContainersAndNames() throws Exception {
    String id = create("web", "sleep");
    begin("web");
    instance.stop();
    // Whoever asks before the shims have told is not given a guess.
    instance.hosts.beforeStateAnswer = () -> LockSupport.parkNanos(300_000_000);
    instance.start();
    assertEquals(State.STATE_RUNNING, state("web"));
    instance.hosts.exit(Instance.key(id), "", 7);
    assertEquals(7, await("web", ""));
    until("web", State.STATE_EXITED);
  }
}
