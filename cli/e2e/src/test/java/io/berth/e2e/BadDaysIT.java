package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Days on which the machine has none of something: whoever asks hears a line that says so, what was
 * there stays, and once there is some again all goes on by itself, and nothing is left of what
 * failed.
 */
@Tag("root")
final class BadDaysIT {
  @RegisterExtension
  static final BerthInstance berth = BerthInstance.onSmallDisk("size=48m,nr_inodes=4000");

  private static final String IMAGE = "busybox:test";
  private static Path archive = Path.of("/");

  @BeforeAll
  static void load() throws Exception {
    archive = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", archive.toString()).exits(0);
    berth.words("run -d --name held --network none " + IMAGE + " sleep 100000").exits(0);
  }

  @AfterAll
  static void remove() {
    berth.words("rm -f held").exits(0);
  }

  @AfterEach
  void whatWasThereIsThere() {
    berth.words("exec held true").exits(0);
    berth.words("run --rm --network none " + IMAGE + " true").exits(0);
    berth.words("ps -aq").exits(0);
  }

  private static void isAsBefore(List<String> before) throws Exception {
    Eventually.answers("as before", () -> changes(before, berth.recorded()), List::isEmpty);
  }

  /** A lease may have ended: that of the container that is held does with a life of its service. */
  private static List<String> changes(List<String> before, List<String> now) {
    List<String> changes = new ArrayList<>();
    now.stream()
        .filter(line -> !before.contains(line))
        .map(line -> "+ " + line)
        .forEach(changes::add);
    before.stream()
        .filter(line -> !now.contains(line) && !line.startsWith("leases "))
        .map(line -> "- " + line)
        .forEach(changes::add);
    return changes;
  }

  // --- no room

  /** Takes all that is free until it is closed. */
  private record Filler(Path file) implements AutoCloseable {
    static Filler fill() throws IOException {
      return fill(0);
    }

    /** Takes all but this many bytes. */
    static Filler fill(int left) throws IOException {
      Filler filler = new Filler(berth.root().resolve("filler"));
      byte[] zeros = new byte[4096];
      try (OutputStream out = Files.newOutputStream(filler.file)) {
        while (true) {
          out.write(zeros);
        }
      } catch (IOException full) {
        assertTrue(Files.size(filler.file) > left, "took something");
      }
      try (FileChannel file = FileChannel.open(filler.file, StandardOpenOption.WRITE)) {
        var _ = file.truncate(file.size() - left);
      }
      return filler;
    }

    @Override
    public void close() throws IOException {
      Files.deleteIfExists(file);
    }
  }

  @Test
  void aFullDiskIsTold_andWhatFailedIsGone() throws Exception {
    List<String> before = berth.recorded();
    try (Filler _ = Filler.fill()) {
      berth.words("run --rm --network none " + IMAGE + " true").failsInOneLine("space");
      berth.words("commit held other:test").failsInOneLine("space");
      berth.berth("load", "-i", archive.toString()).failsInOneLine("space");
      berth.words("volume create new").failsInOneLine("space");
      berth.words("ps").exits(0).says("held");
      berth.words("exec held true").exits(0);
    }
    isAsBefore(before);
    berth.words("volume create new").exits(0);
    berth.words("volume rm new").exits(0);
  }

  /** Of a layer that does not shrink. */
  private static OciImage big() {
    byte[] bytes = new byte[6 << 20];
    new Random(1).nextBytes(bytes);
    return OciImage.of(List.of(new BusyboxImage.Tar().file("big", 0644, bytes).bytes()));
  }

  /** With nothing free, with too little for the layer, and with too little for its files. */
  @ParameterizedTest
  @ValueSource(ints = {0, 2 << 20, 9 << 20})
  void aPullOntoAFullDiskLeavesNothing_andTheNextOneWorks(int left) throws Exception {
    List<String> before = berth.recorded();
    try (LocalRegistry registry =
        new LocalRegistry(Files.createTempDirectory(berth.folder("registry"), "r"))) {
      registry.put("big", "1", big());
      String ref = registry.ref("big:1");
      try (Filler _ = Filler.fill(left)) {
        berth.berth("pull", "-q", "--plain-http", ref).failsInOneLine("space");
        isAsBefore(before);
      }
      berth.berth("pull", "-q", "--plain-http", ref).exits(0);
      berth.berth("rmi", ref).exits(0);
    }
    isAsBefore(before);
  }

  @Test
  void whatWasLoggedBeforeAFullDiskIsThere_andLaterLinesCome() throws Exception {
    berth
        .berth(
            "run",
            "-d",
            "--name",
            "talks",
            "--network",
            "none",
            IMAGE,
            "sh",
            "-c",
            "echo early; while [ ! -e /go ]; do usleep 20000; done; echo late; sleep 100000")
        .exits(0);
    berth.eventuallySays("early", "logs", "talks");
    try (Filler _ = Filler.fill()) {
      berth.words("logs talks").exits(0).says("early");
    }
    berth.words("exec talks touch /go").exits(0);
    berth.eventuallySays("late", "logs", "talks");
    berth.words("logs talks").exits(0).says("early");
    berth.words("rm -f talks").exits(0);
  }

  /** A restart of containerd-svc gives back the leases of roots that it had made before. */
  private static List<String> recordedWithoutLeases() {
    return berth.recorded().stream().filter(line -> !line.startsWith("leases")).toList();
  }

  @Test
  void containersCanBeEndedOnAFullDisk_andTheirEndsAreKept() throws Exception {
    List<String> before = recordedWithoutLeases();
    berth.runUntilTold("ends", "--restart=no");
    berth.runUntilTold("stops", "--restart=unless-stopped");
    berth.runUntilTold("killed", "--restart=no");
    berth.runUntilTold("again", "--restart=on-failure");
    berth.runUntilTold("brief", "--rm");
    try (Filler _ = Filler.fill()) {
      berth.words("exec again touch /tmp/x");
      berth.words("kill -s TERM ends").exits(0);
      berth.words("wait ends").exits(0).says("7");
      berth.words("stop stops").exits(0);
      berth.words("inspect -f {{.State.Status}} stops").exits(0).says("exited");
      berth.words("kill killed").exits(0);
      berth.words("stop brief").exits(0);
      berth.words("exec again kill -TERM 1");
    }
    String state = "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}";
    berth.eventuallySays("running 0", "inspect", "-f", state, "again");
    berth.words("inspect -f {{.State.ExitCode}} ends").exits(0).says("7");
    List<String> tasks =
        List.of("ctr", "--address", berth.socket().toString(), "-n", "default", "tasks", "ls");
    Eventually.answers(
        "their ends are recorded, and so their tasks are not needed",
        () -> Command.run(tasks.toArray(String[]::new)).exits(0).out(),
        rows -> !rows.contains("STOPPED"));
    berth.kill("containerd");
    berth.startMissing();
    berth.eventuallySays("exited 7 0", "inspect", "-f", state, "ends");
    berth.eventuallySays("exited 7 0", "inspect", "-f", state, "stops");
    berth.eventuallySays("exited 137 0", "inspect", "-f", state, "killed");
    berth.words("start ends").exits(0);
    berth.words("rm -f ends stops killed again").exits(0);
    Eventually.answers(
        "nothing is left: " + before, BadDaysIT::recordedWithoutLeases, before::equals);
  }

  @Test
  void aDiskWithoutInodesIsTold_andWhatFailedIsGone() throws Exception {
    List<String> before = berth.recorded();
    Path folder = Files.createDirectory(berth.root().resolve("many"));
    try {
      for (int i = 0; i >= 0; i++) {
        Files.createFile(folder.resolve(Integer.toString(i)));
      }
    } catch (IOException none) {
      berth.words("run --rm --network none " + IMAGE + " true").failsInOneLine("space");
      berth.words("commit held other:test").failsInOneLine("space");
      berth.words("ps").exits(0).says("held");
    } finally {
      Leftovers.deleteTree(folder);
    }
    isAsBefore(before);
  }

  // --- no descriptors

  @Test
  void aServiceWithoutDescriptorsAnswersOnceItHasSomeAgain() throws Exception {
    List<String> before = berth.recorded();
    for (String service : BerthInstance.SERVICES) {
      String pid = Long.toString(berth.pid(service));
      String had =
          Command.run("prlimit", "--nofile", "-o", "SOFT", "--noheadings", "-p", pid).out();
      Command.run("prlimit", "--nofile=20:", "-p", pid).exits(0);
      berth.words("run --rm --network none " + IMAGE + " true");
      Command.run("prlimit", "--nofile=" + had.strip() + ":", "-p", pid).exits(0);
      Eventually.holds(
          service + " is answered again",
          () -> berth.words("run --rm --network none " + IMAGE + " true").exit() == 0);
    }
    isAsBefore(before);
  }

  // --- no processes, no memory

  /** A cgroup of cgroup v1, with some of the instance's processes in it until it is closed. */
  private record Bounds(Path folder) implements AutoCloseable {
    static Bounds around(String controller, long... pids) throws IOException {
      Path root = Path.of("/sys/fs/cgroup", controller);
      Bounds bounds = new Bounds(Files.createDirectory(root.resolve("bad-" + berth.id())));
      for (long pid : pids) {
        Files.writeString(bounds.folder.resolve("cgroup.procs"), Long.toString(pid));
      }
      return bounds;
    }

    void set(String file, String value) throws IOException {
      Files.writeString(folder.resolve(file), value);
    }

    @Override
    public void close() throws IOException {
      Path home = folder.resolveSibling("cgroup.procs");
      for (String pid : Files.readAllLines(folder.resolve("cgroup.procs"))) {
        try {
          Files.writeString(home, pid);
        } catch (IOException e) {
          assertFalse(Files.exists(Path.of("/proc", pid)), e::toString);
        }
      }
      try {
        Eventually.holds("is empty", () -> folder.toFile().delete());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void aServiceThatCanMakeNoThreadAnswersOnceItCanAgain() throws Exception {
    List<String> before = berth.recorded();
    for (String service : BerthInstance.SERVICES) {
      long pid = berth.pid(service);
      try (Bounds bounds = Bounds.around("pids", pid)) {
        bounds.set("pids.max", "1");
        Command failed = berth.words("run --rm --network none " + IMAGE + " true");
        if (failed.exit() != 0) {
          failed.failsInOneLine("");
        }
        berth.words("ps");
        bounds.set("pids.max", "max");
        Eventually.holds(
            service + " is answered again",
            () -> berth.words("run --rm --network none " + IMAGE + " true").exit() == 0);
      }
      assertEquals(pid, berth.pid(service));
      assertTrue(berth.process(service).isAlive(), service + " lives on");
    }
    isAsBefore(before);
  }

  /** The service comes back as its unit has it come back: Restart=always. */
  @Test
  void aServiceThatTheKernelKillsForWantOfMemoryLosesNothing() throws Exception {
    List<String> before = berth.recorded();
    for (String service : BerthInstance.SERVICES) {
      try (Bounds bounds = Bounds.around("memory")) {
        bounds.set("memory.limit_in_bytes", "1048576");
        bounds.set("cgroup.procs", Long.toString(berth.pid(service)));
        while (berth.process(service).isAlive()) {
          Command asked = berth.words("run --rm --network none " + IMAGE + " true");
          if (asked.exit() != 0) {
            asked.failsInOneLine("");
          }
        }
        assertTrue(
            Files.readString(bounds.folder.resolve("memory.oom_control"))
                .lines()
                .anyMatch(line -> line.startsWith("oom_kill ") && !line.equals("oom_kill 0")),
            "the kernel killed it");
      }
      berth.kill(service);
      berth.startMissing();
      berth.words("exec held true").exits(0);
    }
    isAsBefore(before);
  }
}
