package io.berth.base.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

// case S11
final class PlacesTest {
  private static long fill(Places<String> places, String holder) {
    long got = 0;
    while (places.take(holder, 1)) {
      got++;
    }
    return got;
  }

  @Test
  void oneHolderGetsHalf_andEachThatFollowsFindsSome() {
    Places<String> places = new Places<>(1_000, 1_000);
    assertEquals(500, fill(places, "a"));
    assertEquals(250, fill(places, "b"));
    assertEquals(125, fill(places, "c"));
    assertTrue(places.take("d", 1));
  }

  @Test
  void noneGetsMoreThanItsBound_andWhatIsFreedIsThereAgain() {
    Places<String> places = new Places<>(1_000, 3);
    assertEquals(3, fill(places, "a"));
    assertFalse(places.has("a", 1));
    places.free("a", 2);
    assertEquals(1, places.heldBy("a"));
    assertEquals(2, fill(places, "a"));
    assertFalse(new Places<String>(10, 10).take("a", 6));
  }

  @Test
  void whoHoldsForOthersGetsAllButWhatWhoeverComesNextNeeds() {
    Places<String> places = new Places<>(1_000, 10, "front"::equals);
    assertEquals(10, fill(places, "a"));
    assertEquals(928, fill(places, "front"));
    assertTrue(places.take("b", 1));
    assertFalse(places.take("front", 1));
  }

  @Test
  void whatIsThereAlreadyCounts() {
    Places<String> places = new Places<>(10, 10);
    places.force("a", 8);
    assertFalse(places.take("a", 1));
    assertTrue(places.take("b", 1));
  }

  // case S11: another process of the same user found none at all.
  @Test
  void whoMayHaveTheWholeLeavesSomeToWhoeverComesNext() {
    Places<String> places = new Places<>(160, 160, _ -> true);
    int taken = 0;
    while (places.take("service", 1)) {
      taken++;
    }
    assertEquals(150, taken);
    assertTrue(places.take("next", 1));
    assertTrue(places.take("another", 1));
    assertFalse(places.take("service", 1));
  }

  @Test
  void whoHasLittleDoesNotAnswerForWhatOthersTook() {
    Places<String> places = new Places<>(100, 100);
    places.force("a", 60);
    places.force("b", 60);
    assertFalse(places.has("modest", 1));
    assertFalse(places.isFull("modest", 16));
    places.force("modest", 16);
    assertTrue(places.isFull("modest", 16));
    assertTrue(places.isFull("a", 16));
    places.free("a", 60);
    assertFalse(places.isFull("modest", 16));
  }
}
