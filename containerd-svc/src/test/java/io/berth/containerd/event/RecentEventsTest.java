package io.berth.containerd.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.berth.base.error.BerthException;
import io.berth.base.text.EventTexts;
import io.berth.testing.TurnableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RecentEventsTest {
  private final TurnableClock clock = new TurnableClock(Instant.ofEpochSecond(1000));
  private final RecentEvents recent = new RecentEvents(clock);

  private void tell(String namespace, String action) {
    recent.tell(
        new RecentEvent(
            namespace, "container", action, "c1", Map.of("name", "web"), clock.instant()));
    clock.turn(Duration.ofSeconds(1));
  }

  private List<String> past(String namespace, @Nullable Long since, long until, String... filters)
      throws InterruptedException {
    List<String> actions = new ArrayList<>();
    try (RecentEvents.Watcher watcher =
        recent.watch(
            new RecentEvents.Wish(
                namespace,
                since == null ? null : Instant.ofEpochSecond(since),
                Instant.ofEpochSecond(until),
                RecentEventFilter.of(List.of(filters))))) {
      for (RecentEvent next = watcher.take(); next != null; next = watcher.take()) {
        actions.add(next.action());
      }
    }
    return actions;
  }

  @Test
  void thePastIsToldBetweenTwoMoments() throws InterruptedException {
    tell("default", "create");
    tell("other", "create");
    tell("", "connect");
    tell("default", "start");
    assertEquals(List.of("create", "connect", "start"), past("default", null, 1004));
    assertEquals(List.of("connect", "start"), past("default", 1001L, 1004));
    assertEquals(List.of("create", "connect"), past("default", null, 1002));
    assertEquals(List.of("start"), past("default", 0L, 1004, "event=start", "container=we"));
    assertThrows(BerthException.InvalidArgument.class, () -> past("default", null, 1, "topic=/x"));
  }

  @Test
  void asManyAreKeptAsDockerKeeps() throws InterruptedException {
    for (int i = 0; i < 300; i++) {
      tell("default", "top" + i);
    }
    List<String> kept = past("default", 0L, 1300);
    assertEquals(256, kept.size());
    assertEquals("top44", kept.getFirst());
    assertEquals("top299", kept.getLast());
  }

  @Test
  void whatComesIsToldUntilTheEnd() throws InterruptedException {
    tell("default", "create");
    try (RecentEvents.Watcher watcher =
        recent.watch(
            new RecentEvents.Wish(
                "default", null, Instant.ofEpochSecond(1003), RecentEventFilter.of(List.of())))) {
      tell("default", "start");
      clock.turn(Duration.ofSeconds(5));
      tell("default", "die");
      assertEquals("create", watcher.take().action());
      assertEquals("start", watcher.take().action());
      assertNull(watcher.take());
    }
  }

  @Test
  void aSlowWatcherIsToldOfTheGap() throws InterruptedException {
    try (RecentEvents.Watcher watcher =
        recent.watch(
            new RecentEvents.Wish("default", null, null, RecentEventFilter.of(List.of())))) {
      int bound = RecentEvents.QUEUED;
      for (int i = 0; i <= bound; i++) {
        tell("default", "top");
      }
      for (int i = 0; i < bound; i++) {
        assertEquals("top", watcher.take().action());
      }
      assertThrows(BerthException.ResourceExhausted.class, watcher::take);
    }
  }

  // What is kept is bounded by number, so each must be bounded itself.
  @Test
  void longTextsAreCut_andWhatCountsLessIsLeftOut() {
    Map<String, String> attributes = new LinkedHashMap<>();
    attributes.put("name", "web");
    for (int i = 0; i < 1000; i++) {
      attributes.put("label" + i, "x".repeat(100_000));
    }
    attributes.put("small", "y");
    String command = "exec_create: sh -c " + "x".repeat(16 << 20);
    RecentEvent what =
        new RecentEvent("default", "container", command, "c1", attributes, Instant.EPOCH);
    assertEquals(command.substring(0, EventTexts.TEXT - 1) + "…", what.action());
    assertEquals(Set.of("name", "label0", "label1", "label2", "small"), what.attributes().keySet());
    assertEquals(EventTexts.TEXT, what.attributes().getOrDefault("label0", "").length());
    String pairs = "x" + "\uD83D\uDEA2".repeat(EventTexts.TEXT);
    String cut = new RecentEvent("", "volume", pairs, "v", Map.of(), Instant.EPOCH).action();
    assertEquals(pairs.substring(0, EventTexts.TEXT - 1) + "…", cut);
    assertEquals(
        pairs.substring(1, EventTexts.TEXT - 1) + "…",
        new RecentEvent("", "volume", pairs.substring(1), "v", Map.of(), Instant.EPOCH).action());
    String whole = "x".repeat(EventTexts.TEXT);
    assertEquals(
        whole, new RecentEvent("", "volume", whole, "v", Map.of(), Instant.EPOCH).action());
  }

  @ParameterizedTest
  @CsvSource({
    "event=exec_create, true",
    "event=exec_create: sh, true",
    "event=exec, false",
    "event=exec_start, false",
    "type=container, true",
    "type=image, false",
    "container=abc, true",
    "container=we, true",
    "container=eb, false",
    "image=example.org/app, true",
    "image=example.org/app:1, true",
    "image=app, false",
    "label=team, true",
    "label=team=red, true",
    "label=team=blue, false",
    "scope=local, true",
    "scope=swarm, false",
    "network=abc, true",
    "volume=data, false",
    "daemon=x, false",
  })
  void filtersAreDockers(String filter, boolean fits) {
    RecentEvent what =
        new RecentEvent(
            "default",
            "container",
            "exec_create: sh",
            "abcdef",
            Map.of("name", "web", "image", "example.org/app:1", "team", "red"),
            Instant.EPOCH);
    assertEquals(fits, RecentEventFilter.of(List.of(filter)).fits(what));
  }

  /** Other services tell later what happened earlier. */
  @Test
  void thePastIsInTheOrderOfItsMoments() throws InterruptedException {
    tell("default", "start");
    recent.tell(
        new RecentEvent(
            "default", RecentEvent.VOLUME, "create", "v1", Map.of(), Instant.ofEpochSecond(999)));
    assertEquals(List.of("create", "start"), past("default", 0L, 1001));
  }

  @Test
  void anImageIsMeantByItsIdOrName_withOrWithoutItsTag() throws InterruptedException {
    recent.tell(
        new RecentEvent(
            "default", "image", "pull", "busybox:1", Map.of("name", "busybox"), clock.instant()));
    recent.tell(
        new RecentEvent(
            "default", "image", "tag", "sha256:12", Map.of("name", "other:2"), clock.instant()));
    recent.tell(
        new RecentEvent(
            "default", "container", "start", "c1", Map.of("image", "busybox:1"), clock.instant()));
    assertEquals(List.of("pull", "start"), past("default", 0L, 1000, "image=busybox"));
    assertEquals(List.of("pull", "start"), past("default", 0L, 1000, "image=busybox:1"));
    assertEquals(List.of("tag"), past("default", 0L, 1000, "image=other"));
    assertEquals(List.of("tag"), past("default", 0L, 1000, "image=sha256:12"));
    assertEquals(List.of(), past("default", 0L, 1000, "image=busy"));
    assertEquals(List.of("pull", "tag"), past("default", 0L, 1000, "type=image"));
  }
}
