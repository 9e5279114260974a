package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.EndAllRequest;
import io.berth.api.berth.container.v1.EndAllResponse;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.id.TaskKey;
import io.berth.containerd.fake.Instance;
import io.berth.containerd.task.Exit;
import io.berth.testing.Eventually;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Labels {@code containerd.io/restart.*}, as ctr and nerdctl write them. */
final class RestartMonitorTest { // case C5
  private static final String LABEL = "containerd.io/restart.";

  @RegisterExtension final Instance instance = new Instance("", "restart_interval = 1\n");

  private TaskKey run(String id, String... labels) {
    var container = Instance.described(id, "sleep").toBuilder();
    for (int i = 0; i < labels.length; i += 2) {
      container.putLabels(LABEL + labels[i], labels[i + 1]);
    }
    var _ =
        instance
            .containers()
            .create(CreateContainerRequest.newBuilder().setContainer(container).build());
    var _ = instance.tasks().create(CreateTaskRequest.newBuilder().setContainerId(id).build());
    var _ = instance.tasks().start(StartRequest.newBuilder().setContainerId(id).build());
    return Instance.key(id);
  }

  private Status status(String id) {
    return instance
        .tasks()
        .get(GetRequest.newBuilder().setContainerId(id).build())
        .getProcess()
        .getStatus();
  }

  private String count(String id) {
    return instance
        .containers()
        .get(GetContainerRequest.newBuilder().setId(id).build())
        .getContainer()
        .getLabelsOrDefault(LABEL + "count", "");
  }

  private void untilRestarted(String id, String times) throws InterruptedException {
    Eventually.holds(
        "restarted " + times + " times",
        () -> count(id).equals(times) && status(id) == Status.RUNNING);
  }

  @Test
  void thatIsToRun_isStartedAgainWheneverItEnds_andCounted() throws InterruptedException {
    TaskKey key = run("c1", "status", "running", "policy", "always");
    instance.hosts.exit(key, "", 0);
    untilRestarted("c1", "1");
    instance.hosts.exit(key, "", 3);
    untilRestarted("c1", "2");
  }

  @Test
  void thatIsToBeStopped_isEnded() throws InterruptedException {
    run("c1", "status", "stopped");
    Eventually.holds("ended", () -> !instance.hosts.hasSupervisor(Instance.key("c1")));
    assertEquals("", count("c1"));
  }

  // case V4: the unit of containers is stopped and started again under a service that goes on.
  @Test
  void afterAllWereEnded_labelsAreKeptOnceTheUnitIsUpAgain() throws InterruptedException {
    TaskKey key = run("c1", "status", "running");
    instance.hosts.unitDown = true;
    assertEquals(1, endAll(20).getEnded());
    assertEquals(Status.STOPPED, status("c1"));
    instance.hosts.unitDown = false;
    untilRestarted("c1", "1");
    instance.hosts.exit(key, "", 0);
    untilRestarted("c1", "2");
  }

  @Test
  void whileTheUnitIsDown_nothingIsCountedAndTheOldTaskStays() throws InterruptedException {
    TaskKey key = run("c1", "status", "running");
    AtomicInteger asked = new AtomicInteger();
    instance.hosts.unitDown = true;
    instance.hosts.beforeCheck = asked::incrementAndGet;
    instance.hosts.exit(key, "", 7);
    Eventually.holds("looked twice", () -> asked.get() >= 2);
    assertEquals("", count("c1"));
    assertEquals(Status.STOPPED, status("c1"));
    instance.hosts.unitDown = false;
    untilRestarted("c1", "1");
  }

  @Test
  void aTaskThatAClientMakesMeanwhile_isLeftAlone() throws InterruptedException {
    TaskKey key = run("c1", "status", "running");
    TaskKey other = run("c2", "status", "running");
    AtomicBoolean begun = new AtomicBoolean();
    AtomicInteger pid = new AtomicInteger();
    instance.hosts.beforeCheck =
        () -> {
          if (begun.compareAndSet(false, true)) {
            var _ =
                instance
                    .tasks()
                    .delete(DeleteTaskRequest.newBuilder().setContainerId("c1").build());
            var _ =
                instance
                    .tasks()
                    .create(CreateTaskRequest.newBuilder().setContainerId("c1").build());
            pid.set(
                instance
                    .tasks()
                    .start(StartRequest.newBuilder().setContainerId("c1").build())
                    .getPid());
          }
        };
    instance.hosts.exit(key, "", 0);
    Eventually.holds("the client has started it", () -> pid.get() != 0);
    instance.hosts.exit(other, "", 0);
    untilRestarted("c2", "1");
    assertEquals(Status.RUNNING, status("c1"));
    assertEquals(
        pid.get(),
        instance
            .tasks()
            .get(GetRequest.newBuilder().setContainerId("c1").build())
            .getProcess()
            .getPid());
    assertEquals("", count("c1"));
  }

  private EndAllResponse endAll(int seconds) {
    return ContainersGrpc.newBlockingStub(instance.channel())
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .endAll(EndAllRequest.newBuilder().setTimeout(seconds).build());
  }

  // case S19: an image's labels reach the container's record by ctr; none of them runs a program.
  @Test
  void aProgramOfTheHost_isNotRun() throws InterruptedException {
    TaskKey key = run("c1", "status", "running", "loguri", "binary:///bin/sh?-c=id");
    instance.hosts.exit(key, "", 0);
    untilRestarted("c1", "1");
    assertEquals("", instance.hosts.stdoutOf(key));
  }

  // case S19: nor is a file of the host written.
  @Test
  void aFileOfTheHost_isNotWritten() throws InterruptedException {
    TaskKey key = run("c1", "status", "running", "logpath", "/etc/cron.d/berth-restart-test");
    instance.hosts.exit(key, "", 0);
    untilRestarted("c1", "1");
    assertEquals("", instance.hosts.stdoutOf(key));
  }

  private static RestartLabels labels(String policy, String stopped, String count) {
    RestartLabels labels =
        RestartLabels.of(
            Map.of(
                LABEL + "status",
                "running",
                LABEL + "policy",
                policy,
                LABEL + "explicitly-stopped",
                stopped,
                LABEL + "count",
                count));
    assertTrue(labels != null);
    return labels;
  }

  @ParameterizedTest
  @CsvSource({
    "'', false, 0, 0, true",
    "always, true, 0, 0, true",
    "unless-stopped, false, 0, 1, true",
    "unless-stopped, true, 0, 1, false",
    "on-failure, false, 9, 1, true",
    "on-failure, false, 0, 0, false",
    "on-failure:3, false, 2, 1, true",
    "on-failure:3, false, 3, 1, false",
    "no, false, 0, 1, false",
    "sometimes, false, 0, 1, false",
  })
  void policies_areContainerds(
      String policy, String stopped, String count, int status, boolean again) {
    Exit end = new Exit(1, status, Instant.EPOCH, /* oomKilled= */ false, /* unknown= */ false);
    assertEquals(again, labels(policy, stopped, count).wantsStart(end));
  }

  @Test
  void withoutAStatus_labelsWantNothing() {
    assertNull(RestartLabels.of(Map.of(LABEL + "policy", "always")));
    assertNull(RestartLabels.of(Map.of(LABEL + "status", "paused")));
    assertFalse(labels("on-failure", "false", "0").wantsStart(null));
  }
}
