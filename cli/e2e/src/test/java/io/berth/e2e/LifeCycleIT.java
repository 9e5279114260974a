package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.json.Json;
import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** From create to rm: states, signals, streams, lists, and what is left of a container: nothing. */
@Tag("root")
final class LifeCycleIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);
  private static final String IMAGE = "busybox:test";

  @BeforeAll
  static void load() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
  }

  // No mount, no cgroup, no folder, no record.
  @AfterEach
  void nothingIsLeft() throws Exception {
    List<String> line = new ArrayList<>(List.of("rm", "-f"));
    berth.berth("ps", "-aq", "--no-trunc").exits(0).out().lines().forEach(line::add);
    if (line.size() > 2) {
      berth.berth(line.toArray(String[]::new)).exits(0);
    }
    Eventually.answers(
        "removes the folders",
        () -> names("run/t") + " and " + names("lib/containers/default"),
        "[] and []"::equals);
    assertTrue(
        Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
            .noneMatch(mount -> mount.contains(berth.dir() + "/run/t/")),
        "a mount is left");
  }

  private static List<String> names(String folder) {
    String[] names = berth.dir().resolve(folder).toFile().list();
    return names == null ? List.of() : List.of(names);
  }

  private static Command run(String name, String... command) {
    List<String> line =
        new ArrayList<>(List.of("run", "-d", "--name", name, "--network=none", IMAGE));
    line.addAll(List.of(command));
    return berth.berth(line.toArray(String[]::new)).exits(0);
  }

  private static CompletableFuture<Command> beside(String... words) {
    return CompletableFuture.supplyAsync(() -> berth.berth(words), Command.READERS);
  }

  private static String inspect(String template, String name) {
    return berth.berth("inspect", "-f", template, name).exits(0).out().strip();
  }

  @Test
  void createRunsNothing() throws Exception {
    Path file = berth.folder("ids").resolve("cid");
    Command created =
        berth.berth(
            "create", "--cidfile=" + file, "--network=none", "--name=made", IMAGE, "sleep", "9");
    assertTrue(created.exits(0).out().matches("[0-9a-f]{64}\n"), created.out());
    assertEquals(created.out().strip(), Files.readString(file));
    berth.berth("create", "--cidfile=" + file, IMAGE).exits(125).says("is there already");
    assertEquals("", berth.berth("ps", "-q").exits(0).out());
    berth.berth("ps", "-a").exits(0).says("Created");
    assertEquals("0", inspect("{{.State.Pid}}", "made"));
    berth.berth("tasks", "ls").exits(0).saysNo(created.out().strip());
    berth.berth("snapshots", "ls").exits(0).says(created.out().strip());
  }

  @Test
  void startStopRestartKill() {
    berth
        .berth(
            "run",
            "-d",
            "--name=deaf",
            "--stop-timeout=1",
            "--network=none",
            IMAGE,
            "sleep",
            "1000")
        .exits(0);
    run("second", "sleep", "1000");
    String ids = berth.berth("ps", "-q").exits(0).out();
    assertEquals(
        inspect("{{.Id}}", "second").substring(0, 12), ids.lines().findFirst().orElseThrow());
    String pid = inspect("{{.State.Pid}}", "deaf");
    assertEquals("deaf\n", berth.berth("start", "deaf").exits(0).out());
    assertEquals(pid, inspect("{{.State.Pid}}", "deaf"));
    // The init of a pid namespace does not hear SIGTERM.
    long before = System.nanoTime();
    assertEquals("deaf\n", berth.berth("stop", "deaf").exits(0).out());
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before);
    assertTrue(took >= 1000 && took < 9000, took + " ms");
    assertEquals("exited 137", inspect("{{.State.Status}} {{.State.ExitCode}}", "deaf"));
    assertEquals("deaf\n", berth.berth("stop", "deaf").exits(0).out());
    String started = inspect("{{.State.StartedAt}}", "deaf");
    berth.berth("restart", "-t", "0", "deaf", "second").exits(0).says("deaf\nsecond\n");
    assertEquals("true", inspect("{{.State.Running}}", "deaf"));
    assertNotEquals(started, inspect("{{.State.StartedAt}}", "deaf"));
    berth.berth("kill", "-s", "CONT", "deaf").exits(0);
    assertEquals("true", inspect("{{.State.Running}}", "deaf"));
    berth.berth("kill", "-s", "NOPE", "deaf").exits(1).says("NOPE");
    // A kill is over when the process is.
    berth.berth("kill", "nobody", "deaf").exits(1).says("No such container: nobody");
    berth.berth("ps", "-q").exits(0).saysNo(inspect("{{.Id}}", "deaf").substring(0, 12));
    assertEquals("137\n", berth.berth("wait", "deaf").exits(0).out());
    berth.berth("start", "deaf", "nobody").exits(1).says("deaf\n").says("nobody");
  }

  @Test
  void rm() {
    String id = run("busy", "sleep", "1000").out().strip();
    berth
        .berth("rm", "busy")
        .exits(1)
        .says("You cannot remove a running container " + id)
        .says("force remove");
    // case L10
    berth.berth("rm", "-f", "nobody", "busy").exits(0).says("No such container: nobody");
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
    berth.berth("rm", "busy").exits(1).says("No such container: busy");
    run("busy", "true");
  }

  @Test
  void pauseRenameUpdateWait() throws Exception {
    run("one", "sleep", "1000");
    berth.berth("pause", "one").exits(0);
    berth.berth("ps").exits(0).says("(Paused)");
    berth.berth("pause", "one").exits(1).says("paused already");
    berth.berth("start", "one").exits(1).says("try unpause instead");
    berth.berth("exec", "one", "true").exits(1).says("unpause it first");
    berth.berth("attach", "one").exits(1).says("unpause it first");
    berth.berth("unpause", "one").exits(0);
    berth.berth("unpause", "one").exits(1).says("not paused");
    berth.berth("rename", "one", "one").exits(1).says("same name");
    berth.berth("rename", "one", "two").exits(0);
    berth.berth("inspect", "one").exits(1);
    berth.berth("update", "-m", "64m", "two").exits(0);
    berth
        .berth(
            "exec",
            "two",
            "sh",
            "-c",
            "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/*/memory.limit_in_bytes 2>/dev/null ||"
                + " true")
        .exits(0)
        .says(Long.toString(64 << 20));
    CompletableFuture<Command> next = beside("wait", "--condition=next-exit", "two");
    CompletableFuture<Command> removed = beside("wait", "--condition=removed", "two");
    // A call that waits holds no other up, and neither of these ends before its time.
    berth.berth("pause", "two").exits(0);
    assertFalse(next.isDone() || removed.isDone());
    berth.berth("stop", "-t", "0", "two").exits(0);
    assertEquals("137\n", next.get(20, TimeUnit.SECONDS).exits(0).out());
    assertFalse(removed.isDone());
    berth.berth("rm", "two").exits(0);
    assertEquals("137\n", removed.get(20, TimeUnit.SECONDS).exits(0).out());
  }

  @Test // Both runs, for its owner only.
  void inputAndLogsOverTwoRuns() throws Exception {
    Command first =
        Command.run(
            berth.line("run", "-i", "--name=cat", "--network=none", IMAGE, "cat"),
            "hi\n".getBytes(StandardCharsets.UTF_8),
            Map.of());
    assertEquals("hi\n", first.exits(0).out());
    Command second =
        Command.run(
            berth.line("start", "-ai", "cat"), "yo\n".getBytes(StandardCharsets.UTF_8), Map.of());
    assertEquals("yo\n", second.exits(0).out());
    assertEquals("hi\nyo\n", berth.berth("logs", "-f", "cat").exits(0).out());
    assertEquals("yo\n", berth.berth("logs", "--tail=1", "cat").exits(0).out());
    assertEquals("", berth.berth("logs", "--until=1h", "cat").exits(0).out());
    assertEquals(
        "rw-------",
        PosixFilePermissions.toString(
            Files.getPosixFilePermissions(Path.of(inspect("{{.LogPath}}", "cat")))));
    // The tail of what is written just before the end.
    Command tail =
        berth.berth("run", "--rm", "--network=none", IMAGE, "sh", "-c", "seq 100000").exits(0);
    assertEquals(100_000, tail.out().lines().count());
  }

  @Test // From now on, to each, and the exit code at the end.
  void attach() throws Exception {
    run(
        "talk",
        "sh",
        "-c",
        "echo early; until [ -e /go ]; do echo tick; echo tock >&2; sleep 0.2; done; exit 5");
    berth.eventuallySays("early", "logs", "talk");
    Path out = berth.folder("attached").resolve("out");
    Path err = out.resolveSibling("err");
    Process whole =
        new ProcessBuilder(berth.line("attach", "talk"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    Path only = out.resolveSibling("only");
    Process errors =
        new ProcessBuilder(berth.line("attach", "-o=false", "talk"))
            .redirectErrorStream(true)
            .redirectOutput(only.toFile())
            .start();
    try {
      Eventually.holds(
          "writes to all three",
          () -> Files.size(out) > 0 && Files.size(err) > 0 && Files.size(only) > 0);
      berth.berth("exec", "-d", "talk", "touch", "/go").exits(0);
      assertTrue(whole.waitFor(30, TimeUnit.SECONDS) && errors.waitFor(30, TimeUnit.SECONDS));
    } finally {
      whole.destroyForcibly();
      errors.destroyForcibly();
    }
    assertEquals(5, whole.exitValue());
    assertEquals(5, errors.exitValue());
    assertEquals(Set.of("tick"), Set.copyOf(Files.readAllLines(out)));
    assertEquals(Set.of("tock"), Set.copyOf(Files.readAllLines(err)));
    assertEquals(Set.of("tock"), Set.copyOf(Files.readAllLines(only)));
    berth.berth("attach", "talk").exits(1).says("does not run");
    assertEquals(
        "",
        berth
            .berth("run", "--rm", "--network=none", "-a", "stderr", IMAGE, "echo", "x")
            .exits(0)
            .out());
  }

  @Test
  void lists() {
    berth
        .berth(
            "run",
            "-d",
            "--label=tier=db",
            "--network=none",
            IMAGE,
            "sh",
            "-c",
            "sleep '1 000'; sleep 999")
        .exits(0);
    run("gone", "sh", "-c", "exit 3");
    berth.berth("wait", "gone").exits(0);
    String header = berth.berth("ps").exits(0).out().lines().findFirst().orElseThrow();
    assertTrue(
        header.matches("CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES"), header);
    berth.berth("ps").exits(0).says("busybox:test").saysNo("gone");
    assertEquals(
        "gone\n",
        berth.berth("ps", "--filter=status=exited", "--format={{.Names}}").exits(0).out());
    assertEquals(
        "gone\n", berth.berth("ps", "--filter=exited=3", "--format={{.Names}}").exits(0).out());
    String name =
        berth.berth("ps", "--filter=label=tier=db", "--format={{.Names}}").exits(0).out().strip();
    assertTrue(name.matches("[a-z]+_[a-z]+[0-9]?"), name);
    berth.berth("ps", "-a", "--filter=colour=red").exits(1).says("colour");
    berth.berth("ps", "--no-trunc").exits(0).says("sleep '1 000'; sleep 999");
    berth.berth("ps", "-l", "--format=json").exits(0).says("\"Names\":\"gone\"");
    berth.berth("ps", "-as").exits(0).says("virtual");
    berth
        .berth("inspect", "-s", name)
        .exits(0)
        .says("\"SizeRw\": ")
        .says("\"Driver\": \"overlayfs\"");
    // The whole is more than the program of the image, which is a megabyte.
    String sizes =
        berth.berth("inspect", "-s", "-f", "{{.SizeRootFs}}", name).exits(0).out().strip();
    assertTrue(Long.parseLong(sizes) > 1 << 20, sizes);
    Command json = berth.berth("inspect", "gone", name).exits(0);
    assertEquals(2, Json.tree(json.out().getBytes(StandardCharsets.UTF_8), "inspect").size());
  }

  @Test
  void info() {
    run("one", "sleep", "1000");
    berth.berth("create", "--network=none", IMAGE).exits(0);
    List<String> info = berth.berth("info").exits(0).out().lines().toList();
    assertEquals("containers: 2", info.get(0));
    assertTrue(info.get(1).startsWith("version: "), info.get(1));
    assertEquals("images: 1", info.get(2));
    assertTrue(info.contains("running: 1"), info.toString());
    berth.berth("info", "more").exits(1);
    berth.berth("version").exits(0).says("Client:").says("Server:");
  }

  @Test // The longer forms.
  void groups() {
    String id = run("stays", "sleep", "1000").out().strip();
    run("gone", "true");
    berth.berth("wait", "gone").exits(0);
    berth.berth("containers", "ls", "-q").exits(0).says(id);
    berth.berth("containers", "label", id, "a=b").exits(0);
    berth.berth("containers", "info", id).exits(0).says("\"a\": \"b\"").saysNo("\"pid\":");
    berth.berth("containers", "rm", id).exits(1);
    berth.berth("tasks", "ls").exits(0).says("PID").says(id);
    berth.berth("tasks", "ps", id).exits(0).says("PID");
    berth.berth("tasks", "metrics", id).exits(0);
    assertEquals("", berth.berth("-n", "other", "ps", "-aq").exits(0).out());
    berth.berth("container", "prune", "-f").exits(0).says("reclaimed space");
    assertEquals(id + "\n", berth.berth("ps", "-aq", "--no-trunc").exits(0).out());
  }

  @Test // case P1: a prune asks, on a terminal and without, and lists what went.
  void pruneAsks() {
    String id = run("resting", "true").out().strip();
    berth.berth("wait", "resting").exits(0);
    berth.berth("network", "create", "unused").exits(0);
    List<String> prune =
        List.of(
            berth.libexec().resolve("bin/berth").toString(),
            "--config",
            berth.config().toString(),
            "system",
            "prune");
    Command silent = Command.run(prune, new byte[0], Map.of()).exits(0).says("[y/N]");
    silent.says("  - all containers that do not run").saysNo("Deleted");
    Command.onTerminal(prune, "n\n".getBytes(StandardCharsets.UTF_8)).exits(0).saysNo("Deleted");
    assertEquals(id + "\n", berth.berth("ps", "-aq", "--no-trunc").exits(0).out());
    Command.onTerminal(prune, "y\n".getBytes(StandardCharsets.UTF_8))
        .exits(0)
        .says("Deleted Containers:\r\n" + id + "\r\n\r\nDeleted Networks:\r\nunused\r\n")
        .says("Total reclaimed space: ");
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
    berth.berth("network", "ls").exits(0).says("bridge").saysNo("unused");
  }

  @Test // Nobody but root reads along.
  void modes() throws Exception {
    String id = run("files", "sleep", "1000").out().strip();
    for (String line :
        List.of(
            "lib/containers rwx------",
            "lib/containers/default/" + id + " rwx--x---",
            "lib/content rwx------",
            "lib/image.db rw-------",
            "lib/network.db rw-------",
            "run/containerd.sock rw-rw----",
            "run/image.sock rw-rw----",
            "run/network.sock rw-rw----")) {
      String[] words = line.split(" ", -1);
      assertEquals(
          words[1],
          PosixFilePermissions.toString(
              Files.getPosixFilePermissions(berth.dir().resolve(words[0]))),
          words[0]);
    }
  }

  @Test // In the background with an open input, for a later attach.
  void aDetachedInputStaysOpen() throws Exception {
    Command started =
        berth.berth("run", "-itd", "--name=fed", "--network=none", IMAGE, "sh").exits(0);
    assertTrue(started.out().matches("[0-9a-f]{64}\n"), started.out());
    assertEquals("running", inspect("{{.State.Status}}", "fed"));
  }

  @Test // Tried again so often, and a short life is no lost one.
  void restartPolicy() throws Exception {
    berth
        .berth(
            "run", "-d", "--restart=on-failure:2", "--name=again", "--network=none", IMAGE, "false")
        .exits(0);
    berth.eventuallySays(
        "2 exited 1",
        "inspect",
        "-f",
        "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}",
        "again");
    run("brief", "true");
    berth.berth("wait", "brief").exits(0);
    berth.berth("ps", "-a").exits(0).says("Exited (0)").says("Exited (1)");
    berth.berth("run", "--rm", "--restart=always", IMAGE, "true").exits(125).says("AutoRemove");
  }

  @Test // Many at once, each in a file system of its own.
  void manyAtOnce() throws Exception {
    List<CompletableFuture<Command>> runs = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 12; i++) {
        String number = Integer.toString(i);
        runs.add(
            CompletableFuture.supplyAsync(
                () ->
                    berth.berth(
                        "run",
                        "--rm",
                        IMAGE,
                        "sh",
                        "-c",
                        "echo " + number + " >/x; ip addr show eth0 >/dev/null && cat /x"),
                threads));
      }
      for (int i = 0; i < runs.size(); i++) {
        assertEquals(i + "\n", runs.get(i).get(100, TimeUnit.SECONDS).exits(0).out());
      }
    }
    berth.berth("info").exits(0).says("endpoints: 0");
  }
}
