package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.net.Ipv4;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.port.PublishedPort;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What attaching costs inside the service; prints a table, and fails only when it is far off. */
@Tag("root")
@Tag("long")
final class AttachTimingIT {
  private static final int ROUNDS = 300;

  @TempDir Path folder;

  @Test
  void attachWithOnePort_fromTheShelfAndFromScratch() throws Exception {
    Logger.getLogger("io.berth").setLevel(Level.WARNING);
    double hot = measure("shelf", 4, 0);
    measure("shelf, after 60 ms", 4, 60);
    measure("scratch", 0, 0);
    assertTrue(hot < 5, "an attach from the shelf took " + hot + " ms");
  }

  private double measure(String name, int ready, int pauseMillis) throws Exception {
    try (TestHost host = new TestHost(folder.resolve(name.replace(' ', '-')))) {
      Files.createDirectories(host.folder);
      host.ready = ready;
      NetworkEngine engine = host.start();
      double[] attach = new double[ROUNDS];
      double[] detach = new double[ROUNDS];
      for (int i = 0; i < ROUNDS; i++) {
        // The shelf is full again, and nothing else is at work.
        TimeUnit.MILLISECONDS.sleep(Math.max(pauseMillis, ready > 0 ? 20 : 0));
        var _ = engine.awaitReaped();
        PublishedPort port = new PublishedPort(Protocol.TCP, Ipv4.ANY, 0, 80);
        long start = System.nanoTime();
        engine.attachments().attach(host.call("c" + i, port));
        attach[i] = (System.nanoTime() - start) / 1e6;
        start = System.nanoTime();
        engine.attachments().detach(host.call("c" + i).key());
        detach[i] = (System.nanoTime() - start) / 1e6;
      }
      double median = print(name + ": attach", attach);
      print(name + ": detach", detach);
      engine.removeAll();
      return median;
    }
  }

  private static double print(String what, double[] all) {
    double[] sorted = Arrays.stream(all).skip(ROUNDS / 3).sorted().toArray();
    System.out.printf(
        "%s ms: median %.2f, 90 %% %.2f, 99 %% %.2f%n",
        what,
        sorted[sorted.length / 2],
        sorted[(int) (sorted.length * 0.9)],
        sorted[(int) (sorted.length * 0.99)]);
    return sorted[sorted.length / 2];
  }
}
