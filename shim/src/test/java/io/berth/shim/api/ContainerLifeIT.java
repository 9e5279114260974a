package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.berth.api.containerd.task.v3.ConnectRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("root")
final class ContainerLifeIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  private static Code codeOf(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(StatusException.class, call).getStatus().getCode();
  }

  private static String textOf(org.junit.jupiter.api.function.Executable call) {
    return String.valueOf(assertThrows(StatusException.class, call).getStatus().getDescription());
  }

  private static StartRequest start(TaskKey key) {
    return StartRequest.newBuilder().setId(key.id()).build();
  }

  private static DeleteRequest delete(TaskKey key) {
    return DeleteRequest.newBuilder().setId(key.id()).build();
  }

  private static KillRequest kill(TaskKey key, int signal) {
    return KillRequest.newBuilder().setId(key.id()).setSignal(signal).build();
  }

  private static WaitRequest await(TaskKey key) {
    return WaitRequest.newBuilder().setId(key.id()).build();
  }

  private static Status status(TaskGrpc.TaskBlockingV2Stub task, TaskKey key) throws Exception {
    return task.state(StateRequest.newBuilder().setId(key.id()).build()).getStatus();
  }

  /**
   * An older profile does not name faccessat2(2), and is in force when the program is looked up.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 38})
  void aFilterThatKnowsAccessOnly_letsProgramsBeFound(int errno) throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec = shims.spec("sh", "-c", "exit 7");
    spec.withObject("/process").put("noNewPrivileges", false);
    ObjectNode seccomp = spec.withObject("/linux").putObject("seccomp");
    seccomp.put("defaultAction", "SCMP_ACT_ALLOW");
    ObjectNode rule = seccomp.putArray("syscalls").addObject();
    rule.put("action", "SCMP_ACT_ERRNO").put("errnoRet", errno);
    rule.putArray("names").add("faccessat2");
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(start(key));
    assertEquals(7, task.wait(await(key)).getExitStatus());
    task.delete(delete(key));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void runsAProgramAndAnswersItsExitCode() throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec = shims.spec("sh", "-c", "echo hello from $(hostname); id -u; exit 7");
    int pid = shims.create(key, spec);
    var task = shims.task(key);

    int started = task.start(start(key)).getPid();
    var waited = task.wait(await(key));
    var deleted = task.delete(delete(key));

    assertEquals(pid, started);
    assertEquals(7, waited.getExitStatus());
    assertEquals(7, deleted.getExitStatus());
    assertEquals("hello from inside\n0\n", shims.said(key));
    assertEquals(List.of(), shims.leftovers());
    assertTrue(pid > 0);
  }

  @Test
  void createdTaskHasItsInitsPidAndNetworkNamespaceBeforeStart() throws Exception {
    TaskKey key = shims.key();
    int pid = shims.create(key, shims.spec("sleep", "100"));
    var task = shims.task(key);

    assertEquals(Status.CREATED, status(task, key));
    assertFalse(
        Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/net"))
            .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/net"))));
    var connected = task.connect(ConnectRequest.newBuilder().setId(key.id()).build());
    assertEquals(pid, connected.getTaskPid());
    assertEquals(ProcessHandle.current().pid(), connected.getShimPid());
    task.delete(delete(key));
    assertFalse(Files.exists(Path.of("/proc/" + pid + "/ns/net")));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void missingProgramFailsCreateAndTheIdCanBeUsedAgain() throws Exception {
    TaskKey key = shims.key();

    String text = textOf(() -> shims.create(key, shims.spec("no-such-program")));
    assertTrue(
        text.endsWith("exec: \"no-such-program\": executable file not found in $PATH"), text);
    assertEquals(Code.UNKNOWN, codeOf(() -> shims.create(key, shims.spec("no-such-program"))));
    String forbidden = textOf(() -> shims.create(key, shims.spec("/etc/not-a-program")));
    assertTrue(forbidden.endsWith("exec: \"/etc/not-a-program\": permission denied"), forbidden);
    assertEquals(List.of(), shims.leftovers());
    try (var files = Files.list(shims.taskFolder(key))) {
      assertEquals(List.of("bundle"), files.map(p -> p.getFileName().toString()).toList());
    }

    shims.create(key, shims.spec("true"));
    var task = shims.task(key);
    task.start(start(key));
    assertEquals(0, task.wait(await(key)).getExitStatus());
    task.delete(delete(key));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void refusesWhatTheStateForbidsInTheKnownWords() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    var task = shims.task(key);

    assertEquals(Code.UNKNOWN, codeOf(() -> task.pause(pause(key))));
    task.start(start(key));
    assertEquals("cannot start a running process", textOf(() -> task.start(start(key))));
    assertEquals("cannot delete a running process", textOf(() -> task.delete(delete(key))));
    assertEquals(Code.UNKNOWN, codeOf(() -> task.kill(kill(key, 99))));
    assertEquals(Code.ALREADY_EXISTS, codeOf(() -> shims.create(key, shims.spec("true"))));

    task.kill(kill(key, 15));
    task.kill(kill(key, 9));
    assertEquals(137, task.wait(await(key)).getExitStatus());
    assertEquals(Code.NOT_FOUND, codeOf(() -> task.kill(kill(key, 9))));
    assertEquals("cannot start a stopped process", textOf(() -> task.start(start(key))));
    task.kill(kill(key, 9).toBuilder().setAll(true).build());
    assertEquals(137, task.delete(delete(key)).getExitStatus());
    assertEquals(Code.NOT_FOUND, codeOf(() -> task.delete(delete(key))));
    assertEquals(List.of(), shims.leftovers());
  }

  private static PauseRequest pause(TaskKey key) {
    return PauseRequest.newBuilder().setId(key.id()).build();
  }

  /** What was written before the pause may still be on its way through the supervisor. */
  private static long sizeThatStandsStill(Path file) throws Exception {
    AtomicLong before = new AtomicLong(-1);
    AtomicInteger looks = new AtomicInteger();
    return Eventually.answers(
        "stood still",
        () -> Files.size(file),
        size -> {
          int same = before.getAndSet(size) == size ? looks.incrementAndGet() : looks.getAndSet(0);
          // A look each 10 ms, as often as the container writes while it runs.
          return same >= 10;
        });
  }

  @Test
  void aPausedContainerStandsStillUntilResumed() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sh", "-c", "while true; do echo x; sleep 0.01; done"));
    var task = shims.task(key);
    task.start(start(key));

    task.pause(pause(key));
    assertEquals(Status.PAUSED, status(task, key));
    long size = sizeThatStandsStill(shims.output(key));
    assertEquals(Code.UNKNOWN, codeOf(() -> task.pause(pause(key))));
    task.resume(ResumeRequest.newBuilder().setId(key.id()).build());
    assertEquals(Status.RUNNING, status(task, key));
    Eventually.holds("wrote on", () -> Files.size(shims.output(key)) > size);

    // A frozen container is killed, too.
    task.pause(pause(key));
    task.kill(kill(key, 9));
    task.resume(ResumeRequest.newBuilder().setId(key.id()).build());
    assertEquals(137, task.wait(await(key)).getExitStatus());
    task.delete(delete(key));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void answersToTheNameOfVersion2() throws Exception {
    TaskKey key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    try (var loops = new io.berth.base.rpc.EventLoops(1)) {
      var channel = UnixChannel.to(loops, shims.taskFolder(key).resolve("shim.sock"));
      var task = io.berth.api.containerd.task.v2.TaskGrpc.newBlockingV2Stub(channel);
      var state =
          task.state(
              io.berth.api.containerd.task.v2.StateRequest.newBuilder().setId(key.id()).build());
      assertEquals(Status.CREATED, state.getStatus());
      channel.shutdownNow();
    }
    shims.task(key).delete(delete(key));
  }

  @Test
  void killAllReachesEveryProcessOfTheHostsPidNamespace() throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec = shims.spec("sh", "-c", "sleep 100 & sleep 100 & wait");
    var namespaces = spec.withObject("/linux").putArray("namespaces");
    for (String type : List.of("ipc", "uts", "mount", "network")) {
      namespaces.addObject().put("type", type);
    }
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(start(key));

    task.kill(kill(key, 9).toBuilder().setAll(true).build());
    assertEquals(137, task.wait(await(key)).getExitStatus());
    task.delete(delete(key));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void whatAnInitLeavesInTheHostsPidNamespaceEndsWithIt() throws Exception {
    TaskKey key = shims.key();
    ObjectNode spec = shims.spec("sh", "-c", "sleep 100 >/dev/null 2>&1 & exit 3");
    var namespaces = spec.withObject("/linux").putArray("namespaces");
    namespaces.addObject().put("type", "mount");
    spec.remove("hostname");
    shims.create(key, spec);
    var task = shims.task(key);
    task.start(start(key));

    assertEquals(3, task.wait(await(key)).getExitStatus());
    assertEquals(List.of(), shims.table().task(key).cgroup().pids());
    task.delete(delete(key));
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void aCgroupInWhichSomethingLivesIsRefused() throws Exception {
    TaskKey first = shims.key();
    ObjectNode spec = shims.spec("sleep", "100");
    spec.withObject("/linux").put("cgroupsPath", "/" + shims.config().cgroupParent() + "/shared");
    shims.create(first, spec);

    TaskKey second = shims.key();
    assertEquals(Code.FAILED_PRECONDITION, codeOf(() -> shims.create(second, spec)));
    var task = shims.task(first);
    assertEquals(Status.CREATED, status(task, first));
    task.delete(delete(first));
    assertEquals(List.of(), shims.leftovers());
  }
}
