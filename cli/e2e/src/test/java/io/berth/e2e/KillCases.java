package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code kill -9} of each process, and of all at once, while a container counts into its log. */
abstract class KillCases {
  abstract BerthInstance berth();

  private static boolean imported;

  @BeforeAll
  static void reset() {
    imported = false;
  }

  private void counting(String id, Path log) throws Exception {
    if (!imported) {
      berth()
          .ctr("images", "import", BusyboxImage.archive(berth().folder("image")).toString())
          .exits(0);
      imported = true;
    }
    berth()
        .ctr(
            "run",
            "-d",
            "--log-uri",
            "file://" + log,
            BusyboxImage.NAME,
            id,
            "sh",
            "-c",
            "trap 'echo end; exit 42' TERM; i=0; while true; do i=$((i+1)); echo $i; sleep 0.01;"
                + " done")
        .exits(0);
    awaitNumber(log, 5);
  }

  private static int last(Path log) throws Exception {
    List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
    return lines.stream()
        .filter(line -> line.matches("\\d+"))
        .mapToInt(Integer::parseInt)
        .max()
        .orElse(0);
  }

  private static void awaitNumber(Path log, int number) throws Exception {
    Eventually.answers("counts to " + number, () -> last(log), last -> last >= number);
  }

  /**
   * After a restart: the counter goes on without a gap, exec and stop work, the exit code is the
   * program's.
   */
  private void mustLiveOn(String id, Path log) throws Exception {
    awaitNumber(log, last(log) + 5);
    berth().ctr("task", "exec", "--exec-id", "x", id, "sh", "-c", "exit 9").exits(9);
    berth().ctr("task", "kill", "-s", "SIGTERM", id).exits(0);
    Eventually.answers(
        "stops", () -> berth().ctr("task", "ls").out(), rows -> rows.contains("STOPPED"));
    berth().ctr("task", "rm", id).says("non-zero exit code 42");
    berth().ctr("container", "rm", id).exits(0);
    List<String> lines = Files.readAllLines(log);
    assertEquals("end", lines.getLast());
    for (int i = 0; i < lines.size() - 1; i++) {
      assertEquals(String.valueOf(i + 1), lines.get(i), "line " + i);
    }
  }

  @Test
  void containerdService() throws Exception {
    Path log = berth().folder("kill").resolve("containerd");
    counting("ka", log);
    berth().kill("containerd");
    awaitNumber(log, last(log) + 5);
    berth().start("containerd");
    berth().awaitAnswer("containerd");
    mustLiveOn("ka", log);
  }

  @Test
  void imageService() throws Exception {
    Path log = berth().folder("kill").resolve("image");
    counting("kb", log);
    berth().kill("image");
    berth().start("image");
    berth().awaitAnswer("image");
    mustLiveOn("kb", log);
    berth().ctr("images", "check").exits(0).says("complete");
  }

  @Test
  void shimProcess() throws Exception {
    Path log = berth().folder("kill").resolve("host");
    counting("kc", log);
    assertTrue(berth().killShimProcesses() > 0, "there was no shim process");
    mustLiveOn("kc", log);
  }

  // case K4: SIGSTOP instead of a death.
  @Test
  void shimProcessThatHangs() throws Exception {
    Path log = berth().folder("kill").resolve("hung");
    counting("kh", log);
    List<ProcessHandle> before = berth().shimProcesses();
    for (ProcessHandle process : before) {
      Command.run("kill", "-STOP", Long.toString(process.pid())).exits(0);
    }
    mustLiveOn("kh", log);
    Eventually.holds(
        "the hung ones are gone", () -> before.stream().noneMatch(ProcessHandle::isAlive));
  }

  @Test
  void allAtOnce() throws Exception {
    Path log = berth().folder("kill").resolve("all");
    counting("kd", log);
    for (String service : BerthInstance.SERVICES) {
      berth().kill(service);
    }
    berth().killShimProcesses();
    awaitNumber(log, last(log) + 5);
    for (String service : BerthInstance.SERVICES) {
      berth().start(service);
    }
    for (String service : BerthInstance.SERVICES) {
      berth().awaitAnswer(service);
    }
    mustLiveOn("kd", log);
  }

  /** Nobody but the supervisor sees the exit; it is there afterwards. */
  @Test
  void anExitWhileEverythingIsDownIsKept() throws Exception {
    Path log = berth().folder("kill").resolve("exit");
    counting("ke", log);
    String pid =
        berth()
            .ctr("task", "ls")
            .out()
            .lines()
            .filter(line -> line.startsWith("ke "))
            .findFirst()
            .orElseThrow()
            .split("\\s+")[1];
    for (String service : BerthInstance.SERVICES) {
      berth().kill(service);
    }
    berth().killShimProcesses();
    Command.run("kill", "-TERM", pid).exits(0);
    Eventually.holds("ends", () -> !Files.exists(Path.of("/proc", pid)));
    for (String service : BerthInstance.SERVICES) {
      berth().start(service);
    }
    for (String service : BerthInstance.SERVICES) {
      berth().awaitAnswer(service);
    }
    berth().ctr("task", "ls").exits(0).says("STOPPED");
    berth().ctr("task", "rm", "ke").says("non-zero exit code 42");
    berth().ctr("container", "rm", "ke").exits(0);
  }
}
