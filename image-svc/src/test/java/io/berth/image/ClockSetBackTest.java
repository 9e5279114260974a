package io.berth.image;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.id.Digest;
import io.berth.image.gc.Collector;
import io.berth.image.lease.Lease;
import io.berth.image.meta.Settlement;
import io.berth.testing.TurnableClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The clock of the host is set back between two lives of the service, in the same boot. */
final class ClockSetBackTest {
  private static final Duration STEP = Duration.ofDays(2);

  @TempDir Path root;
  private final TurnableClock clock = new TurnableClock(Instant.parse("2026-06-01T00:00:00Z"));

  private static boolean isLazy(Stores stores) {
    return stores.metadata.read(
        query -> query.exists("SELECT 1 FROM content WHERE boot IS NOT NULL"));
  }

  @Test
  void whatWasFetchedBefore_isMadeDurableAllTheSame() throws Exception {
    try (Stores stores = new Stores(root, clock)) {
      var _ = stores.put("default", "", "x", Map.of());
      assertTrue(isLazy(stores));
    }
    clock.turn(STEP.negated());
    try (Stores stores = new Stores(root, clock);
        Settlement settlement = new Settlement(stores.paths, stores.metadata)) {
      settlement.start();
      settlement.settle();
      assertFalse(isLazy(stores));
    }
  }

  /** A client's lease begins by the clock, and ends by it. */
  @Test
  void aLeaseThatBeginsAfterwards_isNotOver() throws Exception {
    try (Stores stores = new Stores(root, clock)) {
      var _ = stores.put("default", "", "x", Map.of());
    }
    clock.turn(STEP.negated());
    try (Stores stores = new Stores(root, clock)) {
      String end = clock.instant().plus(Duration.ofDays(1)).toString();
      var _ = stores.leases.create("default", "client", Map.of(Lease.EXPIRE, end));
      Digest kept = stores.put("default", "client", "kept", Map.of());
      var _ =
          new Collector(
                  stores.metadata,
                  stores.leases,
                  stores.content,
                  stores.ingests,
                  stores.snapshots,
                  _ -> List.of())
              .collect();
      assertNotNull(stores.content.find("default", kept));
    }
  }
}
