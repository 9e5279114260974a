package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Verbs for containerd's own objects, what containers use, and where services are looked for. */
@Tag("root")
final class TasksIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "docker.io/library/busybox:test";

  @BeforeAll
  static void load() throws Exception {
    Path archive = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", archive.toString()).exits(0);
    berth.ctr("images", "import", archive.toString()).exits(0);
  }

  @AfterEach
  void removeAll() {
    for (String id : berth.berth("ps", "-aq").exits(0).out().lines().toList()) {
      berth.berth("rm", "-f", id).exits(0);
    }
    for (String id : berth.ctr("tasks", "ls", "-q").exits(0).out().lines().toList()) {
      berth.ctr("tasks", "rm", "-f", id);
    }
    for (String id : berth.ctr("containers", "ls", "-q").exits(0).out().lines().toList()) {
      berth.ctr("containers", "rm", id).exits(0);
    }
  }

  private static List<String> line(String... arguments) {
    List<String> line =
        new ArrayList<>(
            List.of(
                berth.libexec().resolve("bin/berth").toString(),
                "--config",
                berth.config().toString()));
    line.addAll(Arrays.asList(arguments));
    return line;
  }

  /** Our own command line in the namespace of this class's `ctr`. */
  private static Command tasks(String input, String... arguments) {
    List<String> line = line("-n", berth.namespace(), "tasks");
    line.addAll(Arrays.asList(arguments));
    return Command.run(line, input.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  @Test
  void execsInATaskOfAnotherClient() {
    berth.ctr("run", "-d", IMAGE, "other", "sleep", "1000").exits(0);
    Command said = tasks("", "exec", "other", "sh", "-c", "echo out; echo err >&2; exit 3");
    said.exits(3);
    assertEquals("out\n", said.out());
    assertEquals("err\n", said.err());
    assertEquals("in\n", tasks("in\n", "exec", "other", "cat").exits(0).out());
    assertEquals(
        "33:44 /bin\n",
        tasks(
                "",
                "exec",
                "--user",
                "33:44",
                "--cwd",
                "/bin",
                "other",
                "sh",
                "-c",
                "echo $(id -u):$(id -g) $(pwd)")
            .exits(0)
            .out());
    tasks("", "exec", "--exec-id", "named", "-d", "other", "sleep", "500").exits(0);
    tasks("", "kill", "-s", "KILL", "--exec-id", "named", "other").exits(0);
    Command missing = tasks("", "exec", "--exec-id", "gone", "other", "no-such-program");
    missing.exits(1).says("no-such-program");
    // Nothing is left of one that never ran.
    assertEquals("", tasks("", "exec", "--exec-id", "gone", "other", "true").exits(0).out());
    tasks("", "exec", "nobody", "true").exits(1).says("nobody");
  }

  @Test
  void execsOnATerminal() {
    berth.ctr("run", "-d", IMAGE, "other", "sleep", "1000").exits(0);
    Command tty =
        Command.onTerminal(
            line(
                "-n", berth.namespace(), "tasks", "exec", "-t", "other", "sh", "-c", "tty; exit 5"),
            new byte[0]);
    tty.exits(5).says("/dev/pts/");
  }

  @Test
  void startsWhatAnotherClientMade() throws Exception {
    berth
        .ctr("containers", "create", "--", IMAGE, "made", "sh", "-c", "read x; echo got $x; exit 7")
        .exits(0);
    Command here = tasks("word\n", "start", "made").exits(7);
    assertEquals("got word\n", here.out());
    // Its task is gone, so that it can be started again: elsewhere, with its output in a file.
    Path folder = berth.folder("start");
    Path log = folder.resolve("log");
    Path pid = folder.resolve("pid");
    berth
        .ctr("containers", "create", "--", IMAGE, "loud", "sh", "-c", "echo said; sleep 1000")
        .exits(0);
    Command back =
        tasks("", "start", "-d", "--pid-file", pid.toString(), "--log-uri", "file://" + log, "loud")
            .exits(0);
    assertEquals(back.out().strip(), Files.readString(pid));
    Eventually.answers("logs", () -> Files.readString(log), text -> text.contains("said"));
    String rows = tasks("", "ls").exits(0).out();
    assertTrue(
        Pattern.compile("^loud +" + back.out().strip() + " ", Pattern.MULTILINE)
            .matcher(rows)
            .find(),
        rows);
    berth.ctr("containers", "create", "--", IMAGE, "broken", "no-such-program").exits(0);
    tasks("", "start", "broken").exits(1).says("no-such-program");
    tasks("", "ls").exits(0).saysNo("broken");
  }

  @Test
  void attachesToEithersTasks() {
    berth.ctr("run", "-d", IMAGE, "fifos", "sh", "-c", "sleep 4; echo late; exit 4").exits(0);
    assertEquals("late\n", tasks("", "attach", "fifos").exits(4).out());

    Command made =
        berth
            .berth(
                "run",
                "-d",
                "--network",
                "none",
                "busybox:test",
                "sh",
                "-c",
                "sleep 4; echo own; exit 6")
            .exits(0);
    Command own = berth.berth("tasks", "attach", made.out().strip());
    assertEquals("own\n", own.exits(6).out());

    berth.ctr("run", "-d", "--null-io", IMAGE, "silent", "sleep", "1000").exits(0);
    tasks("", "attach", "silent").exits(1).says("nowhere");
  }

  @Test
  void contentFromStandardInput() throws Exception {
    byte[] bytes = new byte[3_000_000];
    Arrays.fill(bytes, (byte) 'x');
    String digest = "sha256:" + BusyboxImage.sha256(bytes);
    List<String> ingest = line("content", "ingest", "-l", "containerd.io/gc.root=now");
    List<String> whole = new ArrayList<>(ingest);
    whole.addAll(List.of("--expected-digest", digest, "--expected-size", "3000000", "work-1"));
    assertEquals(digest + "\n", Command.run(whole, bytes, Map.of()).exits(0).out());
    Path out = berth.folder("content").resolve("got");
    Command.run("sh", "-c", String.join(" ", line("content", "get", digest)) + " >" + out).exits(0);
    assertEquals(-1, Arrays.mismatch(bytes, Files.readAllBytes(out)));
    berth.berth("content", "rm", digest).exits(0);

    List<String> other = new ArrayList<>(ingest);
    other.addAll(List.of("--expected-digest", "sha256:" + "0".repeat(64), "work-2"));
    Command.run(other, bytes, Map.of()).exits(1).says("0".repeat(64));
    List<String> longer = new ArrayList<>(ingest);
    longer.addAll(List.of("--expected-size", "3000001", "work-3"));
    Command.run(longer, bytes, Map.of()).exits(1).says("3000001");
    berth.berth("content", "ls", "-q").exits(0).saysNo(digest);
  }

  @Test
  void whatContainersUse() throws Exception {
    berth
        .berth(
            "run",
            "-d",
            "--name",
            "busy",
            "--network",
            "none",
            "-m",
            "64m",
            "--cpus",
            "0.5",
            "busybox:test",
            "sh",
            "-c",
            "while :; do :; done")
        .exits(0);
    berth.berth("create", "--name", "still", "--network", "none", "busybox:test", "true").exits(0);
    Command once = berth.berth("stats", "--no-stream").exits(0);
    List<String> lines = once.out().lines().toList();
    assertEquals(2, lines.size(), once.out());
    assertTrue(
        lines
            .getFirst()
            .matches(
                "CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS"),
        once.out());
    Matcher row =
        Pattern.compile(
                "[0-9a-f]{12} +busy +([0-9.]+)% +[0-9.]+[KM]iB / 64MiB +[0-9.]+% +"
                    + "0B / 0B +[0-9.]+k?M?B / [0-9.]+k?M?B +1")
            .matcher(lines.getLast());
    assertTrue(row.matches(), once.out());
    // The first sample counts: not zero, and not above what it may have.
    double processor = Double.parseDouble(row.group(1));
    assertTrue(processor > 5 && processor < 80, once.out());

    Command json = berth.berth("stats", "--no-stream", "--format", "json", "-a").exits(0);
    assertEquals(2, json.out().lines().count());
    json.says("\"Name\":\"still\"").says("\"CPUPerc\":\"0.00%\"").says("\"PIDs\":\"1\"");
    assertEquals(
        "still 0\n",
        berth
            .berth("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "still")
            .exits(0)
            .out());
    berth.berth("stats", "--no-stream", "nobody").exits(1).says("nobody");
    // Without --no-stream it goes on until it is ended.
    Process stream = new ProcessBuilder(line("stats", "--format", "{{.Name}}", "busy")).start();
    try (var reader = stream.inputReader(StandardCharsets.UTF_8)) {
      for (int i = 0; i < 3; i++) {
        assertEquals("busy", reader.readLine());
      }
    } finally {
      stream.destroy();
    }
  }

  @Test
  void whereServicesAre() throws Exception {
    String program = berth.libexec().resolve("bin/berth").toString();
    long start = System.nanoTime();
    Command none = Command.run(program, "--connect-timeout", "1s", "-a", "/nope", "ps").exits(1);
    assertEquals(1, none.err().lines().count(), none.err());
    none.says("/nope");
    assertTrue(System.nanoTime() - start < Duration.ofSeconds(5).toNanos());

    Command.run(program, "-a", berth.socket().toString(), "ps").exits(0).says("CONTAINER ID");
    // The others stand beside it.
    Command.run(program, "--address=unix://" + berth.socket(), "images").exits(0).says("busybox");
    Map<String, String> set =
        Map.of(
            "BERTH_CONTAINERD_ADDRESS", berth.socket().toString(),
            "BERTH_NAMESPACE", berth.namespace());
    Command.run(List.of(program, "containers", "ls"), new byte[0], set).exits(0);
    Command.run(List.of(program, "images"), new byte[0], Map.of("BERTH_IMAGE_ADDRESS", "/nope"))
        .exits(1)
        .says("/nope");

    Path silent = berth.folder("silent").resolve("s.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(silent));
      Command.run(program, "--connect-timeout", "500ms", "-a", silent.toString(), "ps")
          .exits(1)
          .says("no answer within 500 ms");
    }
    berth
        .berth("run", "-d", "--name", "long", "--network", "none", "busybox:test", "sleep", "1000")
        .exits(0);
    Command late = berth.berth("--timeout", "2s", "wait", "long").exits(1);
    assertEquals(1, late.err().lines().count(), late.err());
    berth.berth("--timeout", "soon", "ps").exits(125).says("--timeout");
    berth.berth("--debug", "top", "nobody").exits(1).says("\tat ").says("Containers.Top");
  }
}
