package io.berth.image.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
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
        only(
            "Bearer realm=\"https://a.b/token?x=1,2\",service=r,"
                + " scope=\"repository:a/b:pull,push\",error=\"x\\\"y\""));
    assertEquals(new Challenge("basic", Map.of("realm", "x")), only("Basic realm=\"x\""));
    assertEquals(List.of(), Challenge.all(List.of("")));
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
      Challenge.all(List.of(text.toString()));
    }
  }

  private static Challenge only(String header) {
    List<Challenge> all = Challenge.all(List.of(header));
    assertEquals(1, all.size(), all::toString);
    return all.getFirst();
  }

  @Test // case I10
  void all_readsSeveralOfOneHeaderAndOfSeveral() {
    assertEquals(
        List.of(
            new Challenge("negotiate", Map.of()),
            new Challenge("ntlm", Map.of()),
            new Challenge("basic", Map.of("realm", "a, b")),
            new Challenge("bearer", Map.of("realm", "https://t", "service", "s"))),
        Challenge.all(
            List.of(
                "Negotiate",
                "NTLM TlRMTVNTUAAC=, Basic realm=\"a, b\", Bearer realm=\"https://t\",service=s")));
  }
}
