package io.berth.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.base.config.Config;
import io.berth.base.layout.ShimProcessFolder;
import io.berth.base.layout.StateFolders;
import io.berth.shim.api.ShimProcessNumber;
import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A shim process by itself, between its start and its end. */
@Tag("root")
final class ShimProcessDaemonIT {
  @TempDir Path folder;

  @Test // case S17
  void aProcessWhoseFolderIsGoneEndsByItself() throws Exception {
    Config config =
        Config.parse(null, "root = \"" + folder + "/lib\"\nstate = \"" + folder + "/run\"\n");
    AtomicInteger ends = new AtomicInteger();
    ShimProcessDaemon daemon =
        new ShimProcessDaemon(
            config,
            new ShimProcessNumber(1),
            /* warm= */ false,
            ends::incrementAndGet,
            Duration.ofMillis(10));
    daemon.start();
    try {
      ShimProcessFolder own = new StateFolders(config.state()).shimProcess(1);
      assertEquals(0, ends.get());
      Files.delete(own.socket());
      own.delete();
      Eventually.holds("ended", () -> ends.get() == 1);
    } finally {
      daemon.stop();
    }
  }
}
