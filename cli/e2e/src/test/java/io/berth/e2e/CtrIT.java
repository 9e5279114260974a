package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Debian's unmodified {@code ctr} (containerd 1.6) on our socket. */
@Tag("root")
@TestMethodOrder(MethodOrderer.MethodName.class)
final class CtrIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance();

  @BeforeAll
  static void importImage() throws Exception {
    Path archive = BusyboxImage.archive(berth.folder("image"));
    berth.ctr("images", "import", archive.toString()).exits(0).says(BusyboxImage.NAME);
  }

  private static Command run(String id, String... command) {
    return berth.ctr(words(List.of("run", "--rm", BusyboxImage.NAME, id), command));
  }

  private static String[] words(List<String> first, String... more) {
    String[] all = new String[first.size() + more.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = i < first.size() ? first.get(i) : more[i - first.size()];
    }
    return all;
  }

  /** A container that stays until it is removed by the answered action. */
  private static AutoCloseable sleeper(String id, String... command) {
    String[] program = command.length == 0 ? new String[] {"sleep", "1000"} : command;
    berth.ctr(words(List.of("run", "-d", BusyboxImage.NAME, id), program)).exits(0);
    return () -> {
      berth.ctr("task", "rm", "-f", id);
      berth.ctr("container", "rm", id).exits(0);
    };
  }

  @Test
  void version_tellsBothSides() {
    berth.ctr("version").exits(0).says("Server:").says("UUID:");
  }

  @Test
  void namespaces_areMadeLabelledListedAndRemoved() {
    String name = berth.namespace() + "x";
    berth.ctr("namespaces", "create", name, "k=v").exits(0);
    berth.ctr("namespaces", "ls").exits(0).says(name).says("k=v");
    berth.ctr("namespaces", "label", name, "k=").exits(0);
    berth.ctr("namespaces", "ls").exits(0).saysNo("k=v");
    berth.ctr("namespaces", "rm", name).exits(0);
    berth.ctr("namespaces", "ls").exits(0).saysNo(name);
  }

  /** The archive goes to image-svc's own socket, past the one that lists. */
  @Test // case C6
  void namespaces_thatOthersWroteInto_areListedAndRemoved() throws Exception {
    String name = berth.namespace() + "y";
    Path archive = BusyboxImage.archive(berth.folder("loaded"));
    berth.berth("--namespace", name, "load", "-i", archive.toString()).exits(0);
    berth.ctr("namespaces", "ls", "-q").exits(0).says(name);
    berth.ctr("namespaces", "rm", name).exits(1).says("must be empty");
    berth.berth("--namespace", name, "rmi", BusyboxImage.NAME).exits(0);
    Eventually.answers(
        "the namespace is empty",
        () -> berth.ctr("namespaces", "rm", name),
        command -> command.exit() == 0);
    berth.ctr("namespaces", "ls", "-q").exits(0).saysNo(name);
  }

  @Test
  void images_areListedTaggedAndRemoved() {
    berth
        .ctr("images", "ls")
        .exits(0)
        .says(BusyboxImage.NAME)
        .says("application/vnd.oci.image.manifest.v1+json");
    berth.ctr("images", "tag", BusyboxImage.NAME, "docker.io/library/other:1").exits(0);
    berth.ctr("images", "ls", "-q").exits(0).says("docker.io/library/other:1");
    berth.ctr("images", "rm", "docker.io/library/other:1").exits(0);
    berth.ctr("images", "ls", "-q").exits(0).saysNo("other:1").says(BusyboxImage.NAME);
    berth.ctr("images", "check").exits(0).says("complete");
  }

  @Test
  void run_printsOutputAndKeepsTheExitCode() {
    Command command = run("r1", "sh", "-c", "echo to-out; echo to-err >&2; exit 7").exits(7);
    assertEquals("to-out\n", command.out());
    assertTrue(command.err().contains("to-err"), command.err());
    berth.ctr("container", "ls", "-q").exits(0).saysNo("r1");
    berth.ctr("snapshot", "ls").exits(0).saysNo("r1 ");
  }

  @Test
  void run_givesTheImagesEnvironmentAndTheInput() {
    run("r2", "sh", "-c", "echo $FROM_IMAGE; id -u; hostname; pwd").exits(0).says("yes\n0\n");
    Command cat =
        Command.run(
            berth.ctrLine("run", "--rm", BusyboxImage.NAME, "r3", "cat"),
            "line one\nline two\n".getBytes(StandardCharsets.UTF_8),
            Map.of());
    assertEquals("line one\nline two\n", cat.exits(0).out());
  }

  @Test
  void run_isolatesProcessesAndMounts() {
    run(
            "r4",
            "sh",
            "-c",
            "ps | wc -l; cat /proc/1/comm; ls /proc/acpi 2>/dev/null | wc -l; touch"
                + " /proc/sys/kernel/x 2>&1 | head -1")
        .exits(0);
    Command pids = run("r5", "sh", "-c", "echo $$").exits(0);
    assertEquals("1\n", pids.out());
    Command mounts = run("r6", "cat", "/proc/self/mountinfo").exits(0);
    assertFalse(
        mounts.out().contains("/sys/fs/cgroup/unified /sys/fs/cgroup/unified"),
        "the host's mounts show");
  }

  @Test
  void run_appliesSignalsAsExitCodes() {
    run("r7", "sh", "-c", "sh -c 'kill -9 $$'; exit $?").exits(137);
  }

  @Test
  void run_onATerminalHasOne() {
    Command command =
        Command.onTerminal(
            berth.ctrLine(
                "run", "--rm", "-t", BusyboxImage.NAME, "t1", "sh", "-c", "tty; stty size; exit 3"),
            new byte[0]);
    command.exits(3).says("/dev/pts/0");
  }

  @Test
  void run_onARootfsFolder() throws Exception {
    Path rootfs = BusyboxImage.rootfs(berth.folder("rootfs-" + System.nanoTime()));
    berth
        .ctr(
            "run",
            "--rm",
            "--rootfs",
            rootfs.toString(),
            "rf1",
            "/bin/sh",
            "-c",
            "echo from-a-folder")
        .exits(0)
        .says("from-a-folder");
  }

  @Test
  void run_withNullIoSaysNothing() {
    Command command =
        berth.ctr(
            "run", "--rm", "--null-io", BusyboxImage.NAME, "n1", "sh", "-c", "echo unseen; exit 4");
    assertEquals("", command.exits(4).out());
  }

  @Test
  void run_withALogFileAppendsBothStreams() throws Exception {
    Path log = berth.folder("logs").resolve("deep/er/log");
    berth
        .ctr(
            "run",
            "--rm",
            "--log-uri",
            "file://" + log,
            BusyboxImage.NAME,
            "l1",
            "sh",
            "-c",
            "echo one; echo two >&2")
        .exits(0);
    String text = Files.readString(log);
    assertTrue(text.contains("one\n") && text.contains("two\n"), text);
  }

  @Test
  void run_ofAMissingProgramFailsAndLeavesNoTask() {
    run("m1", "/no/such/program").exits(1).says("no such file or directory");
    berth
        .ctr("run", "--rm", BusyboxImage.NAME, "m2", "nowhere")
        .exits(1)
        .says("executable file not found in $PATH");
    berth
        .ctr("run", "--rm", BusyboxImage.NAME, "m3", "/etc/not-executable")
        .exits(1)
        .says("permission denied");
    berth.ctr("task", "ls").exits(0).saysNo("m1").saysNo("m2").saysNo("m3");
  }

  @Test
  void tasks_areListedKilledAndRemoved() throws Exception {
    berth.ctr("run", "-d", BusyboxImage.NAME, "k1", "sleep", "1000").exits(0);
    berth.ctr("task", "ls").exits(0).says("k1").says("RUNNING");
    berth.ctr("container", "rm", "k1").says("cannot delete");
    berth.ctr("task", "kill", "-s", "SIGKILL", "k1").exits(0);
    awaitState("k1", "STOPPED");
    berth.ctr("task", "rm", "k1").says("non-zero exit code 137");
    berth.ctr("task", "ls").exits(0).saysNo("k1");
    berth.ctr("container", "rm", "k1").exits(0);
  }

  private static void awaitState(String id, String state) throws InterruptedException {
    Eventually.answers(
        "makes " + id + " " + state,
        () -> berth.ctr("task", "ls").exits(0).out(),
        rows -> rows.lines().anyMatch(line -> line.startsWith(id + " ") && line.contains(state)));
  }

  @Test
  void tasks_arePausedAndResumed() throws Exception {
    try (AutoCloseable _ = sleeper("p1")) {
      berth.ctr("task", "pause", "p1").exits(0);
      awaitState("p1", "PAUSED");
      berth.ctr("task", "resume", "p1").exits(0);
      awaitState("p1", "RUNNING");
    }
  }

  @Test
  void tasks_showProcessesAndFigures() throws Exception {
    try (AutoCloseable _ = sleeper("f1")) {
      berth.ctr("task", "exec", "-d", "--exec-id", "second", "f1", "sleep", "900").exits(0);
      Command ps = berth.ctr("task", "ps", "f1").exits(0);
      assertEquals(3, ps.out().lines().count(), ps.out());
      ps.says("second");
      berth
          .ctr("task", "metrics", "f1")
          .exits(0)
          .says("memory.usage_in_bytes")
          .says("cpuacct.usage");
    }
  }

  @Test
  void exec_runsInsideAndKeepsTheExitCode() throws Exception {
    try (AutoCloseable _ = sleeper("e1")) {
      // The process is in the container's cgroup and namespaces before its first instruction.
      Command inside =
          berth
              .ctr(
                  "task",
                  "exec",
                  "--exec-id",
                  "a",
                  "e1",
                  "sh",
                  "-c",
                  "cat /proc/self/cgroup; readlink /proc/1/ns/pid; exit 5")
              .exits(5);
      assertTrue(inside.out().contains("pid:["), inside.out());
      berth.ctr("task", "exec", "--exec-id", "a", "e1", "true").exits(0);
      berth
          .ctr("task", "exec", "--exec-id", "b", "e1", "nowhere")
          .exits(1)
          .says("executable file not found in $PATH");
      Command cat =
          Command.run(
              berth.ctrLine("task", "exec", "--exec-id", "c", "e1", "cat"),
              "input".getBytes(StandardCharsets.UTF_8),
              Map.of());
      assertEquals("input", cat.exits(0).out());
      Command.onTerminal(
              berth.ctrLine("task", "exec", "-t", "--exec-id", "d", "e1", "tty"), new byte[0])
          .exits(0)
          .says("/dev/pts/");
    }
  }

  @Test
  void containers_areShownLabelledAndRemoved() throws Exception {
    try (AutoCloseable _ = sleeper("c1")) {
      berth
          .ctr("container", "ls")
          .exits(0)
          .says("c1")
          .says(BusyboxImage.NAME)
          .says("io.containerd.runc.v2");
      berth.ctr("container", "label", "c1", "my/label=x").exits(0);
      berth
          .ctr("container", "info", "c1")
          .exits(0)
          .says("\"my/label\": \"x\"")
          .says("\"SnapshotKey\": \"c1\"");
    }
    berth.ctr("container", "info", "c1").exits(1).says("not found");
  }

  @Test
  void snapshots_areListedWithUsageAndAsATree() throws Exception {
    try (AutoCloseable _ = sleeper("s1")) {
      berth.ctr("snapshot", "ls").exits(0).says("s1").says("Active").says("Committed");
      berth.ctr("snapshot", "usage").exits(0).says("KEY");
      berth.ctr("snapshot", "tree").exits(0).says("s1");
    }
  }

  @Test
  void content_isListedReadAndIngested() throws Exception {
    String digest =
        berth.ctr("content", "ls", "-q").exits(0).out().lines().findFirst().orElseThrow();
    Command blob = berth.ctr("content", "get", digest).exits(0);
    assertFalse(blob.out().isEmpty());
    byte[] bytes = "some bytes".getBytes(StandardCharsets.UTF_8);
    String own = "sha256:" + BusyboxImage.sha256(bytes);
    Command.run(
            berth.ctrLine(
                "content", "ingest", "--expected-digest", own, "--expected-size", "10", "ref-1"),
            bytes,
            Map.of())
        .exits(0);
    assertEquals("some bytes", berth.ctr("content", "get", own).exits(0).out());
    berth.ctr("content", "rm", own).exits(0);
    String wrong = "sha256:" + "0".repeat(64);
    Command.run(
            berth.ctrLine("content", "ingest", "--expected-digest", wrong, "ref-2"),
            bytes,
            Map.of())
        .exits(1)
        .says("digest");
    berth.ctr("content", "get", wrong).exits(1);
  }

  @Test
  void leases_areMadeListedAndRemoved() {
    berth.ctr("leases", "create", "--id", "my-lease", "k=v").exits(0).says("my-lease");
    berth.ctr("leases", "ls").exits(0).says("my-lease").says("k=v");
    berth.ctr("leases", "rm", "--sync", "my-lease").exits(0);
    berth.ctr("leases", "ls").exits(0).saysNo("my-lease");
  }

  @Test
  void events_comeInTheOrderOfTheLife() throws Exception {
    Path out = berth.folder("events").resolve("out");
    Process events =
        new ProcessBuilder(berth.ctrLine("events"))
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      // The client does not say when it is subscribed: runs go on until one is seen from its
      // beginning.
      AtomicInteger runs = new AtomicInteger();
      Eventually.answers(
          "is subscribed",
          () -> {
            run("ev" + runs.getAndIncrement(), "true").exits(0);
            return Files.readString(out);
          },
          told -> told.contains("/containers/create"));
      String id = "last";
      run(id, "true").exits(0);
      Eventually.answers(
          "tells the end", () -> lines(out, id), told -> told.contains("/containers/delete"));
      assertEquals(
          List.of(
              "/snapshot/prepare",
              "/containers/create",
              "/tasks/create",
              "/tasks/start",
              "/tasks/exit",
              "/tasks/delete",
              "/snapshot/remove",
              "/containers/delete"),
          lines(out, id).stream().toList());
    } finally {
      events.destroyForcibly().waitFor();
    }
  }

  private static List<String> lines(Path file, String id) throws Exception {
    return Files.readAllLines(file).stream()
        .filter(line -> line.contains("\"" + id + "\""))
        .map(line -> line.replaceAll(".* (/[a-z]+/[a-z-]+) .*", "$1"))
        .toList();
  }

  private static Command inside(String id, String script) {
    return berth.ctr("task", "exec", "--exec-id", "inside", id, "sh", "-c", script);
  }

  /** Nothing is lost when nobody reads yet. */
  @Test
  void aMegabyteWithoutAReaderIsAllThereForALaterAttach() throws Exception {
    berth
        .ctr(
            "run",
            "-d",
            BusyboxImage.NAME,
            "big",
            "sh",
            "-c",
            """
            until [ -e /go ]; do usleep 10000; done
            dd if=/dev/zero bs=1024 count=32 2>/dev/null | tr '\\0' x
            touch /begun
            dd if=/dev/zero bs=1024 count=992 2>/dev/null | tr '\\0' x
            until [ -e /end ]; do usleep 10000; done
            """)
        .exits(0);
    try {
      // `ctr run -d` itself reads until it ends; the output begins after that.
      inside("big", "touch /go").exits(0);
      Eventually.answers("begins", () -> inside("big", "test -e /begun"), test -> test.exit() == 0);
      CompletableFuture<Command> attached =
          CompletableFuture.supplyAsync(() -> berth.ctr("task", "attach", "big"), Command.READERS);
      inside("big", "touch /end").exits(0);
      String out = attached.join().exits(0).out();
      assertEquals(1 << 20, out.length());
      assertTrue(out.chars().allMatch(c -> c == 'x'));
    } finally {
      berth.ctr("task", "rm", "-f", "big");
      berth.ctr("container", "rm", "big");
    }
  }
}
