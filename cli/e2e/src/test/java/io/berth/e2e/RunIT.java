package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run is whole or it is nothing, wherever its client ends. */
@Tag("root")
final class RunIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";
  private static final Pattern CALL = Pattern.compile("^ *[0-9]+ (\\w+\\.\\w+) +[0-9.]+ ms$");

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  // No record, no folder, no endpoint, no volume, no snapshot but those of the image.
  @AfterEach
  void nothingIsLeft() throws Exception {
    Eventually.answers(
        "the containers are gone", () -> berth.berth("ps", "-aq").exits(0).out(), ""::equals);
    Eventually.answers(
        "their folders are gone",
        () -> tasks() + " and " + names(berth.dir().resolve("lib/containers/default")),
        "[] and []"::equals);
    berth.berth("info").exits(0).says("endpoints: 0");
    // They go after the container's record.
    Eventually.answers(
        "their volumes are gone",
        () -> berth.berth("volume", "ls", "-q").exits(0).out(),
        ""::equals);
    berth.berth("snapshots", "ls").exits(0).saysNo("Active");
  }

  private static List<Path> tasks() throws IOException {
    return names(berth.state().resolve("t"));
  }

  private static List<Path> names(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    }
  }

  private static Process client(Path marks, String... more) throws IOException {
    List<String> line =
        new java.util.ArrayList<>(
            List.of(
                berth.libexec().resolve("bin/berth").toString(),
                "--config",
                berth.config().toString(),
                "run",
                "--name=mine",
                "-v",
                "/anonymous",
                "-v",
                marks + ":/marks"));
    line.addAll(List.of(more));
    line.addAll(List.of(IMAGE, "sh", "-c", "echo ran >/marks/ran; exec sleep 100000"));
    return new ProcessBuilder(line)
        .redirectInput(ProcessBuilder.Redirect.PIPE)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static boolean hasTaskFile(String name) {
    try {
      for (Path task : tasks()) {
        if (Files.exists(task.resolve(name))) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether there is no container, or one whose program runs. */
  private static boolean isWhole(Path marks) {
    String state = berth.berth("ps", "-a", "--format", "{{.State}}").exits(0).out().strip();
    return state.isEmpty()
        ? !Files.exists(marks.resolve("ran")) && tasksAreGone()
        : state.equals("running") && Files.exists(marks.resolve("ran"));
  }

  private static boolean tasksAreGone() {
    try {
      return tasks().isEmpty();
    } catch (IOException e) {
      return false;
    }
  }

  /** The points are those at which a file of the task appears, from the first one to the last. */
  @ParameterizedTest
  @ValueSource(strings = {"", "intent.json", "shim.json", "sup.sock"})
  void aClientThatIsKilled_leavesAContainerThatRuns_orNothing(String file) throws Exception {
    for (String mode : List.of("--network=none", "-d")) {
      Path marks = Files.createTempDirectory(berth.folder("marks"), "m");
      Process client = client(marks, mode);
      while (client.isAlive() && !hasTaskFile(file)) {
        Thread.onSpinWait();
      }
      client.destroyForcibly().waitFor();
      Eventually.holds("all or nothing", () -> isWhole(marks));
      if (Files.exists(marks.resolve("ran"))) {
        berth.berth("rm", "-f", "-v", "mine").exits(0);
      }
    }
  }

  /** The service is in the middle of the call, and cannot go on before the client is gone. */
  @Test
  void aClientThatIsKilledMeanwhile_leavesNothing() throws Exception {
    for (String mode : List.of("-i", "-d")) {
      Path marks = Files.createTempDirectory(berth.folder("marks"), "m");
      berth.signal("network", "STOP");
      try {
        Process client = client(marks, mode);
        berth.eventuallySays("mine", "ps", "-a", "--format", "{{.Names}}");
        client.destroyForcibly().waitFor();
      } finally {
        berth.signal("network", "CONT");
      }
      nothingIsLeft();
      assertFalse(Files.exists(marks.resolve("ran")));
    }
  }

  /** What the service itself left half made goes when it comes back. */
  @Test
  void aServiceThatIsKilledMeanwhile_leavesNothing() throws Exception {
    Path marks = Files.createTempDirectory(berth.folder("marks"), "m");
    berth.signal("network", "STOP");
    try {
      Process client = client(marks);
      berth.eventuallySays("mine", "ps", "-a", "--format", "{{.Names}}");
      berth.kill("containerd");
      assertEquals(125, client.waitFor());
    } finally {
      berth.signal("network", "CONT");
    }
    berth.startMissing();
    nothingIsLeft();
    assertFalse(Files.exists(marks.resolve("ran")));
  }

  /** A step begins within the one that it lies in; a removed container's are known as well. */
  @Test
  void aRunTellsWhatItsStepsTook() {
    Command run =
        berth.berth("run", "--timing", "--rm", "--network=none", IMAGE, "sh", "-c", "exit 3");
    assertEquals("", run.exits(3).out());
    List<String> steps =
        run.err()
            .lines()
            .map(line -> line.replaceFirst("^ *[0-9.]+ ms +[0-9.]+ ms   ", ""))
            .toList();
    // Which of the two sees the end first is chance.
    List<String> ofTheLine =
        List.of("ask for it", "take its streams", "let it run", "until it has ended");
    assertEquals(ofTheLine, steps.stream().filter(ofTheLine::contains).toList(), run.err());
    List<String> ofTheService =
        List.of(
            "  make the container",
            "    Rootfs.Prepare",
            "  make its task",
            "    Host.Place",
            "  let it run",
            "  remove it");
    assertEquals(ofTheService, steps.stream().filter(ofTheService::contains).toList(), run.err());
    assertTrue(run.err().lines().toList().getLast().contains(" ms in all"), run.err());
    berth.berth("run", "-d", "--network=none", "--name", "timed", IMAGE, "sleep", "1000").exits(0);
    berth
        .berth("ps", "--timing", "--format", "{{.Names}} {{.Step}}")
        .exits(0)
        .says("timed make its task\n")
        .says("timed   Host.Place\n");
    berth.berth("ps", "--timing").exits(0).says("   STEP\n");
    berth.berth("rm", "-f", "timed").exits(0);
  }

  @Test
  void aRunIsThreeCalls() {
    Command run =
        berth.berth("--timing", "run", "--rm", "--network=none", IMAGE, "echo", "hello").exits(0);
    assertEquals("hello\n", run.out());
    assertEquals(
        List.of("Containers.Run", "Containers.Release", "Containers.Wait"),
        run.err()
            .lines()
            .map(CALL::matcher)
            .filter(java.util.regex.Matcher::matches)
            .map(matcher -> matcher.group(1))
            .toList());
    assertTrue(run.err().lines().count() <= 4, run.err());
  }
}
