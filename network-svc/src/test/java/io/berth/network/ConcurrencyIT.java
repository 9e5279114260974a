package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.PortSocket.Protocol;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.network.port.PublishedPort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many containers attach at once, and none gets an address or a port that another one has. */
@Tag("root")
final class ConcurrencyIT {
  private static final int THREADS = 6;
  private static final int STEPS = 40;
  private static final int CONTAINERS = 10;

  @TempDir Path folder;

  @Test
  void attachesAndDetachesAllAtOnce_neverShareAddressPortOrLink() throws Exception {
    try (TestHost host = new TestHost(folder)) {
      NetworkEngine engine = host.start();
      Set<String> inUse = ConcurrentHashMap.newKeySet();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        int number = t;
        threads.add(
            Thread.ofPlatform()
                .uncaughtExceptionHandler((_, e) -> failure.set(e))
                .start(() -> work(host, engine, number, inUse)));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertNull(failure.get(), () -> String.valueOf(failure.get()));
      Set<String> seen = new HashSet<>();
      for (EndpointRecord endpoint : engine.attachments().list()) {
        assertTrue(seen.add(endpoint.place().address().toString()));
        assertTrue(seen.add(endpoint.place().hostLink()));
        endpoint.ports().forEach(port -> assertTrue(seen.add("" + port.hostPort())));
        engine.attachments().detach(endpoint.key());
      }
      assertTrue(engine.awaitReaped());
      assertEquals(0, engine.publishedPorts());
      engine.removeAll();
      assertEquals(Set.of(), host.leftovers());
    }
  }

  private static void work(TestHost host, NetworkEngine engine, int number, Set<String> inUse) {
    Random random = new Random(number);
    PublishedPort any = new PublishedPort(Protocol.TCP, Ipv4.ANY, 0, 80);
    try {
      for (int i = 0; i < STEPS; i++) {
        String shared = "shared" + random.nextInt(3);
        String own = "t" + number + "c" + random.nextInt(CONTAINERS);
        var _ = engine.attachments().attach(host.call(shared, any));
        engine.attachments().detach(host.call(shared).key());
        EndpointRecord endpoint = engine.attachments().attach(host.call(own, any));
        for (String mine : List.of(endpoint.place().address().toString(), endpoint.id())) {
          if (!inUse.add(mine)) {
            throw new IllegalStateException(mine + " was given twice");
          }
        }
        for (String mine : List.of(endpoint.place().address().toString(), endpoint.id())) {
          inUse.remove(mine);
        }
        engine.attachments().detach(endpoint.key());
      }
    } catch (BerthException.ResourceExhausted e) {
      throw new IllegalStateException("addresses are free, but slow to come back", e);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
