package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.testing.Eventually;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The resident command line: what people see is what a process for each line would have shown them.
 * Here a line that it does not take fails ({@code BERTH_RESIDENT=only}), where it has to take it.
 */
@Tag("root")
final class ResidentIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  /** What lines may use; a container that was signalled is waited for. */
  private static final String FUNCTIONS =
      """
      berth() { $B "$@"; }
      terminal() { TERM=xterm script -qec "$1" /dev/null </dev/null; }
      signalled() {
        local signal=$1 option= script=$2
        case $script in --*) option=$script script=: ;; esac
        $B run --rm --network none --name $N $option busybox:test \\
          sh -c "$script; echo ready; while :; do sleep 0.02; done" >$F/out 2>&1 &
        local pid=$!
        until grep -qs ready $F/out; do kill -0 $pid || return; sleep 0.05; done
        kill -s $signal $pid
        wait $pid
        echo "exit $?"
        cat $F/out
        $B rm -f $N >/dev/null 2>&1
      }
      """;

  @BeforeAll
  static void runOne() throws Exception {
    berth.berth("load", "-i", BusyboxImage.archive(berth.folder("image")).toString()).exits(0);
    berth
        .berth(
            "run",
            "-d",
            "--network=none",
            "--name=one",
            "busybox:test",
            "sh",
            "-c",
            // The same two processes at any instant: `top` and `stats` count them.
            "trap : USR2; sleep 100000 & echo said; while :; do wait; done")
        .exits(0);
    awaitResident();
  }

  @AfterAll
  static void removeOne() {
    berth.berth("rm", "-f", "one").exits(0);
  }

  private static Command shell(String mode, String name, String line) {
    try {
      Path folder = berth.folder("lines-" + name);
      Map<String, String> variables =
          Map.of("B", program(), "N", name, "F", folder.toString(), "BERTH_RESIDENT", mode);
      return Command.run(List.of("bash", "-c", FUNCTIONS + line), new byte[0], variables);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String program() {
    return berth.libexec().resolve("bin/berth") + " --config " + berth.config();
  }

  private static Command version(String mode) {
    return shell(mode, "awaited", "berth --version");
  }

  /** Has a resident run, which the first call starts. */
  private static void awaitResident() throws Exception {
    version("yes").exits(0);
    Eventually.answers("there is a resident", () -> version("only").exit(), code -> code == 0);
  }

  private static long resident() throws IOException {
    return Long.parseLong(Files.readString(berth.state().resolve("cli.pid")).strip());
  }

  private static List<String> lines() throws IOException {
    try (InputStream in = ResidentIT.class.getResourceAsStream("resident-lines.txt")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    }
  }

  /** What of a command is the same whenever it is carried out. */
  private static String essence(Command command, String name) {
    return ("exit " + command.exit() + "\n" + command.out() + "--- stderr\n" + command.err())
        .replace(name, "NAME")
        // What script(1) itself types at the end of its input, sooner or later.
        .replace("^@", "")
        .replaceAll("\\b[0-9a-f]{64}\\b", "ID")
        .replaceAll("\\b[0-9a-f]{12}\\b", "SHORT")
        .replaceAll("(\\d+ \\w+|About an? \\w+|Less than a second)( ago)? +", "TIME ")
        .replaceAll("\\d+\\.\\d+ ms", "MS")
        .replaceAll("/dev/pts/\\d+", "PTS")
        .replaceAll("bash: line \\d+: +\\d+ ", "bash: ");
  }

  /** Lines that the thin client does not bring to a resident, by design. */
  private static boolean isForOneShot(String line) {
    return line.startsWith("TZ=XYZ-3")
        || line.contains("--nonsense ps")
        || line.matches("berth --config( /nonexistent.*)?");
  }

  // cases L1 and L2 are among the lines
  @Test
  void everyLineIsTheSame_residentAndOneShot() throws Exception {
    List<String> all = lines();
    assertTrue(all.size() >= 80, () -> all.size() + " lines");
    List<String> different = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      String line = all.get(i);
      String first = "first%03d".formatted(i);
      String again = "again%03d".formatted(i);
      String alone = essence(shell("no", first, line), first);
      String mode = isForOneShot(line) ? "yes" : "only";
      String resident = essence(shell(mode, again, line), again);
      if (!alone.equals(resident)) {
        different.add("$ " + line + "\n--- one-shot: " + alone + "--- resident: " + resident);
      }
    }
    assertEquals("", String.join("\n", different));
  }

  @Test
  void twentyLinesAtOnceSeeNothingOfEachOther() throws Exception {
    List<String> lines =
        IntStream.range(0, 20)
            .mapToObj(i ->
                switch (i % 5) {
                  case 0 ->
                      "cd $F; umask 0%d7; berth save -o %d.tar busybox:test; stat -c '%%a %%n' *.tar"
                          .formatted(i % 8, i);
                  case 1 ->
                      "VALUE=%d berth run --rm --network none -e VALUE busybox:test sh -c 'echo $VALUE; exit $VALUE'"
                          .formatted(i);
                  case 2 ->
                      "TZ=Etc/GMT-%d berth images --format '{{.CreatedAt}}'".formatted(i % 12);
                  case 3 -> "echo %d | berth exec -i one cat; berth nonsense%d".formatted(i, i);
                  default ->
                      "terminal \"stty rows %d cols 70; $B exec -it one stty size\""
                          .formatted(20 + i);
                })
            .toList();
    List<String> alone = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      alone.add(essence(shell("no", "alone%02d".formatted(i), lines.get(i)), "alone"));
    }
    ExecutorService twenty = Executors.newFixedThreadPool(20);
    List<Future<Command>> answers = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String name = "crowd%02d".formatted(i);
      String line = lines.get(i);
      answers.add(twenty.submit(() -> shell("only", name, line)));
    }
    List<String> together = new ArrayList<>();
    for (Future<Command> answer : answers) {
      together.add(essence(answer.get(2, TimeUnit.MINUTES), "crowd"));
    }
    twenty.shutdownNow();
    assertEquals(alone, together);
  }

  @Test
  void whenItIsKilledItsLinesSaySoAndTheNextOneWorks() throws Exception {
    awaitResident();
    String before = resident() + "";
    List<String> lines =
        List.of(
            "berth logs -f one",
            "berth exec one sleep 1000",
            "berth events",
            "mkfifo $F/never; exec 9<>$F/never; berth load <$F/never",
            "berth run --network none --name killed busybox:test sleep 100000",
            "terminal \"$B run -it --rm --network none --name raw busybox:test sleep 100000;"
                + " stty -a | grep -o -- '-\\?icanon'\"");
    ExecutorService all = Executors.newFixedThreadPool(lines.size());
    List<Future<Command>> answers = new ArrayList<>();
    for (String line : lines) {
      answers.add(all.submit(() -> shell("only", "lost", line)));
    }
    Eventually.answers(
        "they run",
        () -> berth.berth("ps", "--format", "{{.Names}}").out(),
        text -> text.contains("killed") && text.contains("raw"));
    ProcessHandle.of(Long.parseLong(before)).orElseThrow().destroyForcibly();
    for (Future<Command> answer : answers.subList(0, 4)) {
      answer.get(1, TimeUnit.MINUTES).exits(125).says("the resident command line has gone");
    }
    answers.get(4).get(1, TimeUnit.MINUTES).exits(125);
    Command raw = answers.get(5).get(1, TimeUnit.MINUTES);
    assertTrue(raw.out().lines().anyMatch("icanon"::equals), raw::out);
    // As with any client that dies: what was started runs on.
    berth.berth("ps", "--format", "{{.Names}}").exits(0).says("killed");
    awaitResident();
    assertNotEquals(before, resident() + "");
    String next = "berth run --rm --network none busybox:test echo next";
    assertEquals("next\n", shell("only", "next", next).exits(0).out());
    berth.berth("rm", "-f", "killed").exits(0);
    berth.berth("rm", "-f", "raw");
    all.shutdownNow();
  }

  @Test
  void aLineThatHasEndedLeavesNothingBehind() throws Exception {
    awaitResident();
    var _ = shell("only", "warm", "berth save busybox:test | head -c 1; berth exec one true");
    Path descriptors = Path.of("/proc/" + resident() + "/fd");
    Path threads = Path.of("/proc/" + resident() + "/task");
    Eventually.holds("it rests", () -> count(threads) < 60);
    int before = count(descriptors);
    for (int i = 0; i < 10; i++) {
      shell("only", "many", "berth save busybox:test | head -c 1 | wc -c").exits(0);
      shell("only", "many", "timeout -s KILL 0.3 $B logs -f one");
      shell("only", "many", "sleep 0.2 | timeout -s KILL 0.1 $B load");
      shell("only", "many", "timeout -s INT 0.3 $B events");
    }
    Eventually.answers(
        "descriptors are as many as before",
        () -> count(descriptors),
        count -> count <= before + 5);
  }

  @Test
  void theTerminalIsAsItWas_whenTheClientIsKilled() {
    Command killed =
        shell(
            "only",
            "killed",
            """
            terminal "exec 3<&0; $B run -it --rm --network none --name held busybox:test sleep 9999 <&3 &
              client=\\$!
              until stty -a | grep -q -e '-icanon'; do kill -0 \\$client || exit 1; sleep 0.05; done
              kill -KILL \\$client
              until stty -a | grep -q -e ' icanon'; do sleep 0.05; done
              echo as it was"
            """);
    killed.exits(0).says("as it was");
    berth.berth("rm", "-f", "held").exits(0);
  }

  @Test
  void aClientInAnotherPlaceGoesOnAlone() {
    List<String> places =
        List.of(
            "unshare -m",
            "unshare -U -r",
            "setpriv --no-new-privs",
            "setpriv --bounding-set -chown",
            "setpriv --regid 12345 --clear-groups");
    for (String place : places) {
      shell("only", "elsewhere", place + " $B --version")
          .exits(125)
          .says("no resident command line took this line");
    }
    shell("yes", "elsewhere", "unshare -m $B --version").exits(0).says("berth version");
    shell("only", "elsewhere", "unshare -n $B --version").exits(0);
  }

  private static int count(Path folder) {
    return Objects.requireNonNull(folder.toFile().list()).length;
  }

  /** A folder of programs of a build that is newer, whose resident says so as well. */
  private static Path newerBuild(String name) throws IOException {
    Path newer = berth.folder(name);
    Path bin = Files.createDirectories(newer.resolve("bin"));
    Path own = berth.libexec().resolve("bin");
    Files.createSymbolicLink(bin.resolve("berth-oneshot"), own.resolve("berth-oneshot"));
    Files.copy(own.resolve("berth"), bin.resolve("berth"));
    String launcher = Files.readString(own.resolve("berth-resident"));
    Path resident =
        Files.writeString(
            bin.resolve("berth-resident"),
            launcher.replaceFirst("-Dberth\\.libexec=\\S+", "-Dberth.libexec=" + newer));
    assertNotEquals(launcher, Files.readString(resident), "its build is the folder's");
    Command.run("chmod", "0755", bin.resolve("berth").toString(), resident.toString()).exits(0);
    return newer;
  }

  private static Command version(Path build, Path config, String mode) {
    return Command.run(
        List.of(build.resolve("bin/berth").toString(), "--config", config.toString(), "--version"),
        new byte[0],
        Map.of("BERTH_RESIDENT", mode));
  }

  @Test
  void aNewerBuildTakesItsPlace() throws Exception {
    awaitResident();
    long before = resident();
    Path newer = newerBuild("newer");
    version(newer, berth.config(), "yes").exits(0);
    Eventually.holds("the older one has ended", () -> ProcessHandle.of(before).isEmpty());
    Eventually.answers(
        "the newer one takes lines of its build",
        () -> version(newer, berth.config(), "only").exit(),
        code -> code == 0);
    assertNotEquals(before, resident());
    // An older client goes on alone, and leaves the newer one in its place.
    long now = resident();
    version("only").exits(125);
    version("yes").exits(0);
    assertEquals(now, resident());
    ProcessHandle.of(now).orElseThrow().destroy();
    awaitResident();
  }

  /** Hands a socket over as a service manager does; perl is on every Debian. */
  private static final String ACTIVATION =
      """
      use POSIX; use Socket;
      $^F = 99;
      my $s;
      socket($s, AF_UNIX, SOCK_SEQPACKET, 0) && bind($s, sockaddr_un(shift)) && listen($s, 64)
        && POSIX::dup2(fileno($s), 3) or die $!;
      $ENV{LISTEN_PID} = $$;
      exec @ARGV;
      """;

  @Test
  void aSocketThatWasHandedOverStaysItsOwners() throws Exception {
    Path folder = berth.folder("activated");
    Path config = Files.writeString(folder.resolve("config.toml"), "state = \"" + folder + "\"\n");
    Path socket = folder.resolve("cli.sock");
    String resident = berth.libexec().resolve("bin/berth-resident").toString();
    List<String> manager =
        List.of(
            "perl", "-e", ACTIVATION, socket.toString(), resident, "--config", config.toString());
    Process activated =
        new ProcessBuilder(manager)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    try {
      Path pid = folder.resolve("cli.pid");
      Eventually.answers("it listens", () -> Files.exists(pid), there -> there);
      Eventually.answers(
          "it takes lines",
          () -> version(berth.libexec(), config, "only").exit(),
          code -> code == 0);
      Command lock = Command.run("flock", "-n", folder.resolve("cli.lock").toString(), "true");
      assertEquals(1, lock.exit(), "it holds the lock that keeps clients from starting another");
      version(newerBuild("newest"), config, "yes").exits(0);
      assertTrue(activated.waitFor(20, TimeUnit.SECONDS), "it ends for a newer build");
      assertTrue(Files.exists(socket), "the socket's name is its owner's");
      assertFalse(Files.exists(pid), "who it was");
    } finally {
      activated.destroy();
    }
  }

  private static String surroundings(long pid) {
    String lines = "cat /proc/%1$d/cgroup; grep ^Cpus_allowed: /proc/%1$d/status".formatted(pid);
    return Command.run("sh", "-c", lines).exits(0).out();
  }

  /** A job that types the first line must not hold the resident, nor be held by it. */
  @Test
  void itIsPartOfWhatTheServicesArePartOf() throws Exception {
    awaitResident();
    ProcessHandle before = ProcessHandle.of(resident()).orElseThrow();
    before.destroy();
    before.onExit().get(1, TimeUnit.MINUTES);
    Command job =
        shell(
            "yes",
            "job",
            """
            group=/sys/fs/cgroup/pids
            [ -d $group ] || group=/sys/fs/cgroup
            group=$group/berth-job-$$
            mkdir $group
            (echo 0 >$group/cgroup.procs; exec taskset -c 0 $B --version) | cat
            until rmdir $group 2>/dev/null; do sleep 0.05; done
            """);
    job.exits(0).says("berth version");
    awaitResident();
    assertEquals(surroundings(berth.pid("containerd")), surroundings(resident()));
  }

  @Test
  void aLineThatStaysOutlivesServicesAndAResidentThatIsToldToEnd() throws Exception {
    awaitResident();
    String run = "berth run --rm --network none --name stays busybox:test ";
    CompletableFuture<Command> stays =
        CompletableFuture.supplyAsync(
            () ->
                shell(
                    "only", "stays", run + "sh -c 'until [ -e /go ]; do sleep 0.05; done; exit 7'"),
            Command.READERS);
    berth.eventuallySays("stays", "ps", "--format", "{{.Names}}");
    berth.kill("containerd");
    berth.startMissing();
    shell("only", "between", "berth ps").exits(0).says("stays");
    long before = resident();
    ProcessHandle.of(before).orElseThrow().destroy();
    Eventually.holds("it takes no more lines", () -> version("only").exit() != 0);
    awaitResident();
    assertNotEquals(before, resident());
    berth.berth("exec", "stays", "touch", "/go").exits(0);
    assertEquals("", stays.get(1, TimeUnit.MINUTES).exits(7).err());
    Eventually.holds("it has ended", () -> ProcessHandle.of(before).isEmpty());
  }
}
