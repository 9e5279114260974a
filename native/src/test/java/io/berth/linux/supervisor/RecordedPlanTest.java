package io.berth.linux.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.linux.Fd;
import io.berth.linux.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Plans with every kind of step and sink, compared with the bytes that the encoder wrote when they
 * were recorded. A supervisor outlives the program that started it, so that it must understand what
 * a newer one sends: a difference here is a change of the wire.
 */
final class RecordedPlanTest {
  private final List<Fd> files = new ArrayList<>();
  private Handle[] handles = {};

  @BeforeEach
  void open() throws IOException {
    for (int i = 0; i < 9; i++) {
      files.add(Fd.open(Path.of("/dev/null"), OpenFlags.O_RDONLY));
    }
    handles = files.stream().map(Handle.Open::new).toArray(Handle[]::new);
  }

  @AfterEach
  void close() {
    files.forEach(Fd::close);
  }

  @Test
  void everyStep() throws IOException {
    List<Step> steps =
        Stream.of(outside(), mounting(), setting(), becoming()).flatMap(List::stream).toList();
    Set<String> kinds =
        steps.stream().map(step -> step.getClass().getSimpleName()).collect(Collectors.toSet());
    assertEquals(names(Step.class), new TreeSet<>(kinds), "a kind of step is missing here");
    compare("every-step.hex", LaunchPlan.init(0x6c020000, steps, OpenOnly.FILES, OpenOnly.STREAMS));
  }

  @Test
  void everySink() throws IOException {
    Fd one = files.get(0);
    Fd two = files.get(1);
    List<Step> steps =
        List.of(
            new Step.Id(""),
            new Step.Sink(0, new Sink.Fifo(two, one)),
            new Step.Sink(0, new Sink.Fifo(one, null)),
            new Step.Sink(1, new Sink.File(files.get(2))),
            new Step.Sink(2, new Sink.Pipe(two)),
            new Step.Sink(1, new Sink.Log(one, "log", 5, 2)),
            new Step.Sink(1, new Sink.Open()),
            new Step.Sink(2, new Sink.Null()),
            new Step.Root(null, "/root"),
            new Step.Execute(List.of(), List.of()));
    compare("every-sink.hex", LaunchPlan.exec(steps, OpenOnly.FILES, OpenOnly.STREAMS));
  }

  /** The names of the records at the ends of a sealed hierarchy. */
  private static Set<String> names(Class<?> type) {
    Class<?>[] below = type.getPermittedSubclasses();
    return below == null
        ? Set.of(type.getSimpleName())
        : Arrays.stream(below)
            .flatMap(each -> names(each).stream())
            .collect(Collectors.toCollection(TreeSet::new));
  }

  private static void compare(String file, LaunchPlan plan) throws IOException {
    List<String> recorded = Files.readAllLines(Path.of("src/test/resources/plan", file));
    List<String> written = new ArrayList<>();
    byte[] bytes = plan.bytes();
    for (int i = 0; i < bytes.length; i += 32) {
      written.add(HexFormat.of().formatHex(bytes, i, Math.min(bytes.length, i + 32)));
    }
    assertEquals(recorded, written);
    assertTrue(bytes.length > 0);
  }

  private List<Step> outside() {
    return List.of(
        new Step.Id("e1"),
        new Step.Terminal(24, 80),
        new Step.Sink(0, new Sink.Null()),
        new Step.Sink(1, new Sink.Log(files.get(8), "log", 1L << 40, 7)),
        new Step.Sink(2, new Sink.Open()),
        new Step.Join(0x40000000, handles[0]),
        new Step.IdMaps("0 1 2\n", "3 4 5\n", true),
        new Step.Cgroup2(handles[1]),
        new Step.ProcWrite(handles[2], "oom_score_adj", "100"),
        new Step.OomCounter(handles[3]),
        new Step.TimeOffsets("monotonic 5 6\n"),
        new Step.JoinProcess(handles[4], 0x6c020000),
        new Step.Listener("/run/agent.sock", "{1", ",2", "}"),
        new Step.Cgroup1(handles[5]),
        new Step.Cgroup1(handles[1]),
        new Step.Unshare(0x02000000),
        new Step.Hostname("web"),
        new Step.Domainname("example.org"),
        new Step.LoopbackUp());
  }

  private List<Step> mounting() {
    Fd nullDevice = Fd.adopt(1_000_000, "never opened");
    return List.of(
        new Step.Propagation(540672, "/"),
        new Step.Root(handles[6], "/root/é"),
        new Step.Mount("t", "s", "/d", "a,b", 1L << 33, 2L << 33, 3, 4, false),
        new Step.Mount("tmpfs", "s", "/d", "", 5, 6, 7, 8, true),
        new Step.Bind(handles[7], "/b", 1L << 34, 2L << 34, 3L << 34, 4),
        new Step.Attributes("/c", 11, 12, 13, 14),
        new Step.ReadOnly("/proc/sys"),
        new Step.Mask(new Handle.Open(nullDevice), "/proc/kcore"),
        new Step.MakeNode("/n", 0x21b6, 1, 3, 7, 8),
        new Step.Symlink("/proc/self/fd", "/dev/fd"),
        new Step.MakeFolder("/srv", 493),
        new Step.Pivot(false),
        new Step.Pivot(true));
  }

  private static List<Step> setting() {
    return List.of(
        new Step.ResourceLimit("RLIMIT_NOFILE", 7, 1L << 35, -1),
        new Step.Sysctl("net/ipv4/ip_forward", "1"),
        new Step.OomScore(-500),
        new Step.Scheduler(1, -5, 2, 3, 4, 5, 6),
        new Step.IoPriority(0x4003),
        new Step.Personality(8),
        new Step.Keyring("_ses.web"),
        new Step.Console(1000, true),
        new Step.Console(0, false),
        new Step.Stdio(1000, 1001),
        new Step.NoNewPrivileges());
  }

  private static List<Step> becoming() {
    byte[] program = new byte[16];
    for (int i = 0; i < program.length; i++) {
      program[i] = (byte) (i + 1);
    }
    Hook hook =
        new Hook(
            "/h", List.of("h", "a"), List.of("K=v"), Duration.ofMillis(1500), "before", "after");
    return List.of(
        new Step.Seccomp(new Step.Filter(2, program)),
        new Step.CapabilityBounding(33),
        new Step.Capabilities(1L << 36, 2L << 36, 3L << 36, 4L << 36),
        new Step.KeepCapabilities(true),
        new Step.KeepCapabilities(false),
        new Step.User(1000, 1001, List.of(5, 6)),
        new Step.WorkingDirectory("/home"),
        new Step.LookUp("sh", "/usr/bin:/bin"),
        new Step.Stop(1),
        new Step.Ready(),
        new Step.RunHook(hook),
        new Step.Umask(18),
        new Step.AppArmor("profile"),
        new Step.SeLinux("label"),
        new Step.Affinity("0-3,8"),
        new Step.MemoryPolicy(2, 1 << 15, "0-1"),
        new Step.Execute(List.of("p", ""), List.of("A=b", "C=d")));
  }
}
