package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Our own command line against the assembled distribution. */
@Tag("root")
final class BerthIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance();
  private static final Pattern ID = Pattern.compile("[0-9a-f]{64}\n");

  @BeforeAll
  static void load() throws Exception {
    berth
        .berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString())
        .exits(0)
        .says("Loaded image: busybox:test");
  }

  @AfterEach
  void removeAll() {
    List<String> line = new ArrayList<>(List.of("rm", "-f"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 2) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  private static Command run(String... command) {
    List<String> line =
        new ArrayList<>(List.of("run", "--rm", "--network", "none", "busybox:test"));
    line.addAll(List.of(command));
    return berth.berth(line.toArray(String[]::new));
  }

  private static Command withInput(String input, String... arguments) {
    return Command.run(berth.line(arguments), input.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  private static void inBackground(String name, String script) {
    Command started =
        berth
            .berth(
                "run",
                "-d",
                "--name",
                name,
                "--network",
                "none",
                "busybox:test",
                "sh",
                "-c",
                script)
            .exits(0);
    assertTrue(ID.matcher(started.out()).matches(), started.out());
  }

  @Test
  void aForegroundRunHasItsContainersOutputAndExitCode() {
    Command hello = run("sh", "-c", "echo out; echo err >&2; exit 3").exits(3);
    assertEquals("out\n", hello.out());
    assertEquals("err\n", hello.err());
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  @Test // And nothing is left.
  void aMissingProgramIs127AndAForbiddenOne126() {
    Command missing = run("no-such-program").exits(127);
    assertEquals(1, missing.err().lines().count(), missing.err());
    run("/etc").exits(126);
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  @Test
  void inputGoesThroughAndEnds() {
    String text = "line\n".repeat(100_000);
    Command cat =
        withInput(text, "run", "--rm", "-i", "--network", "none", "busybox:test", "cat").exits(0);
    assertEquals(text, cat.out());
  }

  @Test
  void aTerminal() {
    Command tty =
        Command.onTerminal(
            berth.line("run", "--rm", "-t", "--network", "none", "busybox:test", "tty"),
            new byte[0]);
    tty.exits(0).says("/dev/");
    tty.saysNo("not a tty");
  }

  @Test
  void theLifeOfAContainer() throws Exception {
    inBackground(
        "life", "trap 'exit 4' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done");
    berth.berth("ps").exits(0).says("life").says("Up ").says("busybox:test");
    berth.eventuallySays("3\n", "logs", "life");
    assertEquals("x\n", berth.berth("exec", "life", "echo", "x").exits(0).out());
    berth.berth("exec", "life", "sh", "-c", "exit 9").exits(9);
    berth.berth("exec", "life", "no-such-program").exits(127);
    berth.berth("rm", "life").exits(1).says("life");
    assertEquals("life\n", berth.berth("stop", "life").exits(0).out());
    assertEquals(
        "exited 4\n",
        berth
            .berth("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life")
            .exits(0)
            .out());
    assertEquals("4\n", berth.berth("wait", "life").exits(0).out());
    assertEquals("life\n", berth.berth("start", "life").exits(0).out());
    assertEquals("life\n", berth.berth("start", "life").exits(0).out());
    berth.berth("kill", "life").exits(0);
    assertEquals("137\n", berth.berth("wait", "life").exits(0).out());
    berth.berth("ps", "-a").exits(0).says("Exited (137)");
    berth.berth("rename", "life", "after").exits(0);
    assertEquals("after\n", berth.berth("rm", "after").exits(0).out());
    berth.berth("rm", "after").exits(1).says("No such container: after");
  }

  @Test
  void inspectKnowsContainersAndImages() {
    inBackground("seen", "sleep 100");
    assertEquals(
        "true\n", berth.berth("inspect", "-f", "{{.State.Running}}", "seen").exits(0).out());
    assertTrue(
        berth
            .berth("inspect", "-f", "{{.Id}}", "busybox:test")
            .exits(0)
            .out()
            .startsWith("sha256:"));
    assertFalse(berth.berth("inspect", "nobody").exits(1).out().contains("{"));
  }

  @Test
  void aDetachedContainerRemovesItself() throws Exception {
    berth
        .berth("run", "-d", "--rm", "--name", "brief", "--network", "none", "busybox:test", "true")
        .exits(0);
    Eventually.answers("goes", () -> berth.berth("ps", "-aq").exits(0).out(), String::isEmpty);
  }

  @Test
  void aNameIsTakenOnce() {
    inBackground("mine", "sleep 100");
    Command second =
        berth
            .berth("run", "-d", "--name", "mine", "--network", "none", "busybox:test", "true")
            .exits(125);
    assertEquals(1, second.err().lines().count(), second.err());
    second.says("mine");
  }

  @Test
  void logsKeepTheStreamsApart() throws Exception {
    inBackground("two", "echo out; echo err >&2; sleep 100");
    berth.eventuallySays("out", "logs", "two");
    Command logs = berth.berth("logs", "two").exits(0);
    assertEquals("out\n", logs.out());
    assertEquals("err\n", logs.err());
    berth.berth("logs", "-t", "two").exits(0).says("Z out");
  }

  @Test
  void aBindMount() throws Exception {
    Path folder = berth.folder("bind");
    Files.writeString(folder.resolve("file"), "content\n");
    Command cat =
        berth.berth(
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            folder + ":/mnt:ro",
            "busybox:test",
            "sh",
            "-c",
            "cat /mnt/file; touch /mnt/x");
    assertEquals("content\n", cat.exits(1).out());
    assertFalse(Files.exists(folder.resolve("x")));
  }

  @Test
  void aMissingServiceIsNamed() throws Exception {
    berth.kill("network");
    try {
      Files.deleteIfExists(berth.state().resolve("network.sock"));
      Command answer = berth.berth("network", "ls").exits(1);
      assertEquals(1, answer.err().lines().count(), answer.err());
      answer.says("network.sock").says("berth-network");
    } finally {
      berth.start("network");
      berth.awaitAnswer("network");
    }
  }
}
