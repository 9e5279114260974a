package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.api.berth.container.v1.Config;
import io.berth.api.berth.container.v1.HostConfig;
import io.berth.base.id.TaskKey;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.event.RecentEvent;
import io.berth.containerd.event.RecentEventFilter;
import io.berth.containerd.event.RecentEvents;
import io.berth.containerd.settings.ContainerDescription;
import io.berth.containerd.settings.ContainerPaths;
import io.berth.containerd.settings.NetworkEndpoint;
import io.berth.containerd.settings.NetworkWish;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.testing.TurnableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The order in which is told what happens to a container. */
final class ContainerChronicleTest {
  private static final Instant BEGIN = Instant.ofEpochSecond(1000);

  private final TurnableClock clock = new TurnableClock(BEGIN);

  /** What happens when the time is asked for the next time. */
  private final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});

  private final RecentEvents recent =
      new RecentEvents(() -> {
        meanwhile.getAndSet(() -> {}).run();
        return clock.instant();
      });
  private final ContainerChronicle chronicle = new ContainerChronicle(recent);

  private static NamedContainer container(Config config) {
    return new NamedContainer(
        new ContainerDescription(
            new TaskKey("default", "0123456789abcdef"),
            "web",
            "busybox",
            "",
            "linux/amd64",
            ConfigMessages.read(config),
            HostMessages.read(HostConfig.getDefaultInstance()),
            NetworkWish.NONE,
            Instant.EPOCH,
            List.of("sh"),
            NetworkEndpoint.NONE,
            new ContainerPaths("", "", "", "", ""),
            new RootFilesystem("", "", "")),
        Progress.NEW);
  }

  private List<RecentEvent> told() throws InterruptedException {
    List<RecentEvent> told = new ArrayList<>();
    try (RecentEvents.Watcher watcher =
        recent.watch(
            new RecentEvents.Wish(
                "default", Instant.EPOCH, clock.instant(), RecentEventFilter.of(List.of())))) {
      for (RecentEvent next = watcher.take(); next != null; next = watcher.take()) {
        told.add(next);
      }
    }
    return told;
  }

  // The end is told by another thread, which may come at any moment of the telling of the start.
  @Test
  void aStartIsToldBeforeItsEnd_andWithItsOwnMoment() throws InterruptedException {
    NamedContainer web = container(Config.getDefaultInstance());
    chronicle.starting(web);
    clock.turn(Duration.ofSeconds(1));
    chronicle.tell(web, "top");
    clock.turn(Duration.ofSeconds(1));
    Runnable end = () -> chronicle.died(web, 3, /* outOfMemory= */ false);
    meanwhile.set(end);
    chronicle.started(web);
    meanwhile.getAndSet(() -> {}).run();
    List<RecentEvent> told = told();
    assertEquals(List.of("start", "top", "die"), told.stream().map(RecentEvent::action).toList());
    assertEquals(
        List.of(BEGIN, BEGIN.plusSeconds(1), BEGIN.plusSeconds(2)),
        told.stream().map(RecentEvent::at).toList());
  }

  @Test
  void labelsGiveWayToWhatHappened() throws InterruptedException {
    Config.Builder config = Config.newBuilder();
    for (int i = 0; i < 100; i++) {
      config.putLabels("a" + i, "x".repeat(10_000));
    }
    config.putLabels("name", "not this");
    chronicle.died(container(config.build()), 3, /* outOfMemory= */ false);
    Map<String, String> attributes = told().getFirst().attributes();
    assertEquals("web", attributes.get("name"));
    assertEquals("busybox", attributes.get("image"));
    assertEquals("3", attributes.get("exitCode"));
  }

  @Test
  void whatIsHeldForAStartThatFailed_isTold() throws InterruptedException {
    NamedContainer web = container(Config.getDefaultInstance());
    chronicle.starting(web);
    chronicle.tell(web, "kill");
    assertEquals(List.of(), told());
    chronicle.notStarted(web.key());
    chronicle.tell(web, "destroy");
    assertEquals(List.of("kill", "destroy"), told().stream().map(RecentEvent::action).toList());
  }

  @Test
  void pruningIsToldWithWhatItGave() throws InterruptedException {
    chronicle.pruned("default", 2_000);
    RecentEvent told = told().getFirst();
    assertEquals("prune", told.action());
    assertEquals("", told.actor());
    assertEquals(Map.of("reclaimed", "2000"), told.attributes());
  }
}
