package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line as a part of pipelines and scripts: sinks that break, signals, crowds. */
@Tag("root")
final class PipelineIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  private static final String PASSED_ON =
      "HUP INT QUIT ABRT USR1 USR2 PIPE ALRM TERM TSTP CONT WINCH IO PWR VTALRM 40 62";

  private static final String TRAPS =
      "for s in "
          + PASSED_ON
          + """
          ; do
            trap "echo got $s" $s
          done
          trap "exit 7" XCPU
          echo ready
          while :; do sleep 0.02; done
          """;

  @BeforeAll
  static void runOne() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    berth
        .berth("run", "-d", "--network=none", "--name=one", "busybox:test", "sleep", "100000")
        .exits(0);
  }

  @AfterAll
  static void removeAll() {
    berth.berth("rm", "-f", "one").exits(0);
  }

  private static String program() {
    return berth.libexec().resolve("bin/berth") + " --config " + berth.config();
  }

  /**
   * In a shell, with `berth` for the program; its last output line is the codes of the pipeline.
   */
  private static Command shell(String line) {
    String script = "berth() { " + program() + " \"$@\"; }; " + line + "; echo ${PIPESTATUS[*]}";
    return Command.run(List.of("bash", "-c", script), new byte[0], Map.of());
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, what);
    }
  }

  // case L19
  @Test
  void exec_endsWithItsReader() {
    Command piped = shell("berth exec one busybox yes | head -c 10").exits(0);
    assertEquals("y\ny\ny\ny\ny\n141 0\n", piped.out());
    assertEquals("", piped.err());
    await(
        "the program has ended",
        () -> !berth.berth("exec", "one", "ps").out().contains("busybox yes"));
    Command errors =
        shell("berth exec one sh -c 'busybox yes >&2' 2>&1 >/dev/null | head -c 4").exits(0);
    assertEquals("y\ny\n141 0\n", errors.out());
    Command terminal = shell("berth exec -t one busybox yes | head -c 3").exits(0);
    assertEquals("y\r\n141 0\n", terminal.out());
    await(
        "the programs have ended",
        () -> !berth.berth("exec", "one", "ps").out().contains("busybox yes"));
  }

  // case L19
  @Test
  void run_endsWithItsReader_andIsRemoved() {
    Command piped =
        shell("berth run --rm --network none --name gone busybox:test busybox yes | head -n 2")
            .exits(0);
    assertEquals("y\ny\n141 0\n", piped.out());
    assertEquals("", piped.err());
    berth.berth("inspect", "gone").exits(1);
    berth
        .berth("create", "--network", "none", "--name", "again", "busybox:test", "busybox", "yes")
        .exits(0);
    assertEquals("y\n141 0\n", shell("berth start -a again | head -n 1").exits(0).out());
    berth.berth("ps", "-a").exits(0).says("Exited");
    berth.berth("rm", "again").exits(0);
  }

  // case L9: an input that is kept open is brought, whatever else is named.
  @Test
  void run_bringsItsInput() {
    Command cat =
        shell(
                "echo hello | berth run --rm -i -a stdout --network none --name cat busybox:test"
                    + " cat")
            .exits(0);
    assertEquals("hello\n0 0\n", cat.out());
    berth.berth("inspect", "cat").exits(1);
  }

  // case L19: who only looks on ends alone.
  @Test
  void attach_endsWithItsReader_andTheContainerRunsOn() {
    String loop = "while :; do echo tick; sleep 0.05; done";
    berth
        .berth(
            "run", "-d", "--network", "none", "--name", "ticks", "busybox:test", "sh", "-c", loop)
        .exits(0);
    assertEquals("tick\n141 0\n", shell("berth attach ticks | head -n 1").exits(0).out());
    berth.berth("exec", "ticks", "true").exits(0);
    // Cases L8 and L19: verbs that leave a stream of a service early.
    Command logs = shell("berth logs -f ticks | head -n 1").exits(0);
    assertEquals("tick\n141 0\n", logs.out());
    assertEquals("", logs.err());
    assertEquals("141 0\n", shell("berth stats | head -n 1 >/dev/null").exits(0).out());
    berth.berth("rm", "-f", "ticks").exits(0);
  }

  // case L8
  @Test
  void logs_ofALongLog_endQuietlyWithTheirReader() {
    String much = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
    berth
        .berth("run", "--network", "none", "--name", "long", "busybox:test", "sh", "-c", much)
        .exits(0);
    Command head = shell("berth logs long | head -n 1").exits(0);
    assertEquals("line 0\n141 0\n", head.out());
    assertEquals("", head.err());
    berth.berth("rm", "long").exits(0);
  }

  // case L19
  @Test
  void aFullDisk_isAnErrorWithAWordAndACode() {
    Command exec = shell("berth exec one echo hello > /dev/full").exits(0).says("no space left");
    assertEquals("125\n", exec.out());
    String run = "berth run --rm --network none --name full busybox:test echo hello > /dev/full";
    assertEquals("125\n", shell(run).exits(0).says("no space left").out());
    berth.berth("inspect", "full").exits(1);
    for (String verb : List.of("ps", "logs one", "version", "inspect one")) {
      Command written = shell("berth " + verb + " > /dev/full").exits(0);
      assertEquals(verb.equals("logs one") ? "0\n" : "1\n", written.out(), verb);
    }
  }

  // case L19: as other clients of containerd work, through named pipes.
  @Test
  void tasks_endWithTheirReader() {
    String id = berth.berth("inspect", "-f", "{{.Id}}", "one").exits(0).out().strip();
    Command piped = shell("berth tasks exec " + id + " busybox yes | head -c 4").exits(0);
    assertEquals("y\ny\n141 0\n", piped.out());
    assertEquals("", piped.err());
    Command full = shell("berth tasks exec " + id + " echo hello > /dev/full").exits(0);
    assertEquals("1\n", full.says("ENOSPC").out());
  }

  // Cases L1 and L2
  @ParameterizedTest
  @ValueSource(strings = {"run --rm --network none busybox:test", "exec one"})
  void everySignal_reachesTheProgram(String verb) throws Exception {
    List<String> line = new ArrayList<>(List.of(program().split(" ", -1)));
    line.addAll(List.of(verb.split(" ", -1)));
    line.addAll(List.of("sh", "-c", TRAPS));
    Process client = new ProcessBuilder(line).redirectErrorStream(true).start();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8))) {
      assertEquals("ready", out.readLine());
      for (String signal : PASSED_ON.split(" ", -1)) {
        Command.run("kill", "-" + signal, Long.toString(client.pid())).exits(0);
        assertEquals("got " + signal, out.readLine());
      }
      Command.run("kill", "-XCPU", Long.toString(client.pid())).exits(0);
      assertNull(out.readLine());
      assertEquals(7, client.waitFor());
    } finally {
      client.destroyForcibly();
    }
  }

  // Cases L1 and L2: a verb that runs nothing is ended by them, as every program is.
  @ParameterizedTest
  @ValueSource(strings = {"INT", "QUIT", "USR1", "USR2", "TERM", "HUP", "ALRM", "40"})
  void aVerbThatPassesNothingOn_isEndedBySignals(String signal) throws Exception {
    List<String> line = new ArrayList<>(List.of("env", "--default-signal"));
    line.addAll(List.of(program().split(" ", -1)));
    line.addAll(List.of("logs", "-f", "one"));
    Process client = new ProcessBuilder(line).redirectErrorStream(true).start();
    Command.run("kill", "-" + signal, Long.toString(client.pid())).exits(0);
    assertTrue(client.waitFor(20, TimeUnit.SECONDS));
    assertEquals("", new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    int number =
        Integer.parseInt(
            Command.run("bash", "-c", "kill -l " + signal)
                .out()
                .strip()
                .replaceFirst("^\\D.*", "40"));
    assertEquals(128 + number, client.exitValue());
  }

  // case L20
  @Test
  void sixtyExecsAtOnce_allGiveTheirOutput() throws Exception {
    try (ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Command>> execs = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        int number = i;
        execs.add(
            crowd.submit(() ->
                berth.berth("exec", "one", "sh", "-c", "echo o" + number + "; exit " + number)));
      }
      for (int i = 0; i < 60; i++) {
        Command exec = execs.get(i).get();
        assertEquals("o" + i + "\n", exec.exits(i).out());
        assertEquals("", exec.err());
      }
    }
  }

  /** What a line on a terminal showed, and how it ended. */
  private record Session(int exit, String shown) {}

  private static final String LEFT = "read escape sequence\r\n";

  /** On a terminal of its own: says when a text was shown, types, and answers what came of it. */
  private static Session typed(String awaited, String keys, String... words) throws Exception {
    return onTerminal(awaited, keys, program() + " " + String.join(" ", words), "yes");
  }

  private static Session onTerminal(String awaited, String keys, String line, String resident)
      throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder("script", "-qec", line, "/dev/null").redirectErrorStream(true);
    builder.environment().put("BERTH_RESIDENT", resident);
    builder.environment().put("SHELL", "/bin/bash");
    Process script = builder.start();
    try {
      StringBuilder shown = new StringBuilder();
      Eventually.answers(
          "shows " + awaited,
          () -> {
            while (script.getInputStream().available() > 0) {
              shown.append((char) script.getInputStream().read());
            }
            return shown;
          },
          text -> text.toString().contains(awaited));
      script.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
      script.getOutputStream().flush();
      assertTrue(script.waitFor(60, TimeUnit.SECONDS), "it stays: " + shown);
      shown.append(new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
      return new Session(script.exitValue(), shown.toString());
    } finally {
      script.destroyForcibly();
    }
  }

  // case L7: docker's line; who leaves what somebody else has started ends with 1.
  @Test // The keys are not seen inside, and the container runs on.
  void detachKeys() throws Exception {
    String loop = "'while :; do echo ready; read -r x; echo got:\"$x\".; done'";
    Session run =
        typed(
            "ready",
            "one\n\020\021",
            "run",
            "-it",
            "--name",
            "away",
            "--network=none",
            "busybox:test",
            "sh",
            "-c",
            loop);
    assertEquals(0, run.exit());
    assertTrue(run.shown().endsWith(LEFT), run.shown());
    assertEquals("running", status("away"));
    berth.eventuallySays("got:one.", "logs", "away");
    // Attached again: another process shows a text on the terminal once that is so.
    Thread attacher =
        Thread.ofPlatform()
            .start(() -> berth.berth("exec", "away", "sh", "-c", "sleep 4; echo here >/dev/pts/0"));
    Session attach = typed("here", "\001d", "attach", "--detach-keys=ctrl-a,d", "away");
    assertEquals(1, attach.exit());
    assertTrue(attach.shown().endsWith(LEFT), attach.shown());
    attacher.join();
    assertEquals("running", status("away"));
    assertFalse(berth.berth("logs", "away").exits(0).out().contains("\001"));
    Session exec =
        typed("up", "\020\021", "exec", "-it", "away", "sh", "-c", "'echo up; sleep 30'");
    assertEquals(1, exec.exit());
    assertTrue(exec.shown().endsWith(LEFT), exec.shown());
    berth.berth("top", "away").exits(0).says("sleep 30");
    berth
        .berth("run", "--rm", "--detach-keys=ctrl-", "busybox:test", "true")
        .exits(125)
        .says("is no key");
    berth.berth("attach", "--detach-keys=ab", "away").exits(1).says("is no key");
    berth.berth("rm", "-f", "away").exits(0);
  }

  /** What is typed is for whoever is in the terminal's foreground. */
  @ParameterizedTest
  @ValueSource(strings = {"yes", "no"})
  void aLineInTheBackgroundTakesNoKeys(String resident) throws Exception {
    String line =
        """
        set -m
        %s exec -i one cat & until jobs -s | grep -q exec; do sleep 0.05; done
        echo ready; read -r word; echo "got:$word."; kill -KILL %%1
        """
            .formatted(program());
    Session shell = onTerminal("ready", "keys\n", line, resident);
    assertTrue(shell.shown().contains("got:keys."), shell.shown());
  }

  /** It may have gone in the middle of whatever it was to pass on: that is no broken reader. */
  @ParameterizedTest
  @ValueSource(strings = {"yes", "no"})
  void aClientThatIsKilledLeavesItsContainer(String resident) throws Exception {
    String loop = "'while :; do echo tick; done'";
    String run =
        "berth run -i --network none --log-driver none --name left busybox:test sh -c " + loop;
    String killed =
        """
        export BERTH_RESIDENT=%s
        berth() { exec %s "$@"; }
        %s </dev/zero >%s & until [ -s %4$s ]; do sleep 0.02; done; kill -KILL $!
        wait $!
        """
            .formatted(resident, program(), run, berth.folder("left-" + resident).resolve("out"));
    assertEquals("137\n", shell(killed.strip()).out());
    for (int i = 0; i < 20; i++) {
      berth.berth("exec", "left", "true").exits(0);
    }
    berth.berth("rm", "-f", "left").exits(0);
  }

  private static String status(String name) {
    return berth.berth("inspect", "-f", "{{.State.Status}}", name).exits(0).out().strip();
  }
}
