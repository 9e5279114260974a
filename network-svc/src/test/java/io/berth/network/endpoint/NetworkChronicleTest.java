package io.berth.network.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What is kept of what happens to networks, for those who follow. */
final class NetworkChronicleTest {
  private final NetworkChronicle chronicle = new NetworkChronicle(InstantSource.system());

  private List<NetworkChronicle.Letter> after(long sequence, Duration patience) {
    try {
      return chronicle.after(sequence, patience);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asking again and again at once would take a processor for ever. */
  @Test
  void whoFollowedAnEarlierRun_waitsForTheFirstOfThisOne() throws Exception {
    long earlier = chronicle.last() - 1000;
    CompletableFuture<List<NetworkChronicle.Letter>> told =
        CompletableFuture.supplyAsync(() -> after(earlier, Duration.ofSeconds(20)));
    assertEquals(List.of(), after(chronicle.last(), Duration.ofMillis(50)));
    chronicle.pruned();
    assertEquals(
        List.of("prune"),
        told.get(20, TimeUnit.SECONDS).stream().map(NetworkChronicle.Letter::action).toList());
  }

  @Test
  void whatIsKept_isToldAtOnce() {
    long before = chronicle.last();
    for (int i = 0; i < NetworkChronicle.KEPT + 2; i++) {
      chronicle.pruned();
    }
    assertEquals(NetworkChronicle.KEPT, after(0, Duration.ofSeconds(20)).size());
    assertEquals(before + 3, chronicle.first());
    assertEquals(1, after(chronicle.last() - 1, Duration.ofSeconds(20)).size());
  }
}
