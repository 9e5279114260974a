package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.runc.v1.ProcessDetails;
import io.berth.api.containerd.task.v3.CloseIORequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.linux.Fifos;
import io.berth.linux.Processes;
import io.berth.linux.Signal;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@Tag("root")
final class ExecIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();
  private TaskKey key;
  private TaskGrpc.TaskBlockingV2Stub task;

  @BeforeEach
  void makeContainer() throws Exception {
    key = shims.key();
    shims.create(key, shims.spec("sleep", "100"));
    task = shims.task(key);
  }

  private void startInit() throws Exception {
    task.start(StartRequest.newBuilder().setId(key.id()).build());
  }

  private void endInit() throws Exception {
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  private ExecProcessRequest.Builder exec(String id, String... arguments) {
    ObjectNode process = (ObjectNode) shims.spec(arguments).get("process");
    return ExecProcessRequest.newBuilder()
        .setId(key.id())
        .setExecId(id)
        .setStdout("file://" + output(id))
        .setStderr("file://" + output(id))
        .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))));
  }

  private Path output(String id) {
    return shims.folder().resolve("exec-" + id);
  }

  private int start(String id) throws StatusException, InterruptedException {
    return task.start(StartRequest.newBuilder().setId(key.id()).setExecId(id).build()).getPid();
  }

  private int await(String id) throws StatusException, InterruptedException {
    return task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId(id).build())
        .getExitStatus();
  }

  private Status status(String id) throws StatusException, InterruptedException {
    return task.state(StateRequest.newBuilder().setId(key.id()).setExecId(id).build()).getStatus();
  }

  private void delete(String id) throws StatusException, InterruptedException {
    task.delete(DeleteRequest.newBuilder().setId(key.id()).setExecId(id).build());
  }

  private static Code codeOf(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(StatusException.class, call).getStatus().getCode();
  }

  /** What the container's process says of execs counts where the exec says nothing. */
  @Test
  void hasItsPlaceOnTheProcessorAndInItsQueues() throws Exception {
    TaskKey other = shims.key();
    ObjectNode spec = shims.spec("sleep", "100");
    spec.withObject("/process/execCPUAffinity").put("initial", "0").put("final", "0");
    spec.withObject("/process/ioPriority").put("class", "IOPRIO_CLASS_BE").put("priority", 6);
    shims.create(other, spec);
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    key = other;
    task = shims.task(key);
    startInit();
    String place = "grep Cpus_allowed_list /proc/self/status; busybox ionice -p $$";
    ObjectNode own = (ObjectNode) shims.spec("sh", "-c", place).get("process");
    task.exec(exec("theirs", "sh", "-c", place).build());
    own.putObject("execCPUAffinity").put("final", "0-" + (processors() - 1));
    own.putObject("ioPriority").put("class", "IOPRIO_CLASS_IDLE").put("priority", 0);
    task.exec(
        exec("own").setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(own)))).build());
    for (String id : List.of("theirs", "own")) {
      start(id);
      assertEquals(0, await(id));
      delete(id);
    }
    assertEquals(
        "Cpus_allowed_list:\t0\nbest-effort: prio 6\n", Files.readString(output("theirs")));
    String all = processors() == 1 ? "0" : "0-" + (processors() - 1);
    assertEquals("Cpus_allowed_list:\t" + all + "\nidle\n", Files.readString(output("own")));
    own.putObject("execCPUAffinity").put("final", "4000");
    task.exec(
        exec("far").setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(own)))).build());
    String words =
        String.valueOf(assertThrows(StatusException.class, () -> start("far")).getMessage());
    assertTrue(words.contains("cpu affinity `4000`"), words);
    delete("far");
    endInit();
  }

  private static int processors() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Test
  void runsInTheNamespacesAndCgroupOfTheContainer() throws Exception {
    startInit();
    task.exec(exec("e1", "sh", "-c", "hostname; echo $$; cat /proc/self/cgroup; exit 4").build());
    assertEquals(Status.CREATED, status("e1"));
    start("e1");

    assertEquals(4, await("e1"));
    String[] lines = Files.readString(output("e1")).split("\n", -1);
    assertEquals("inside", lines[0]);
    assertTrue(Integer.parseInt(lines[1]) < 100, lines[1]);
    String path = shims.config().cgroupParent() + "/" + TestShimProcess.NAMESPACE + "/" + key.id();
    for (String line : List.of(lines).subList(2, lines.length - 1)) {
      assertTrue(line.endsWith(path), line);
    }
    assertEquals(Status.STOPPED, status("e1"));
    delete("e1");
    assertEquals(Code.NOT_FOUND, codeOf(() -> status("e1")));
    endInit();
  }

  @Test
  void missingProgramFailsStartAndTheExecStaysCreated() throws Exception {
    startInit();
    task.exec(exec("e1", "no-such-program").build());

    StatusException failure = assertThrows(StatusException.class, () -> start("e1"));
    assertEquals(Code.UNKNOWN, failure.getStatus().getCode());
    String text = String.valueOf(failure.getStatus().getDescription());
    assertTrue(
        text.endsWith("exec: \"no-such-program\": executable file not found in $PATH"), text);
    assertEquals(Status.CREATED, status("e1"));
    assertEquals(Code.ALREADY_EXISTS, codeOf(() -> task.exec(exec("e1", "true").build())));
    delete("e1");
    task.exec(exec("e1", "true").build());
    start("e1");
    assertEquals(0, await("e1"));
    delete("e1");
    endInit();
  }

  @Test
  void mayRunBeforeTheInitIsStarted() throws Exception {
    task.exec(exec("early", "true").build());
    assertTrue(start("early") > 0);
    assertEquals(0, await("early"));
    startInit();
    delete("early");
    endInit();
  }

  @Test
  void refusesBadRequests() throws Exception {
    startInit();
    assertEquals(Code.INVALID_ARGUMENT, codeOf(() -> task.exec(exec("", "true").build())));
    assertEquals(Code.INVALID_ARGUMENT, codeOf(() -> task.exec(exec("a/b", "true").build())));
    assertEquals(
        Code.INVALID_ARGUMENT, codeOf(() -> task.exec(exec("x", "true").clearSpec().build())));
    assertEquals(Code.NOT_FOUND, codeOf(() -> start("nobody")));
    task.exec(exec("later", "true").build());
    assertEquals(
        Code.FAILED_PRECONDITION,
        codeOf(() ->
            task.kill(
                KillRequest.newBuilder().setId(key.id()).setExecId("later").setSignal(9).build())));
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    StatusException late = assertThrows(StatusException.class, () -> start("later"));
    assertEquals(Code.FAILED_PRECONDITION, late.getStatus().getCode());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void firstProcessesOfExecsAreNamedAmongThePids() throws Exception {
    startInit();
    task.exec(exec("e1", "sleep", "100").build());
    int pid = start("e1");

    List<String> members = new ArrayList<>();
    for (var process :
        task.pids(PidsRequest.newBuilder().setId(key.id()).build()).getProcessesList()) {
      members.add(
          process.hasInfo()
              ? process.getPid()
                  + " "
                  + ProcessDetails.parseFrom(process.getInfo().getValue()).getExecId()
              : "other");
    }
    assertEquals(
        List.of("other", pid + " e1"), members.stream().sorted(Comparator.reverseOrder()).toList());
    endInit();
  }

  @Test
  void stdinEndsByCloseIoEvenBeforeStart() throws Exception {
    startInit();
    Path in = shims.folder().resolve("in");
    Fifos.make(in, 0700);
    task.exec(exec("e1", "cat").setStdin(in.toString()).build());
    CloseIORequest close =
        CloseIORequest.newBuilder().setId(key.id()).setExecId("e1").setStdin(true).build();
    task.closeIO(close);
    start("e1");
    assertEquals(0, await("e1"));
    delete("e1");

    task.exec(exec("e2", "cat").setStdin(in.toString()).build());
    start("e2");
    Files.writeString(in, "through a pipe\n");
    task.closeIO(close.toBuilder().setExecId("e2").build());
    assertEquals(0, await("e2"));
    assertEquals("through a pipe\n", Files.readString(output("e2")));
    delete("e2");
    endInit();
  }

  @Test
  void aTerminalHasASizeAndIsOfTheUser() throws Exception {
    startInit();
    Path out = shims.folder().resolve("tty");
    ExecProcessRequest.Builder request =
        exec("tty", "sh", "-c", "tty 2>/dev/null; stty size; test -t 0 && echo terminal")
            .setTerminal(true)
            .setStdout("file://" + out)
            .clearStderr();
    ObjectNode process =
        (ObjectNode) Json.tree(request.getSpec().getValue().toByteArray(), "process");
    process.putObject("consoleSize").put("height", 33).put("width", 77);
    request.setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))));
    task.exec(request.build());
    start("tty");
    assertEquals(0, await("tty"));
    delete("tty");
    assertEquals("/dev/pts/0\r\n33 77\r\nterminal\r\n", Files.readString(out));
    endInit();
  }

  @Test
  void aProcessThatIsTooLongForAMessageComesByFile() throws Exception {
    startInit();
    ObjectNode process = (ObjectNode) shims.spec("sh", "-c", "env | grep -c ^LONG").get("process");
    for (int i = 0; i < 15; i++) {
      process.withArray("env").add("LONG" + i + "=" + "x".repeat(100_000));
    }
    Path folder = Files.createDirectories(shims.taskFolder(key).resolve("exec"));
    Path file = folder.resolve("big.spec");
    Files.write(file, Json.bytes(process));
    ExecProcessRequest request =
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId("big")
            .setStdout("file://" + shims.output(key))
            .setSpec(Anys.of(Anys.PROCESS_FILE, ByteString.EMPTY))
            .build();
    task.exec(request);
    assertTrue(!Files.exists(file));
    task.start(StartRequest.newBuilder().setId(key.id()).setExecId("big").build());
    task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId("big").build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).setExecId("big").build());
    assertEquals("15\n", shims.said(key));

    StatusException failure = assertThrows(StatusException.class, () -> task.exec(request));
    assertEquals(Code.INVALID_ARGUMENT, failure.getStatus().getCode());
    endInit();
  }

  /** Whoever has a container's supervisor killed has ended the container. */
  @Test
  void supervisorThatIsKilledUnderAnExec_isAContainerThatDoesNotRun() throws Exception {
    startInit();
    task.exec(exec("e", "true").build());
    int supervisor = shims.table().task(key).supervisorPid();
    Processes.kill(supervisor, Signal.SIGSTOP.number());
    CompletableFuture<Code> refused = new CompletableFuture<>();
    Thread caller =
        Thread.ofPlatform()
            .start(() -> {
              StatusException e = assertThrows(StatusException.class, () -> start("e"));
              refused.complete(e.getStatus().getCode());
            });
    // It waits for an answer, unless the death of the supervisor has come first.
    Eventually.holds("asked", () -> caller.getState() == Thread.State.WAITING);
    Processes.kill(supervisor, Signal.SIGKILL.number());
    assertEquals(Code.FAILED_PRECONDITION, refused.get(20, TimeUnit.SECONDS));
    task.wait(WaitRequest.newBuilder().setId(key.id()).build());
    task.delete(DeleteRequest.newBuilder().setId(key.id()).build());
    assertEquals(List.of(), shims.leftovers());
  }
}
