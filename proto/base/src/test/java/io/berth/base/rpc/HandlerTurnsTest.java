package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

// case S11
final class HandlerTurnsTest {
  /** Threads that begin one after the other, when they are let. */
  private final Queue<Runnable> threads = new ArrayDeque<>();

  private final List<String> done = new ArrayList<>();
  private final HandlerTurns<String> turns = new HandlerTurns<>(threads::add, 2);

  private void runAll() {
    for (Runnable next = threads.poll(); next != null; next = threads.poll()) {
      next.run();
    }
  }

  @Test
  void whoAsksOnceComesBeforeTheThousandsOfAnother() {
    Executor greedy = turns.of("greedy");
    for (int i = 0; i < 1000; i++) {
      greedy.execute(() -> done.add("greedy"));
    }
    turns.of("modest").execute(() -> done.add("modest"));
    turns.of("another").execute(() -> done.add("another"));
    runAll();
    assertEquals(1002, done.size());
    assertTrue(done.indexOf("modest") <= 4, done.subList(0, 10)::toString);
    assertTrue(done.indexOf("another") <= 5, done.subList(0, 10)::toString);
  }

  @Test
  void oneOwnersTasksKeepTheirOrder() {
    for (int i = 0; i < 10; i++) {
      String number = Integer.toString(i);
      turns.of("a").execute(() -> done.add(number));
    }
    runAll();
    assertEquals(List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), done);
  }

  /** One that waits for something holds nobody's turn: it has begun. */
  @Test
  void whatHasBegunHoldsNobodyUp() {
    for (int i = 0; i < 5; i++) {
      turns
          .of("a")
          .execute(() -> {
            runAll();
            done.add("waited for the others");
          });
    }
    runAll();
    assertEquals(5, done.size());
  }

  @Test
  void muchThatWaitsIsTold() {
    assertFalse(turns.isBehind("a"));
    for (int i = 0; i < 70; i++) {
      turns.of("a").execute(() -> {});
    }
    assertTrue(turns.isBehind("a"));
    assertFalse(turns.isBehind("b"));
    runAll();
    assertFalse(turns.isBehind("a"));
  }
}
