package io.berth.containerd.shimprocess;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.io.FolderLock;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.EventLoops;
import io.berth.containerd.client.ShimProcessClient;
import io.berth.containerd.fake.FakeShimProcesses;
import io.berth.containerd.fake.Instance;
import io.berth.containerd.fake.ServiceThreads;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When shim processes are started, and who hears of them. */
class ShimProcessesTest {
  private static final int RESERVE = 2;

  /** Well below the time for which nobody may have asked for a container. */
  private static final Duration AT_ONCE = Duration.ofMillis(500);

  @TempDir Path folder;

  private static void awaitLiving(Instance instance, int number) throws InterruptedException {
    var _ =
        Eventually.answers(
            number + " processes",
            instance.hosts::living,
            (List<Integer> living) -> living.size() == number);
  }

  @Test
  void theReserveWaitsUntilTheClientsAreQuiet() throws IOException, InterruptedException {
    try (Instance instance = new Instance("[shim]\nwarm_hosts = 2\ncontainers_per_host = 1\n")) {
      instance.start();
      awaitLiving(instance, RESERVE);
      // On a busy machine the call itself may take longer than the quiet that is waited for.
      long asked = System.nanoTime();
      instance.createTask("c1", "sleep");
      List<Integer> living = instance.hosts.living();
      if (System.nanoTime() - asked < AT_ONCE.toNanos()) {
        assertEquals(RESERVE, living.size());
      }
      awaitLiving(instance, RESERVE + 1);
      assertTrue(System.nanoTime() - asked > AT_ONCE.toNanos());
    }
  }

  @Test
  void withoutAReserve_noneIsStartedForATask() throws IOException {
    try (Instance instance = new Instance("[shim]\nwarm_hosts = 0\n")) {
      instance.start();
      instance.createTask("c1", "sleep");
      instance.createTask("c2", "sleep");
      assertEquals(1, instance.hosts.living().size());
    }
  }

  /** What a listener heard, in words. */
  private static final class Heard implements ShimProcessListener {
    final List<String> words = new CopyOnWriteArrayList<>();

    @Override
    public void occurred(ShimProcess process, ShimProcessEvent.OfTask event) {
      words.add("occurred in " + process.number());
    }

    @Override
    public void lost(ShimProcess process, Set<TaskKey> tasks) {
      words.add("lost " + process.number());
    }
  }

  private Config config() throws IOException {
    return config(RESERVE);
  }

  private Config config(int reserve) throws IOException {
    Config config =
        Config.parse(
            null,
            "root = \""
                + folder
                + "/r\"\nstate = \""
                + folder
                + "/s\"\n[shim]\nwarm_hosts = "
                + reserve
                + "\n");
    Files.createDirectories(config.root());
    Files.createDirectories(config.state());
    return config;
  }

  /** On a machine where there is none yet. */
  private static ShimProcesses started(Config config, FakeShimProcesses machine, EventLoops loops)
      throws IOException {
    ShimProcesses processes =
        new ShimProcesses(config, machine, socket -> new ShimProcessClient(loops, socket));
    assertEquals(List.of(), processes.find());
    processes.start(new Heard());
    return processes;
  }

  /** A process is tens of megabytes, and its start takes a core just when a client waits. */
  @Test
  void aTaskAndOneOfTheWarmUp_shareAProcess_alsoWhileItStarts() throws Exception {
    Config config = config(0);
    try (FakeShimProcesses machine = new FakeShimProcesses(config);
        EventLoops loops = new EventLoops(1)) {
      ShimProcesses processes = started(config, machine, loops);
      List<TaskKey> keys =
          List.of(
              new TaskKey(Identifier.WARM_UP_NAMESPACE, "w1"),
              new TaskKey("n", "c1"),
              new TaskKey("n", "c2"));
      List<CompletableFuture<ShimProcess>> reserved =
          keys.stream()
              .map(key ->
                  CompletableFuture.supplyAsync(
                      () -> processes.reserve(key, /* exclusive= */ false),
                      Thread::startVirtualThread))
              .toList();
      for (CompletableFuture<ShimProcess> each : reserved) {
        assertEquals(1, each.get(60, TimeUnit.SECONDS).number());
      }
      TaskKey later = new TaskKey(Identifier.WARM_UP_NAMESPACE, "w2");
      assertEquals(1, processes.reserve(later, /* exclusive= */ false).number());
      assertEquals(List.of(1), machine.living());
      processes.stop();
    }
  }

  /** A process that dies in its warm-up leaves what only another one can take away. */
  @Test // case K3
  void afterADeathInAWarmUp_aWarmOneIsAskedToSweep() throws IOException, InterruptedException {
    Config config = config();
    try (FakeShimProcesses machine = new FakeShimProcesses(config);
        EventLoops loops = new EventLoops(1)) {
      ShimProcesses processes = started(config, machine, loops);
      Eventually.holds("warmed up", () -> machine.warmUps.size() == RESERVE);
      int stays = machine.living().getLast();
      machine.beforeWarmAnswer =
          number -> {
            if (number != stays) {
              machine.beforeWarmAnswer = _ -> {};
              machine.kill(number);
            }
          };
      machine.kill(machine.living().getFirst());
      Eventually.holds(
          "one that lives is asked again",
          () -> machine.warmUps.stream().filter(number -> number == stays).count() >= 2);
      Eventually.holds("replaced", () -> processes.count() == RESERVE);
      processes.stop();
      // Another died while nobody was there to see it.
      ShimProcesses next =
          new ShimProcesses(config, machine, socket -> new ShimProcessClient(loops, socket));
      assertEquals(RESERVE, next.find().size());
      int asked = machine.warmUps.size();
      next.start(new Heard());
      Eventually.holds("one is asked", () -> machine.warmUps.size() > asked);
      next.stop();
    }
  }

  @Test
  void withoutWarmRounds_noProcessIsWarmedUp_andNobodyWaitsForIt()
      throws IOException, InterruptedException {
    Config config =
        Config.parse(
            null,
            "root = \""
                + folder
                + "/r\"\nstate = \""
                + folder
                + "/s\"\n[containerd]\nwarm_rounds = 0\n");
    Files.createDirectories(config.root());
    Files.createDirectories(config.state());
    try (FakeShimProcesses machine = new FakeShimProcesses(config);
        EventLoops loops = new EventLoops(1)) {
      ShimProcesses processes =
          new ShimProcesses(config, machine, socket -> new ShimProcessClient(loops, socket));
      processes.start(new Heard());
      Eventually.holds("nothing to wait for", processes::isWarmedUp);
      assertEquals(List.of(), machine.warmUps);
      processes.stop();
    }
  }

  /** From the stop on nobody is told, nothing is started, and no thread waits for a later time. */
  @Test
  void onceStopped_nothingIsToldOrStarted() throws IOException, InterruptedException {
    Config config = config();
    Heard heard = new Heard();
    try (FakeShimProcesses machine = new FakeShimProcesses(config);
        EventLoops loops = new EventLoops(1)) {
      ShimProcesses processes =
          new ShimProcesses(config, machine, socket -> new ShimProcessClient(loops, socket));
      assertEquals(List.of(), processes.find());
      processes.start(heard);
      Eventually.holds("started", () -> processes.count() == RESERVE);
      machine.kill(machine.living().getFirst());
      Eventually.holds("told of the loss", () -> heard.words.size() == 1);
      Eventually.holds("replaced", () -> processes.count() == RESERVE);

      processes.stop();
      machine.living().forEach(machine::kill);
      Eventually.holds(
          "without threads",
          () -> ServiceThreads.in("io.berth.containerd.shimprocess.ShimProcesses.drainIdle") == 0);
      assertEquals(1, heard.words.size(), heard.words.toString());
      assertEquals(0, processes.count());
      assertEquals(List.of(), machine.living());
      assertThrows(
          BerthException.Unavailable.class,
          () -> processes.reserve(Instance.key("c1"), /* exclusive= */ false));
    }
  }

  /** A process that was taken for dead may keep its number for a while. */
  @Test // case S17
  void aNumberWhoseLockIsHeld_isPassedOver() throws IOException, InterruptedException {
    Config config = config();
    try (FolderLock _ = FolderLock.take(config.state(), StateFolders.shimProcessLock(1));
        FakeShimProcesses machine = new FakeShimProcesses(config);
        EventLoops loops = new EventLoops(1)) {
      ShimProcesses processes = started(config, machine, loops);
      Eventually.holds("started", () -> processes.count() == RESERVE);
      assertEquals(List.of(2, 3), machine.living().stream().sorted().toList());
      processes.stop();
    }
  }

  /** A process for one task alone takes no other, and ends with it. */
  @Test
  void exclusive_processEndsWithItsTask() throws IOException, InterruptedException {
    Config config = config();
    try (FakeShimProcesses machine = new FakeShimProcesses(config);
        EventLoops loops = new EventLoops(1)) {
      ShimProcesses processes =
          new ShimProcesses(config, machine, socket -> new ShimProcessClient(loops, socket));
      processes.start(new Heard());
      ShimProcess own = processes.reserve(Instance.key("c1"), /* exclusive= */ true);
      ShimProcess shared = processes.reserve(Instance.key("c2"), /* exclusive= */ false);
      assertTrue(own.number() != shared.number());
      assertEquals(
          shared.number(), processes.reserve(Instance.key("c3"), /* exclusive= */ false).number());
      processes.release(own, Instance.key("c1"));
      Eventually.holds("ended", () -> !own.isAlive());
      assertTrue(shared.isAlive());
      processes.stop();
    }
  }

  // case K4: one that was stopped gets no task, then it is killed, and another has its tasks.
  @Test
  void oneThatHangs_isKilledAndItsTasksGoOn() throws Exception {
    try (Instance instance = new Instance("[shim]\nwarm_hosts = 2\n")) {
      instance.start();
      awaitLiving(instance, RESERVE);
      instance.createTask("c1", "sleep");
      int hung = instance.hosts.holderOf(Instance.key("c1"));
      instance.hosts.hang(hung);
      Eventually.holds(
          "another process has the task",
          () -> !Set.of(0, hung).contains(instance.hosts.holderOf(Instance.key("c1"))));
      instance.createTask("c2", "sleep");
      var _ =
          instance.tasks().kill(KillRequest.newBuilder().setContainerId("c1").setSignal(9).build());
    }
  }

  // case K4: it could not tell its pid, by which it is killed.
  @Test
  void oneThatIsStoppedAsItStarts_isKilled() throws Exception {
    try (Instance instance = new Instance()) {
      instance.hosts.stoppedAtLaunch = true;
      instance.start();
      Eventually.holds("it was started", () -> !instance.hosts.living().isEmpty());
      List<Integer> stopped = instance.hosts.living();
      instance.hosts.stoppedAtLaunch = false;
      Eventually.holds(
          "it was killed", () -> instance.hosts.living().stream().noneMatch(stopped::contains));
      instance.createTask("c1", "sleep");
      var _ =
          instance.tasks().kill(KillRequest.newBuilder().setContainerId("c1").setSignal(9).build());
    }
  }

  // case K4: calls that wait when it hangs are answered by the one that follows.
  @Test
  void callsOnOneThatHangs_areAnsweredByTheNext() throws IOException {
    try (Instance instance = new Instance()) {
      instance.start();
      instance.createTask("c1", "sleep");
      instance.hosts.hang(instance.hosts.holderOf(Instance.key("c1")));
      assertTrue(
          instance.tasks().start(StartRequest.newBuilder().setContainerId("c1").build()).getPid()
              > 0);
    }
  }
}
