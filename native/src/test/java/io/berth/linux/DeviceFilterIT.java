package io.berth.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.berth.linux.DeviceFilter.Kind;
import io.berth.linux.DeviceFilter.Rule;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel takes the programs and asks them at each open. */
@Tag("root")
final class DeviceFilterIT {
  private static final long ANY = DeviceFilter.ANY_NUMBER;
  private static final Rule NOTHING = new Rule(false, Kind.ANY, ANY, ANY, DeviceFilter.ALL_RIGHTS);
  private static final Rule NULL =
      new Rule(true, Kind.CHARACTER, 1, 3, DeviceFilter.READ | DeviceFilter.WRITE);
  private static final Rule ZERO = new Rule(true, Kind.CHARACTER, 1, 5, DeviceFilter.READ);

  private Path cgroup = Path.of("/");
  private Set<KernelFeature> without = Set.of();

  @BeforeEach
  void make() throws Exception {
    String mount = null;
    for (MountInfo each : MountInfo.ofSelf()) {
      if (each.type().equals("cgroup2") && each.root().equals("/")) {
        mount = each.target();
      }
    }
    assumeTrue(mount != null, "no cgroup version 2 here");
    cgroup = Path.of(mount, "berth-devices-test-" + ProcessHandle.current().pid());
    Files.createDirectory(cgroup);
  }

  @AfterEach
  void remove() throws Exception {
    var _ = KernelFeature.doWithout(without);
    if (cgroup.getParent() != null) {
      Files.deleteIfExists(cgroup);
    }
  }

  private void decide(Rule... rules) throws Exception {
    try (Fd fd = Fd.open(cgroup, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      DeviceFilter.of(List.of(rules)).decideFor(fd);
    }
  }

  private int attached() throws Exception {
    try (Fd fd = Fd.open(cgroup, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      return Bpf.attached(fd).size();
    }
  }

  /** Which of these a process of the cgroup can do, a word each. */
  private String can() throws Exception {
    String script =
        "echo 0 > "
            + cgroup
            + "/cgroup.procs || exit 9; exec 2>&1;"
            + " (: < /dev/null) && echo read-null; (: > /dev/null) && echo write-null;"
            + " (: <> /dev/null) && echo both-null;"
            + " (: < /dev/zero) && echo read-zero; (: > /dev/zero) && echo write-zero; exit 0";
    Process process = new ProcessBuilder("sh", "-c", script).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(10, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), said);
    List<String> words = said.lines().filter(line -> !line.contains(" ")).toList();
    assertEquals(
        5 - words.size(),
        said.lines().filter(line -> line.contains("Operation not permitted")).count(),
        said);
    return String.join(" ", words);
  }

  @Test
  void whatIsDeniedCannotBeOpened() throws Exception {
    assertEquals("read-null write-null both-null read-zero write-zero", can());
    decide(NOTHING, NULL, ZERO);
    assertEquals("read-null write-null both-null read-zero", can());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aSecondFilterTakesThePlaceOfTheFirst(boolean inOneStep) throws Exception {
    without = KernelFeature.doWithout(inOneStep ? Set.of() : Set.of(KernelFeature.BPF_REPLACE));
    decide(NOTHING, NULL);
    assertEquals("read-null write-null both-null", can());
    decide(NOTHING, ZERO);
    assertEquals(1, attached());
    assertEquals("read-zero", can());
    decide(new Rule(true, Kind.ANY, ANY, ANY, DeviceFilter.ALL_RIGHTS));
    assertEquals(1, attached());
    assertEquals("read-null write-null both-null read-zero write-zero", can());
  }

  @Test
  void severalThatWereThereMakeRoomForOne() throws Exception {
    decide(NOTHING, NULL);
    try (Fd fd = Fd.open(cgroup, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        Fd another = Bpf.load(DeviceFilter.of(List.of()).program(), "another")) {
      Bpf.attach(fd, another);
    }
    assertEquals(2, attached());
    assertEquals("", can());
    decide(NOTHING, ZERO);
    assertEquals(1, attached());
    assertEquals("read-zero", can());
  }

  @Test
  void theLongestFilterIsTaken() throws Exception {
    Rule[] rules = new Rule[500];
    for (int i = 0; i < rules.length; i++) {
      rules[i] = new Rule(i % 2 == 0, Kind.BLOCK, i, 7, DeviceFilter.READ);
    }
    rules[100] = NULL;
    decide(rules);
    assertEquals("read-null write-null both-null", can());
  }
}
