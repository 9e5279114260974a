package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.linux.KernelFeature;
import io.berth.testing.Eventually;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Random kills: in rounds, clients use an instance in every way while its processes are killed and
 * stopped at any moment; after each round everything is counted. {@code -Dberth.seed=N} makes the
 * choices of another run again (moments are the machine's own), {@code -Dberth.kills=N} the number
 * of hits. The same choices take away a part of the kernel's features.
 */
@Tag("root")
@Tag("long")
final class RandomKillsIT {
  private static final long SEED =
      Long.getLong("berth.seed", ThreadLocalRandom.current().nextLong(1_000_000));
  private static final int HITS = Integer.getInteger("berth.kills", 500);
  private static final int HITS_OF_A_ROUND = 40;
  private static final int CLIENTS = 4;
  private static final int PORTS = 2;

  private static final Random random = new Random(SEED);
  private static final String WITHOUT =
      KernelFeature.replaceable().stream()
          .filter(_ -> random.nextBoolean())
          .map(feature -> "\"" + feature.text() + "\"")
          .collect(Collectors.joining(", "));
  private static final String ISOLATION = random.nextBoolean() ? "pool" : "container";

  @RegisterExtension
  static final BerthInstance berth =
      BerthInstance.withoutFeatures(
          WITHOUT, BerthInstance.COLD + "[shim]\nisolation = \"" + ISOLATION + "\"\n");

  private final KillLedger all = new KillLedger();
  private final List<Integer> ports = new ArrayList<>();
  private final Set<String> staying = new HashSet<>();
  private final Set<String> spared = new HashSet<>();

  @Test
  void everythingIsAsItWasToldAfterKillsAtAnyMoment() throws Exception {
    String what =
        "random kills: seed %d, isolation %s, without %s"
            .formatted(SEED, ISOLATION, WITHOUT.isEmpty() ? "nothing" : WITHOUT);
    System.out.println(what);
    int rounds = 0;
    try (KillImages images = new KillImages(berth, berth.folder("images"), CLIENTS)) {
      publish();
      KillAccounts.collect(berth);
      Inventory before = quiet();
      while (all.hits() < HITS && all.faults().isEmpty()) {
        rounds++;
        round(rounds, images, before);
      }
    }
    System.out.println(what + ": rounds " + rounds + ", " + all.table());
    if (!all.faults().isEmpty()) {
      keepLogs(all.tale());
    }
    for (String name : staying) {
      berth.berth("rm", "-f", name).exits(0);
    }
    assertEquals("", String.join("\n", all.faults()), what + ", round " + rounds);
  }

  /** Containers that are there all the time, each behind a port. */
  private void publish() throws Exception {
    for (int i = 0; i < PORTS; i++) {
      int port = LocalRegistry.freePort();
      String name = "stays-" + i;
      String id =
          berth
              .berth(
                  "run",
                  "-d",
                  "--name",
                  name,
                  "-p",
                  port + ":80",
                  KillImages.BASE,
                  "sh",
                  "-c",
                  "mkdir /w; echo " + name + " >/w/index.html; exec httpd -f -p 80 -h /w")
              .exits(0)
              .out()
              .strip();
      ports.add(port);
      staying.add(name);
      spared.add(id.substring(0, 40));
    }
    mustServe();
  }

  private void mustServe() throws InterruptedException {
    for (int i = 0; i < PORTS; i++) {
      int port = ports.get(i);
      Eventually.answers("serves port " + port, () -> page(port), ("stays-" + i + "\n")::equals);
    }
  }

  private static String page(int port) throws IOException, InterruptedException {
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port)).build();
      return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  /** What there is when two looks see the same. */
  private static Inventory quiet() throws Exception {
    return Eventually.answers(
        "is quiet", () -> Inventory.of(berth), seen -> seen.equals(again(seen)));
  }

  private static Inventory again(Inventory seen) {
    try {
      Thread.sleep(500);
      return Inventory.of(berth);
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(seen.toString(), e);
    }
  }

  private void round(int number, KillImages images, Inventory before) throws Exception {
    long begun = System.nanoTime();
    long killed;
    KillLedger ledger = new KillLedger();
    AtomicBoolean goesOn = new AtomicBoolean(true);
    List<Thread> clients = new ArrayList<>();
    Random killing = new Random(random.nextLong());
    for (int i = 0; i < CLIENTS; i++) {
      KillClient client =
          new KillClient(
              berth, ledger, images, new Random(random.nextLong()), i, "r" + number + "c" + i);
      clients.add(Thread.ofPlatform().start(() -> client.work(goesOn::get)));
    }
    try (PortProber _ = new PortProber(ports, berth, ledger)) {
      new RandomKiller(berth, ledger, killing, spared).hit(HITS_OF_A_ROUND);
      goesOn.set(false);
      killed = System.nanoTime();
      for (Thread client : clients) {
        client.join();
      }
      try {
        mustServe();
      } catch (AssertionError e) {
        ledger.fault(e.getMessage());
        for (String name : staying) {
          ledger.tell(berth.berth("inspect", name).out());
          ledger.tell(berth.berth("network", "explain", name).out());
        }
        ledger.tell(berth.words("events --since 1h --until 0s -f container=stays-1").out());
        Leftovers.processes(berth.id(), berth.dir())
            .forEach(pid -> ledger.tell(pid + " " + Leftovers.commandLine(pid)));
      }
    }
    long settled = System.nanoTime();
    new KillAccounts(berth, ledger, staying, before).check();
    if (2 * ledger.done() < ledger.calls()) {
      ledger.fault("fewer than half of the calls were carried out: " + ledger.table());
    }
    System.out.println(
        "round %d: kills %d ms, clients' ends %d ms, accounts %d ms; "
                .formatted(
                    number,
                    (killed - begun) / 1000000,
                    (settled - killed) / 1000000,
                    (System.nanoTime() - settled) / 1000000)
            + ledger.table());
    all.add(ledger);
  }

  /** The services' own words about a run that failed; the instance's folder goes. */
  private static void keepLogs(List<String> tale) throws IOException {
    Path target = Files.createDirectories(Path.of("target", "random-kills-" + SEED));
    Files.write(target.resolve("campaign.log"), tale);
    for (String service : BerthInstance.SERVICES) {
      Files.copy(
          berth.dir().resolve("log").resolve(service + ".log"),
          target.resolve(service + ".log"),
          StandardCopyOption.REPLACE_EXISTING);
    }
    try (Stream<Path> processes = Files.list(berth.state().resolve("h"))) {
      for (Path log :
          processes.map(folder -> folder.resolve("log")).filter(Files::exists).toList()) {
        Files.copy(
            log,
            target.resolve("shim-" + log.getParent().getFileName() + ".log"),
            StandardCopyOption.REPLACE_EXISTING);
      }
    }
    System.out.println("logs are in " + target.toAbsolutePath());
  }
}
