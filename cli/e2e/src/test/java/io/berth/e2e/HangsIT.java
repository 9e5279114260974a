package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Something outside hangs, so that the kernel does not come back from a call and not even SIGKILL
 * ends who waits: only what needs it waits, and once it goes on all is cleaned up by itself.
 */
@Tag("root")
final class HangsIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  private static final String IMAGE = "busybox:test";
  private static final String WAITS = "while [ ! -e /go ]; do usleep 20000; done; ";

  private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

  private static List<String> before = List.of();

  @TempDir Path folder;

  @SuppressWarnings("NullAway.Init")
  private RecordingDisk disk;

  @BeforeAll
  static void load() throws Exception {
    Path archive = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", archive.toString()).exits(0);
    berth.ctr("images", "import", archive.toString()).exits(0);
    berth.words("run --rm " + IMAGE + " true").exits(0);
    before = berth.recorded();
  }

  @BeforeEach
  void open() throws Exception {
    disk = new RecordingDisk(folder);
    berth
        .berth("run", "-d", "--name=other", IMAGE, "sh", "-c", "echo early; sleep 100000")
        .exits(0);
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    disk.goOn();
    // A log program that does not end at the end of what it is given is its author's business.
    Command.run("sh", "-c", "kill -9 $(cat " + folder + "/pids 2>/dev/null) 2>/dev/null");
    try {
      berth.words("rm -f other").exits(0);
      Eventually.answers("nothing is left: " + before, berth::recorded, before::equals);
      berth.words("info").exits(0).says("endpoints: 0");
    } finally {
      disk.close();
    }
  }

  private static CompletableFuture<Command> beside(String... line) {
    return CompletableFuture.supplyAsync(() -> berth.berth(line), Command.READERS);
  }

  /** All that others do with the same services, each within the limit of a test's command. */
  private static void othersAreServed() {
    berth.words("run --rm " + IMAGE + " true").exits(0);
    berth.words("run -d --name=third " + IMAGE + " sleep 100000").exits(0);
    berth.words("exec third true").exits(0);
    berth.words("stop -t 0 third").exits(0);
    berth.words("start third").exits(0);
    berth.words("rm -f third").exits(0);
    berth.words("exec other true").exits(0);
    berth.words("ps -a").exits(0).says("other");
    berth.words("logs other").exits(0).says("early");
    berth.words("images").exits(0).says("busybox");
    berth.words("volume create fourth").exits(0);
    berth.words("volume ls").exits(0).says("fourth");
    berth.words("run --rm -v fourth:/v " + IMAGE + " touch /v/x").exits(0);
    berth.words("volume rm fourth").exits(0);
    berth.words("network create fifth").exits(0);
    berth.words("network rm fifth").exits(0);
    berth.words("commit other other:test").exits(0);
    berth.words("rmi other:test").exits(0);
    berth.words("events --since 1h --until 0s").exits(0).says("third");
    berth.words("stats --no-stream other").exits(0);
    berth.words("info").exits(0);
    assertTrue(berth.ctr("tasks", "ls").exit() == 0);
  }

  private static String procOf(String name, String file) throws Exception {
    String pid = berth.words("inspect -f {{.State.Pid}} " + name).exits(0).out().strip();
    return Files.readString(Path.of("/proc", pid, file));
  }

  /** A process that does not die holds up the end of its own container, and nothing else. */
  @Test
  void aProcessThatSigkillDoesNotEnd_holdsUpNobody_andIsGoneOnceItCan() throws Exception {
    berth
        .berth(
            "run",
            "-d",
            "--name=stuck",
            "-p",
            "8080",
            "-v",
            disk.served() + ":/hangs",
            IMAGE,
            "sh",
            "-c",
            WAITS + "exec cat /hangs/disk")
        .exits(0);
    disk.hang();
    berth.words("exec stuck touch /go").exits(0);
    Eventually.holds("it asks the disk", () -> procOf("stuck", "wchan").startsWith("request_wait"));
    berth.words("kill stuck");
    assertTrue(procOf("stuck", "stat").contains(") D "), "it cannot be killed");
    CompletableFuture<Command> removal = beside("rm", "-f", "stuck");
    CompletableFuture<Command> wait = beside("wait", "stuck");
    othersAreServed();
    berth.words("ps").exits(0).says("stuck");
    berth.words("inspect stuck").exits(0);
    berth.words("logs stuck").exits(0);
    berth.words("top stuck");
    berth.words("stats --no-stream stuck");
    disk.goOn();
    removal.get(100, TimeUnit.SECONDS);
    wait.get(100, TimeUnit.SECONDS).exits(0).says("137");
    berth.words("rm -f stuck");
    Eventually.holds("it is gone", () -> !berth.words("ps -a").out().contains("stuck"));
  }

  /**
   * A volume on a disk that hangs: what was written cannot get there, so it cannot be unmounted.
   */
  @Test
  void anUnmountThatHangs_holdsUpNobody_andIsDoneOnceItCan() throws Exception {
    berth
        .berth("volume", "create", "--opt", "type=ext4", "--opt", "device=" + disk.device(), "slow")
        .exits(0);
    berth.words("run -d --name=user -v slow:/v " + IMAGE + " sleep 100000").exits(0);
    berth.words("exec user dd if=/dev/zero of=/v/x bs=64k count=16").exits(0);
    disk.hang();
    CompletableFuture<Command> removal = beside("rm", "-f", "user");
    CompletableFuture<Command> next = beside("run", "--rm", "-v", "slow:/v", IMAGE, "ls", "/v");
    othersAreServed();
    berth.words("volume inspect slow").exits(0);
    assertFalse(next.isDone(), "the volume's next user waits for it");
    disk.goOn();
    removal.get(100, TimeUnit.SECONDS).exits(0);
    next.get(100, TimeUnit.SECONDS);
    berth.words("volume rm slow").exits(0);
  }

  // --- programs that take logs, and creations that take long

  private static final String REF = "docker.io/library/busybox:test";

  /** Debian's ctr, whose own calls end after so many seconds. */
  private static Command ctrWithin(int seconds, String... words) {
    List<String> line = berth.ctrLine(words);
    line.addAll(1, List.of("--timeout", seconds + "s"));
    return Command.run(line.toArray(String[]::new));
  }

  private Path logProgram(String text) throws Exception {
    Path program = folder.resolve("log-program");
    Files.writeString(program, "#!/bin/sh\n" + text + "\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    return program;
  }

  /**
   * It says that it is ready, and then takes nothing; the container writes more than pipes hold.
   */
  @Test
  void aLogProgramThatTakesNothing_holdsUpItsContainersOutputAlone() throws Exception {
    Path program = logProgram("echo $$ >>" + folder + "/pids; exec 5>&-; exec sleep 100000");
    berth.ctr("run", "-d", "--log-uri", "binary://" + program, REF, "logged", "yes").exits(0);
    othersAreServed();
    berth.ctr("tasks", "exec", "--exec-id", "x", "logged", "true").exits(0);
    berth.ctr("tasks", "ls").exits(0).says("logged");
    berth.ctr("tasks", "kill", "-s", "KILL", "logged").exits(0);
    berth.ctr("tasks", "rm", "-f", "logged");
    Eventually.holds("its task is gone", () -> !berth.ctr("tasks", "ls").out().contains("logged"));
    berth.ctr("containers", "rm", "logged").exits(0);
  }

  /** What a client of containerd that asks for a task's state is told, within its own deadline. */
  private static Status.Code state(String id) {
    EventLoops loops = new EventLoops(1);
    ManagedChannel channel = UnixChannel.to(loops, berth.socket());
    try {
      var _ =
          UnixChannel.in(TasksGrpc.newBlockingStub(channel), berth.namespace(), null)
              .withDeadlineAfter(20, TimeUnit.SECONDS)
              .get(GetRequest.newBuilder().setContainerId(id).build());
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    } finally {
      channel.shutdownNow();
      loops.close();
    }
  }

  /** A program that never says that it is ready keeps a creation waiting. */
  @Test
  void aCreationThatRanPastItsDeadline_freesItsName_andStatesAreToldMeanwhile() throws Exception {
    Path begun = folder.resolve("begun");
    Path program =
        logProgram("echo $$ >>" + folder + "/pids; touch " + begun + "; exec sleep 100000");
    berth.ctr("containers", "create", REF, "slow", "sleep", "100000").exits(0);
    String log = "binary://" + program;
    CompletableFuture<Command> creation =
        CompletableFuture.supplyAsync(
            () -> ctrWithin(4, "tasks", "start", "-d", "--log-uri", log, "slow"), Command.READERS);
    Eventually.holds("the creation waits", () -> Files.exists(begun));
    assertEquals(Status.Code.NOT_FOUND, state("slow"));
    assertEquals(Status.Code.NOT_FOUND, state("nobody"));
    berth.ctr("tasks", "ls").exits(0).saysNo("slow");
    assertFalse(creation.isDone(), "the creation waits still");
    creation.get(60, TimeUnit.SECONDS).exits(1).says("deadline");
    Eventually.holds(
        "its name is free", () -> ctrWithin(20, "tasks", "start", "-d", "slow").exit() == 0);
    assertEquals(Status.Code.OK, state("slow"));
    berth.ctr("tasks", "exec", "--exec-id", "x", "slow", "true").exits(0);
    berth.ctr("tasks", "rm", "-f", "slow").exits(0);
    berth.ctr("containers", "rm", "slow").exits(0);
  }

  private void createOnTheDisk(String id) {
    String mount = "type=bind,src=" + disk.served().resolve("disk") + ",dst=/x,options=rbind:ro";
    berth.ctr("containers", "create", "--mount", mount, REF, id, "sleep", "100000").exits(0);
  }

  /** Whoever waits for such a mount can be killed, and is. */
  @Test
  void aCreationThatIsGivenUpWhileAMountIsSlow_freesItsNameMeanwhile() throws Exception {
    createOnTheDisk("slow");
    disk.freeze();
    ctrWithin(3, "tasks", "start", "-d", "slow").exits(1).says("deadline");
    Eventually.holds(
        "its container can be removed", () -> berth.ctr("containers", "rm", "slow").exit() == 0);
    berth.ctr("containers", "create", REF, "slow", "sleep", "100000").exits(0);
    Eventually.holds(
        "its name is free", () -> ctrWithin(20, "tasks", "start", "-d", "slow").exit() == 0);
    othersAreServed();
    berth.ctr("tasks", "rm", "-f", "slow").exits(0);
    berth.ctr("containers", "rm", "slow").exits(0);
  }

  /**
   * Nothing can end who waits for this one. More wait than there are processors, so that no thread
   * that others need may be among them.
   */
  @Test
  void creationsThatHangOnAMount_holdUpNobody_andTheirNamesAreFree() throws Exception {
    List<String> ids = IntStream.range(0, 2 + PROCESSORS).mapToObj(i -> "slow" + i).toList();
    ids.forEach(this::createOnTheDisk);
    disk.hang();
    List<CompletableFuture<Command>> creations =
        ids.stream()
            .map(id ->
                CompletableFuture.supplyAsync(
                    () -> ctrWithin(20, "tasks", "start", "-d", id), Command.READERS))
            .toList();
    for (String id : ids) {
      Eventually.holds("it is being made", () -> state(id) == Status.Code.NOT_FOUND);
    }
    berth.ctr("run", "--rm", REF, "quick", "true").exits(0);
    othersAreServed();
    for (CompletableFuture<Command> creation : creations) {
      creation.get(60, TimeUnit.SECONDS).exits(1).says("deadline");
    }
    othersAreServed();
    disk.goOn();
    for (String id : ids) {
      Eventually.holds(
          "its name is free", () -> ctrWithin(20, "tasks", "start", "-d", id).exit() == 0);
      berth.ctr("tasks", "rm", "-f", id).exits(0);
      berth.ctr("containers", "rm", id).exits(0);
    }
  }

  /** How many threads of the machine wait for the answer of a file system in user space. */
  private static long waiting() throws Exception {
    String all = "cat /proc/[0-9]*/task/*/wchan 2>/dev/null | grep -o request_wait_answer | wc -l";
    return Long.parseLong(Command.run("sh", "-c", all).out().strip());
  }

  /** The same of our own command line, whose clients give up. */
  @Test
  void runsThatAreGivenUpWhileAMountHangs_leaveNothing() throws Exception {
    String mount = disk.served().resolve("disk") + ":/x";
    disk.hang();
    List<Process> clients = new ArrayList<>();
    for (int i = 0; i < 2 + PROCESSORS; i++) {
      List<String> line = new ArrayList<>(List.of("env", "--default-signal=INT"));
      line.addAll(berth.line("run", "--rm", "--name", "slow" + i, "-v", mount, IMAGE, "true"));
      clients.add(new ProcessBuilder(line).start());
    }
    Eventually.holds("they wait for the disk", () -> waiting() >= clients.size());
    othersAreServed();
    for (Process client : clients) {
      Command.run("kill", "-INT", Long.toString(client.pid())).exits(0);
      assertTrue(client.waitFor(30, TimeUnit.SECONDS), "the client ends");
    }
    disk.goOn();
    Eventually.answers(
        "they are gone", () -> berth.words("ps -a").out(), rows -> !rows.contains("slow"));
    Eventually.holds(
        "its name is free",
        () -> berth.words("run --rm --name slow0 " + IMAGE + " true").exit() == 0);
  }

  // --- one namespace and the others

  private static final int WAITING = 40;

  private static List<String> lineOf(String namespace, String... words) {
    List<String> line = berth.ctrLine(words);
    line.set(line.indexOf(berth.namespace()), namespace);
    return line;
  }

  private static Command inGreedy(String... words) {
    return Command.run(lineOf("greedy", words).toArray(String[]::new));
  }

  /** Its clients have all that they can get under way at once, and none of it ever ends. */
  @Test
  void aNamespaceWhoseCallsAllWait_holdsUpNoOther() throws Exception {
    inGreedy("images", "import", BusyboxImage.archive(folder).toString()).exits(0);
    Path pids = folder.resolve("pids");
    Path program = logProgram("echo $$ >>" + pids + "; exec sleep 100000");
    List<Process> clients = new ArrayList<>();
    List<String> ids = IntStream.range(0, WAITING).mapToObj(i -> "waits" + i).toList();
    try {
      for (String id : ids) {
        List<String> line =
            lineOf("greedy", "run", "-d", "--log-uri", "binary://" + program, REF, id, "true");
        clients.add(new ProcessBuilder(line).redirectErrorStream(true).start());
      }
      for (int i = 0; i < 8; i++) {
        clients.add(new ProcessBuilder(lineOf("greedy", "events")).start());
      }
      Eventually.holds(
          "many wait", () -> Files.exists(pids) && Files.readAllLines(pids).size() >= WAITING / 2);
      othersAreServed();
      berth.ctr("run", "--rm", REF, "quick", "true").exits(0);
    } finally {
      for (Process client : clients) {
        client.destroyForcibly().waitFor();
      }
    }
    Eventually.holds("no task is left", () -> inGreedy("tasks", "ls", "-q").out().isBlank());
    for (String id : ids) {
      Eventually.holds(
          id + " is gone",
          () -> {
            var _ = inGreedy("containers", "rm", id);
            return !inGreedy("containers", "ls", "-q").out().lines().toList().contains(id);
          });
    }
    inGreedy("images", "rm", "--sync", REF).exits(0);
  }
}
