package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.EndAllRequest;
import io.berth.api.berth.container.v1.EndAllResponse;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.api.berth.container.v1.RestartPolicy;
import io.berth.api.berth.container.v1.State;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The end of all containers before the host goes down. */
final class HostShutdownTest extends ContainerCalls { // case L18
  private static final int SIGUSR1 = 10;
  private static final int SIGQUIT = 3;
  private static final int SIGTERM = 15;

  private EndAllResponse endAll(int seconds) {
    return stub().endAll(EndAllRequest.newBuilder().setTimeout(seconds).build());
  }

  private String running(String name, String program, Config config, HostConfig host) {
    String id =
        stub()
            .create(
                request(name, program)
                    .setConfig(config.toBuilder().addCmd(program))
                    .setHost(host)
                    .build())
            .getId();
    begin(name);
    return id;
  }

  @Test
  void eachGetsItsOwnSignal_alsoThoseOfContainerdsClients() {
    String own =
        running(
            "own",
            "sleep",
            Config.newBuilder().setStopSignal("SIGUSR1").build(),
            HostConfig.getDefaultInstance());
    String plain =
        running("plain", "sleep", Config.getDefaultInstance(), HostConfig.getDefaultInstance());
    var _ =
        instance
            .containers()
            .create(
                CreateContainerRequest.newBuilder()
                    .setContainer(
                        Instance.described("c1", "sleep").toBuilder()
                            .putLabels("io.containerd.image.config.stop-signal", "SIGQUIT"))
                    .build());
    var _ = instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId("c1").build());
    var _ = instance.tasks().start(StartRequest.newBuilder().setContainerId("c1").build());

    EndAllResponse ended = endAll(20);
    assertEquals(3, ended.getEnded());
    assertEquals(0, ended.getKilled());
    assertEquals(128 + SIGUSR1, get(own).getState().getExitCode());
    assertEquals(128 + SIGTERM, get(plain).getState().getExitCode());
    assertTrue(instance.hosts.supervisor(Instance.key("c1")).done().contains("kill::" + SIGQUIT));
  }

  // case V5: the time for all bounds what a container's own time would allow.
  @Test
  void whoIgnoresItsSignal_isKilledWhenTheTimeForAllIsOver() {
    String deaf =
        running(
            "deaf",
            "stubborn",
            Config.newBuilder().setStopTimeout(-1).build(),
            HostConfig.getDefaultInstance());
    EndAllResponse ended = endAll(1);
    assertEquals(1, ended.getKilled());
    assertEquals(137, get(deaf).getState().getExitCode());
  }

  @Test
  void whatAClientStartsMeanwhile_isEndedToo() {
    running("first", "sleep", Config.getDefaultInstance(), HostConfig.getDefaultInstance());
    String late = create("late", "sleep");
    AtomicBoolean begun = new AtomicBoolean();
    instance.hosts.undeliverable =
        signal -> {
          if (begun.compareAndSet(false, true)) {
            begin("late");
          }
          return false;
        };
    assertEquals(2, endAll(20).getEnded());
    assertEquals(128 + SIGTERM, get(late).getState().getExitCode());
    assertEquals(State.STATE_EXITED, get(late).getState().getState());
  }

  // case V5
  @Test
  void whoSurvivesSigkill_isNamedAndNotCounted() {
    running("deaf", "stubborn", Config.getDefaultInstance(), HostConfig.getDefaultInstance());
    String id = get("deaf").getId();
    instance.hosts.undeliverable = _ -> true;
    StatusRuntimeException failure = refused(Code.DEADLINE_EXCEEDED, () -> endAll(0));
    instance.hosts.undeliverable = _ -> false;
    assertTrue(String.valueOf(failure.getMessage()).contains(id), failure::getMessage);
    assertEquals(State.STATE_RUNNING, get("deaf").getState().getState());
  }

  @Test
  void policiesStartNothingMeanwhile_andAreHonouredAtTheNextStart()
      throws IOException, InterruptedException {
    for (String policy : List.of("always", "unless-stopped", "on-failure")) {
      running(
          policy,
          "sleep",
          Config.getDefaultInstance(),
          HostConfig.newBuilder().setRestart(RestartPolicy.newBuilder().setName(policy)).build());
    }
    assertEquals(3, endAll(20).getEnded());
    assertEquals(0, endAll(0).getEnded());
    instance.stop();
    instance.start();
    for (String policy : List.of("always", "unless-stopped", "on-failure")) {
      until(policy, State.STATE_RUNNING);
      assertEquals(0, get(policy).getRestartCount(), policy);
    }
  }

  // case V4: the unit of containers is stopped and started again under a service that goes on.
  @Test
  void policiesAreHonouredWhenTheUnitOfContainersIsUpAgain() throws InterruptedException {
    String id =
        running(
            "always",
            "sleep",
            Config.getDefaultInstance(),
            HostConfig.newBuilder()
                .setRestart(RestartPolicy.newBuilder().setName("always"))
                .build());
    String once =
        running("once", "sleep", Config.getDefaultInstance(), HostConfig.getDefaultInstance());
    int pid = get(id).getState().getPid();
    instance.hosts.unitDown = true;
    assertEquals(2, endAll(20).getEnded());
    until("always", State.STATE_RESTARTING);
    Eventually.holds(
        "the reason is told", () -> get(id).getState().getError().equals(Suspension.WHY));
    AtomicBoolean failed = new AtomicBoolean();
    instance.hosts.beforeCheck =
        () -> {
          if (!failed.getAndSet(true)) {
            throw new IllegalStateException("a look that fails, after which others come");
          }
        };
    Eventually.holds("a look failed", failed::get);
    instance.hosts.unitDown = false;
    until("always", State.STATE_RUNNING);
    assertNotEquals(pid, get(id).getState().getPid());
    assertEquals(0, get(id).getRestartCount(), "its program did not end by itself");
    assertEquals(State.STATE_EXITED, get(once).getState().getState());
  }

  // The unit that was down belongs to the first end of all containers.
  @Test
  void whatAnEarlierEndHasSeen_undoesNoLaterOne() throws InterruptedException {
    HostConfig always =
        HostConfig.newBuilder().setRestart(RestartPolicy.newBuilder().setName("always")).build();
    String id = running("always", "sleep", Config.getDefaultInstance(), always);
    instance.hosts.unitDown = true;
    assertEquals(1, endAll(20).getEnded());
    // Until the second end is over nobody looks in between.
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger looks = new AtomicInteger();
    instance.hosts.beforeCheck =
        () -> {
          if (Thread.currentThread().getName().equals("unit-watch")) {
            if (!over.get()) {
              throw new IllegalStateException("no look now");
            }
            looks.incrementAndGet();
          }
        };
    instance.hosts.unitDown = false;
    assertEquals(0, endAll(20).getEnded());
    over.set(true);
    Eventually.holds("it is looked and looked again", () -> looks.get() >= 2);
    assertEquals(State.STATE_RESTARTING, get(id).getState().getState());
    assertEquals(Suspension.WHY, get(id).getState().getError());
    instance.hosts.unitDown = true;
    int before = looks.get();
    Eventually.holds("it is seen down", () -> looks.get() >= before + 2);
    instance.hosts.unitDown = false;
    until("always", State.STATE_RUNNING);
  }
}
