package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

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

  /** One line, which names what there is too little of. */
  private static void isToldOnce(Command command, String word) {
    assertFalse(command.exit() == 0, command::toString);
    command.says(word);
    assertEquals(1, command.err().strip().lines().count(), command::err);
    command.saysNo("Exception").saysNo("SQLITE").saysNo("internal");
  }

  /** All that the services have recorded or made that a failure might leave. */
  private static List<String> recorded() throws IOException {
    List<String> all = new ArrayList<>();
    for (String line : List.of("leases ls -q", "content ls -q", "content active", "snapshots ls")) {
      List<String> words = new ArrayList<>(List.of("ctr", "--address", berth.socket().toString()));
      words.addAll(List.of("--namespace", "default"));
      words.addAll(List.of(line.split(" ")));
      Command answer = Command.run(words.toArray(String[]::new)).exits(0);
      answer.out().lines().map(text -> line + ": " + text).forEach(all::add);
    }
    all.addAll(berth.words("ps -aq").exits(0).out().lines().toList());
    return all;
  }

  private static void isAsBefore(List<String> before) throws Exception {
    Eventually.answers("nothing is left: " + before, BadDaysIT::recorded, before::equals);
  }

  // --- no room

  /** Takes all that is free until it is closed. */
  private record Filler(Path file) implements AutoCloseable {
    static Filler fill() throws IOException {
      Filler filler = new Filler(berth.root().resolve("filler"));
      byte[] zeros = new byte[4096];
      try (OutputStream out = Files.newOutputStream(filler.file)) {
        while (true) {
          out.write(zeros);
        }
      } catch (IOException full) {
        assertTrue(Files.size(filler.file) > 0, "took something");
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
    List<String> before = recorded();
    try (Filler _ = Filler.fill()) {
      isToldOnce(berth.words("run --rm --network none " + IMAGE + " true"), "space");
      isToldOnce(berth.words("commit held other:test"), "space");
      isToldOnce(berth.berth("load", "-i", archive.toString()), "space");
      isToldOnce(berth.words("volume create new"), "space");
      berth.words("ps").exits(0).says("held");
      berth.words("exec held true").exits(0);
    }
    isAsBefore(before);
    berth.words("volume create new").exits(0);
    berth.words("volume rm new").exits(0);
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

  @Test
  void aDiskWithoutInodesIsTold_andWhatFailedIsGone() throws Exception {
    List<String> before = recorded();
    Path folder = Files.createDirectory(berth.root().resolve("many"));
    try {
      for (int i = 0; i >= 0; i++) {
        Files.createFile(folder.resolve(Integer.toString(i)));
      }
    } catch (IOException none) {
      isToldOnce(berth.words("run --rm --network none " + IMAGE + " true"), "space");
      isToldOnce(berth.words("commit held other:test"), "space");
      berth.words("ps").exits(0).says("held");
    } finally {
      Leftovers.deleteTree(folder);
    }
    isAsBefore(before);
  }

  // --- no descriptors

  @Test
  void aServiceWithoutDescriptorsAnswersOnceItHasSomeAgain() throws Exception {
    List<String> before = recorded();
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
}
