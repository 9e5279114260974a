package io.berth.containerd.timing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.id.TaskKey;
import io.berth.containerd.task.Detached;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimingTest {
  private static final TaskKey KEY = new TaskKey("ns", "a");
  private final Timings timings = new Timings(InstantSource.system());

  private List<String> steps() {
    return timings.of(KEY).orElseThrow().spans().stream()
        .map(span -> span.depth() + " " + span.name())
        .toList();
  }

  @Test
  void stepsLieInOneAnother_alsoOnOtherThreads_andWhenTheyFail() {
    timings.start(
        KEY,
        () ->
            Timing.step(
                "outer",
                () -> {
                  assertThrows(
                      IllegalStateException.class,
                      () ->
                          Detached.run(() ->
                              Timing.step(
                                  "inner",
                                  () -> {
                                    throw new IllegalStateException("as the test wants it");
                                  })));
                  return "made";
                }));
    Timing.perform("of nobody", () -> {});
    timings.goOn(KEY, () -> Timing.perform("later", () -> {}));
    assertEquals(List.of("0 outer", "1 inner", "0 later"), steps());
    List<Timing.Span> spans = timings.of(KEY).orElseThrow().spans();
    Timing.Span outer = spans.getFirst();
    Timing.Span inner = spans.get(1);
    assertTrue(inner.beginNanos() >= outer.beginNanos());
    assertTrue(inner.beginNanos() + inner.nanos() <= outer.beginNanos() + outer.nanos());
  }

  @Test
  void anotherStart_takesThePlaceOfTheLast_butIsNoneWithinOne() {
    timings.start(
        KEY, () -> timings.start(KEY, () -> Timing.step("one", () -> "in the same timing")));
    assertEquals(List.of("0 one"), steps());
    timings.start(KEY, () -> Timing.step("two", () -> "in another"));
    assertEquals(List.of("0 two"), steps());
    assertEquals(List.of("a"), List.copyOf(timings.in("ns").keySet()));
    assertTrue(timings.in("other").isEmpty());
  }

  @Test
  void whatRestartsForEver_fillsNoMemory() {
    timings.start(KEY, () -> "begun");
    for (int i = 0; i < 2 * Timing.MOST_SPANS; i++) {
      timings.goOn(KEY, () -> Timing.perform("again", () -> {}));
    }
    assertEquals(Timing.MOST_SPANS, steps().size());
  }
}
