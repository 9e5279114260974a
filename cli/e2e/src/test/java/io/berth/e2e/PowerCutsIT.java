package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Power cuts: clients use an instance on a disk that keeps account of its writes; then the power
 * has gone at many moments of that time, and each time the disk has all that was flushed and some
 * of what was not. The instance is started on every one of these disks, as after a boot, and has to
 * have what clients were told. {@code -Dberth.seed=N} makes the choices of another run again
 * (moments are the machine's own), {@code -Dberth.cuts=N} the number of cuts.
 */
@Tag("root")
@Tag("long")
final class PowerCutsIT {
  private static final long SEED =
      Long.getLong("berth.seed", ThreadLocalRandom.current().nextLong(1_000_000));
  private static final int CUTS = Integer.getInteger("berth.cuts", 200);
  private static final int CUTS_OF_A_RECORDING = 25;
  private static final int CLIENTS = 3;
  private static final long RECORDING_MILLIS = 12_000;

  @RegisterExtension static final BerthInstance berth = BerthInstance.asleep();

  private final Random random = new Random(SEED);
  private final List<String> faults = new ArrayList<>();
  private int cuts;
  private long promises;

  @Test
  void whatWasToldIsThereAfterTwoHundredCuts() throws Exception {
    while (cuts < CUTS && faults.isEmpty()) {
      record(Math.min(CUTS - cuts, CUTS_OF_A_RECORDING), RECORDING_MILLIS);
    }
    System.out.println(
        "power cuts: seed " + SEED + ", cuts " + cuts + ", promises looked at " + promises);
    assertEquals("", String.join("\n", faults), "seed " + SEED);
  }

  private void record(int count, long millis) throws Exception {
    Path folder = Files.createTempDirectory("berth-cuts");
    PowerLedger ledger = new PowerLedger();
    Files.createDirectories(berth.dir().resolve("tmp"));
    Path registryFolder = Files.createDirectories(folder.resolve("registry"));
    try (LocalRegistry registry = new LocalRegistry(registryFolder);
        RecordingDisk disk = new RecordingDisk(folder)) {
      int commit = 1 + random.nextInt(5);
      disk.mount(berth.root(), commit);
      berth.bootApart();
      berth.startMissing();
      long from = prepare(ledger, disk);
      List<PowerClient> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(
            new PowerClient(
                berth,
                disk::position,
                ledger,
                registry,
                new Random(random.nextLong()),
                "c" + cuts + "x" + i));
      }
      use(clients, millis);
      long end = disk.position();
      berth.losePower();
      System.out.printf(
          "recorded: commit=%d, %d things, %d promises, %d MB, failed calls %s%n",
          commit, ledger.things().size(), ledger.told(end), (end - from) >> 20, ledger.failures());
      Path kept = folder.resolve("kept");
      Command.run("cp", "--sparse=always", disk.base().toString(), kept.toString()).exits(0);
      try (DiskLog log = new DiskLog(disk.recording(), end, kept)) {
        System.out.println("writes and flushes: " + log.counts());
        for (DiskLog.Cut cut : log.cuts(count, from, random)) {
          String pull = random.nextInt(4) == 0 ? clients.getFirst().pulled() : "";
          check(log, cut, ledger, folder, pull);
        }
      }
    } finally {
      Leftovers.deleteTree(folder);
    }
  }

  /** What is there all the time; answers from where on the power may go. */
  private long prepare(PowerLedger ledger, RecordingDisk disk) throws IOException {
    Path archive = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", archive.toString()).exits(0);
    berth.words("run --rm " + KillImages.BASE + " true").exits(0);
    ledger.bytes(Files.readAllBytes(Path.of("/bin/busybox")));
    for (String file : List.of("etc/passwd", "etc/group", "etc/not-executable")) {
      ledger.bytes(
          Command.run("tar", "-xOf", layer(), file)
              .exits(0)
              .out()
              .getBytes(StandardCharsets.UTF_8));
    }
    return disk.position();
  }

  private static String layer() throws IOException {
    return Files.write(berth.folder("image").resolve("layer.tar"), BusyboxImage.layer()).toString();
  }

  private static void use(List<PowerClient> clients, long millis) throws InterruptedException {
    AtomicBoolean goesOn = new AtomicBoolean(true);
    List<Thread> threads =
        clients.stream()
            .map(client -> Thread.ofPlatform().start(() -> client.work(goesOn::get)))
            .toList();
    TimeUnit.MILLISECONDS.sleep(millis);
    goesOn.set(false);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private void check(DiskLog log, DiskLog.Cut cut, PowerLedger ledger, Path folder, String pull)
      throws Exception {
    long begun = System.nanoTime();
    Path image = folder.resolve("cut-" + cuts);
    int unsynced = log.disk(cut, image);
    cuts++;
    promises += ledger.told(cut.position());
    List<String> found;
    Command.run("mount", "-o", "loop", image.toString(), berth.root().toString()).exits(0);
    try {
      found = new PowerAccounts(berth, ledger).check(cut.position(), pull);
      if (!found.isEmpty()) {
        keepLogs(cuts);
      }
    } finally {
      berth.losePower();
    }
    System.out.printf(
        "cut %d: %s, unsynced %d, told %d, %d ms, faults %d%n",
        cuts,
        cut.unsynced(),
        unsynced,
        ledger.told(cut.position()),
        (System.nanoTime() - begun) / 1_000_000,
        found.size());
    for (String fault : found) {
      faults.add("cut " + cuts + " " + cut + ": " + fault);
      System.out.println(fault);
    }
    Files.delete(image);
    if (faults.size() == found.size() && !found.isEmpty()) {
      log.disk(cut, kept(cuts).resolve("disk"));
    }
  }

  /** The folder of a cut with faults: logs and, of the first one, the disk as the cut left it. */
  private static Path kept(int cut) throws IOException {
    return Files.createDirectories(Path.of("target", "power-cuts-" + SEED + "-" + cut));
  }

  /** The services' own words about a cut after which not all was well. */
  private static void keepLogs(int cut) throws IOException {
    Path target = kept(cut);
    for (String service : BerthInstance.SERVICES) {
      Files.copy(
          berth.dir().resolve("log").resolve(service + ".log"),
          target.resolve(service + ".log"),
          StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
