package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Processes.ExitStatus;
import io.berth.testing.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ProcessesTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  @TempDir Path folder;

  @Test
  void spawn_givesArgumentsEnvironmentFolderAndDescriptors() throws Exception {
    try (Fd.Pipe out = Fd.pipe(0)) {
      SpawnPlan plan =
          SpawnPlan.of("/bin/sh")
              .arguments("-c", "echo \"$0 $1 $A\"; env; pwd; ls /proc/self/fd | tr '\\n' ' '")
              .arguments(List.of("zero", "one"))
              .environment(Map.of("A", "b c"))
              .directory(folder.toString())
              .descriptor(1, out.writeEnd())
              .descriptor(2, out.writeEnd())
              .descriptor(5, out.writeEnd());
      try (Processes.Child child = Processes.spawn(plan)) {
        out.writeEnd().close();
        String said = new String(out.readEnd().readAll(10_000), StandardCharsets.UTF_8);
        ExitStatus exit = Processes.awaitExit(child.pidfd(), SOON);
        assertNotNull(exit);
        assertEquals(0, exit.shellCode());
        List<String> lines = said.lines().toList();
        assertEquals("zero one b c", lines.getFirst());
        assertTrue(lines.contains("A=b c"), said);
        assertFalse(said.contains("PATH=/"), "no variable of this process: " + said);
        assertTrue(lines.contains(folder.toRealPath().toString()), said);
        // 3 is the folder that ls itself reads.
        assertEquals("0 1 2 3 5 ", lines.getLast());
      }
    }
  }

  @Test
  void spawn_mayCrossDescriptorsOver() throws Exception {
    try (Fd first = Memfd.create("first");
        Fd second = Memfd.create("second");
        Fd.Pipe out = Fd.pipe(0)) {
      // Each is to become the other's number, so neither may be overwritten before its turn.
      SpawnPlan plan =
          SpawnPlan.of("/bin/sh")
              .arguments("-c", "readlink /proc/self/fd/$0 /proc/self/fd/$1")
              .arguments(Integer.toString(first.number()), Integer.toString(second.number()))
              .descriptor(1, out.writeEnd())
              .descriptor(first.number(), second)
              .descriptor(second.number(), first);
      try (Processes.Child child = Processes.spawn(plan)) {
        out.writeEnd().close();
        String said = new String(out.readEnd().readAll(1000), StandardCharsets.UTF_8);
        assertEquals("/memfd:second (deleted)\n/memfd:first (deleted)\n", said);
        assertNotNull(Processes.awaitExit(child.pidfd(), SOON));
      }
    }
  }

  @Test
  void spawn_tellsWhatIsMissing() {
    SyscallException e =
        assertThrows(
            SyscallException.class, () -> Processes.spawn(SpawnPlan.of("/no/such/program")));
    assertEquals("start `/no/such/program`: ENOENT (no such file or directory)", e.getMessage());
  }

  @Test
  void newSession_isLedByTheChild() throws Exception {
    SpawnPlan plan = SpawnPlan.of("/bin/sleep").arguments("60").newSession();
    try (Processes.Child child = Processes.spawn(plan)) {
      String stat = Files.readString(Path.of("/proc/" + child.pid() + "/stat"));
      assertEquals(Integer.toString(child.pid()), stat.split(" ", -1)[5]);
      assertTrue(Processes.exists(child.pid()));
      assertFalse(Processes.hasEnded(child.pidfd()));
      assertNull(Processes.pollExit(child.pidfd()));
      assertNull(Processes.awaitExit(child.pidfd(), Duration.ofMillis(5)));
      Processes.sendSignal(child.pidfd(), Signal.SIGKILL.number());
      ExitStatus exit = Processes.awaitExit(child.pidfd(), SOON);
      assertEquals(new ExitStatus(true, 9, false), exit);
      SyscallException e =
          assertThrows(
              SyscallException.class,
              () -> Processes.sendSignal(child.pidfd(), Signal.SIGTERM.number()));
      assertEquals(Errno.ESRCH, e.errno());
    }
  }

  private static ExitStatus exitSeenFromOutside(String script) throws Exception {
    SpawnPlan plan = SpawnPlan.of("/bin/sh").arguments("-c", script);
    try (Processes.Child child = Processes.spawn(plan)) {
      assertNull(Processes.exitOfAnother(child.pidfd(), child.pid()));
      ExitStatus zombie =
          Eventually.answers(
              "ended", () -> Processes.exitOfAnother(child.pidfd(), child.pid()), Objects::nonNull);
      assertEquals(Processes.awaitExit(child.pidfd(), SOON), zombie);
      if (KernelFeature.PIDFD_EXIT.inUse()) {
        assertEquals(zombie, Processes.exitOfAnother(child.pidfd(), child.pid()));
      } else {
        SyscallException e =
            assertThrows(
                SyscallException.class, () -> Processes.exitOfAnother(child.pidfd(), child.pid()));
        assertEquals(Errno.ESRCH, e.errno());
      }
      return zombie;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void howAProcessEnded_isToldToWhoeverHasAPidfd(boolean keptByTheKernel) throws Exception {
    Set<KernelFeature> before =
        KernelFeature.doWithout(keptByTheKernel ? Set.of() : Set.of(KernelFeature.PIDFD_EXIT));
    try {
      assertEquals(new ExitStatus(false, 7, false), exitSeenFromOutside("sleep 0.2; exit 7"));
      assertEquals(
          new ExitStatus(true, 15, false),
          exitSeenFromOutside("sleep 0.2; kill -TERM $$; sleep 60"));
    } finally {
      var _ = KernelFeature.doWithout(before);
    }
  }

  @Test
  void signalsAreAtTheirDefault_whateverThisProcessDoesWithThem() throws Exception {
    SpawnPlan plan =
        SpawnPlan.of("/bin/sh").arguments("-c", "kill -TERM $$; kill -PIPE $$; sleep 60");
    try (Processes.Child child = Processes.spawn(plan)) {
      assertEquals(new ExitStatus(true, 15, false), Processes.awaitExit(child.pidfd(), SOON));
    }
  }

  @Test
  void exitByPoller_needsNoThreadForEach() throws Exception {
    try (Poller poller = Poller.start("test-poller");
        Processes.Child child =
            Processes.spawn(SpawnPlan.of("/bin/sh").arguments("-c", "exit 7"))) {
      ExitStatus exit = Processes.exit(child.pidfd(), poller).get(10, TimeUnit.SECONDS);
      assertEquals(new ExitStatus(false, 7, false), exit);
    }
  }

  @Test
  void ownNumbers() {
    assertEquals(ProcessHandle.current().pid(), Processes.ownPid());
  }
}
