package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * While other processes do their worst to the services' sockets, clients are answered; nobody dies,
 * and what the attack took is given back. How long an answer takes is measured by {@code bench/run
 * flood}, and not here.
 */
@Tag("root")
@Tag("long")
final class HostileClientsIT { // case S11
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final EventLoops loops = new EventLoops(1);

  /** Of one service: its heap, what it maps beside it, and what its buffers may take. */
  private static final long MOST_MEMORY = 512L << 10;

  /** Connections of all clients together, with what a service has open for itself. */
  private static final long MOST_FILES = 1024 + 256;

  private static final long MOST_LOG = 64 << 10;

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  @AfterAll
  static void close() {
    loops.close();
  }

  /** Something that is done, and may fail. */
  private interface Work {
    void run() throws Exception;
  }

  /** What a process has of what can run out. */
  private record Use(long files, long threads, long memory) {
    static Use of(String service) {
      Path process = Path.of("/proc", Long.toString(berth.pid(service)));
      try (Stream<Path> open = Files.list(process.resolve("fd"))) {
        TreeMap<String, String> status = new TreeMap<>();
        for (String line : Files.readAllLines(process.resolve("status"))) {
          String[] pair = line.split(":", 2);
          status.put(pair[0], pair[1].replaceAll("[^0-9]", ""));
        }
        return new Use(
            open.count(),
            Long.parseLong(Objects.requireNonNull(status.get("Threads"))),
            Long.parseLong(Objects.requireNonNull(status.get("VmRSS"))));
      } catch (IOException e) {
        throw new AssertionError(service + " is gone", e);
      }
    }

    static List<Use> now() {
      return BerthInstance.SERVICES.stream().map(Use::of).toList();
    }

    boolean isAtMost(Use before) {
      // Threads of virtual ones come and go; a connection of the command line may stay.
      return files <= before.files + 16 && threads <= before.threads + 8;
    }
  }

  private static Process attacker(HostileClient.Kind kind, String service) throws IOException {
    // What they take of the processors is the kernel's business, and not what is tested here.
    return new ProcessBuilder(
            "nice",
            "-n",
            "19",
            ProcessHandle.current().info().command().orElseThrow(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx64m",
            "-cp",
            System.getProperty("java.class.path"),
            HostileClient.class.getName(),
            kind.word(),
            berth.state().resolve(service + ".sock").toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Runs the work while all of these are at it. */
  private static void beside(List<Process> attackers, Work work) throws Exception {
    try {
      for (Process attacker : attackers) {
        assertEquals("begun", attacker.inputReader().readLine());
      }
      work.run();
      for (Process attacker : attackers) {
        assertTrue(attacker.isAlive(), "it goes on");
      }
    } finally {
      for (Process attacker : attackers) {
        attacker.destroyForcibly().waitFor();
      }
    }
  }

  private static HealthCheckResponse.ServingStatus health(ManagedChannel channel) {
    return HealthGrpc.newBlockingStub(channel)
        .withDeadlineAfter(30, TimeUnit.SECONDS)
        .check(HealthCheckRequest.getDefaultInstance())
        .getStatus();
  }

  /**
   * The kernel's queue of those who connect can be full, and then it says so; nothing else fails.
   */
  private static boolean isConnected(ManagedChannel channel) {
    try {
      return health(channel) == HealthCheckResponse.ServingStatus.SERVING;
    } catch (StatusRuntimeException full) {
      assertEquals(Status.Code.UNAVAILABLE, full.getStatus().getCode(), full::toString);
      return false;
    }
  }

  private static void isAnswered(ManagedChannel kept) {
    for (int i = 0; i < 20; i++) {
      assertEquals(HealthCheckResponse.ServingStatus.SERVING, health(kept));
    }
  }

  private static void getsConnected(String service) throws Exception {
    for (int i = 0; i < 5; i++) {
      Eventually.holds(
          service + " is connected",
          () -> {
            ManagedChannel own = channel(service);
            try {
              return isConnected(own);
            } finally {
              own.shutdownNow();
            }
          });
    }
  }

  private static ManagedChannel channel(String service) {
    return UnixChannel.to(loops, berth.state().resolve(service + ".sock"));
  }

  private static void linesAreCarriedOut() {
    berth.berth("ps").exits(0).says("CONTAINER ID");
    berth.berth("images").exits(0).says("busybox");
  }

  /** All that is asked of the services holds during the attack, and they are as before after it. */
  private static void stands(List<Process> attackers, Work more) throws Exception {
    linesAreCarriedOut();
    List<Use> before = Use.now();
    List<ManagedChannel> kept =
        BerthInstance.SERVICES.stream().map(HostileClientsIT::channel).toList();
    kept.forEach(HostileClientsIT::isAnswered);
    long log = logs();
    beside(
        attackers,
        () -> {
          kept.forEach(HostileClientsIT::isAnswered);
          linesAreCarriedOut();
          more.run();
          for (Use during : Use.now()) {
            assertTrue(during.memory < MOST_MEMORY, during::toString);
            assertTrue(during.files < MOST_FILES, during::toString);
          }
        });
    kept.forEach(ManagedChannel::shutdownNow);
    Eventually.answers(
        "as before: " + before,
        Use::now,
        after -> {
          boolean all = true;
          for (int i = 0; i < after.size(); i++) {
            all &= after.get(i).isAtMost(before.get(i));
          }
          return all;
        });
    assertTrue(logs() - log < MOST_LOG, () -> "logged " + lastOfLogs());
  }

  private static long logs() throws IOException {
    long sum = 0;
    for (String service : BerthInstance.SERVICES) {
      sum += berth.log(service).length();
    }
    return sum;
  }

  private static String lastOfLogs() {
    try {
      String log = berth.log("containerd") + berth.log("image") + berth.log("network");
      return log.substring(Math.max(0, log.length() - 2000));
    } catch (IOException e) {
      return e.toString();
    }
  }

  @ParameterizedTest
  @EnumSource(names = "WRITES", mode = EnumSource.Mode.EXCLUDE)
  void oneProcessKeepsNobodyWaiting(HostileClient.Kind kind) throws Exception {
    List<Process> attackers = new ArrayList<>();
    for (String service : BerthInstance.SERVICES) {
      attackers.add(attacker(kind, service));
    }
    stands(
        attackers,
        () -> {
          // The kernel's queue of those who connect is full of some who are gone again, and tells
          // who comes then to try again later, before any service hears of him.
          if (kind != HostileClient.Kind.HANGING_UP) {
            for (String service : BerthInstance.SERVICES) {
              getsConnected(service);
            }
          }
        });
  }
}
