package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ChallengeTest {
  @Test
  void of_readsQuotedAndBareParameters() {
    assertEquals(
        new Challenge(
            "bearer",
            Map.of(
                "realm",
                "https://a.b/token?x=1,2",
                "service",
                "r",
                "scope",
                "repository:a/b:pull,push",
                "error",
                "x\"y")),
        Challenge.of(
            "Bearer realm=\"https://a.b/token?x=1,2\",service=r, scope=\"repository:a/b:pull,push\",error=\"x\\\"y\""));
    assertEquals(new Challenge("basic", Map.of("realm", "x")), Challenge.of("Basic realm=\"x\""));
    assertNull(Challenge.of(""));
  }

  @Test
  void of_anyTextIsReadOrNull() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 10_000; i++) {
      StringBuilder text = new StringBuilder("Bearer ");
      for (int n = random.nextInt(20); n >= 0; n--) {
        text.append("a=\",\\ \0".charAt(random.nextInt(7)));
      }
      Challenge.of(text.toString());
    }
  }
}
