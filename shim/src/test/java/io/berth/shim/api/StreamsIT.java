package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.ResizePtyRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import io.berth.linux.Fifos;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Where output goes. */
@Tag("root")
final class StreamsIT {
  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  private void start(TaskKey key) throws Exception {
    shims.task(key).start(StartRequest.newBuilder().setId(key.id()).build());
  }

  private int await(TaskGrpc.TaskBlockingV2Stub task, TaskKey key) throws Exception {
    return task.wait(WaitRequest.newBuilder().setId(key.id()).build()).getExitStatus();
  }

  private void delete(TaskKey key) throws Exception {
    shims.task(key).delete(DeleteRequest.newBuilder().setId(key.id()).build());
    // A log program reads to the end and ends by itself.
    Eventually.answers("left nothing", shims::leftovers, List::isEmpty);
  }

  private static CreateTaskRequest.Builder request(TaskKey key) {
    return CreateTaskRequest.newBuilder().setId(key.id());
  }

  @Test
  void aClientReadsTheEndOfBothPipesBeforeItDeletes() throws Exception {
    TaskKey key = shims.key();
    Path out = shims.folder().resolve("out");
    Path err = shims.folder().resolve("err");
    Fifos.make(out, 0700);
    Fifos.make(err, 0700);
    // A client opens its ends while Create is under way, and that blocks.
    CompletableFuture<String> outRead = read(out);
    CompletableFuture<String> errRead = read(err);
    shims.create(
        key,
        shims.spec("sh", "-c", "echo to out; echo to err >&2; exit 2"),
        request(key).setStdout(out.toString()).setStderr(err.toString()).build());
    start(key);

    assertEquals("to out\n", outRead.get(10, TimeUnit.SECONDS));
    assertEquals("to err\n", errRead.get(10, TimeUnit.SECONDS));
    assertEquals(2, await(shims.task(key), key));
    delete(key);
  }

  private static CompletableFuture<String> read(Path fifo) {
    CompletableFuture<String> read = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try (InputStream in = Files.newInputStream(fifo)) {
            read.complete(new String(in.readAllBytes(), StandardCharsets.UTF_8));
          } catch (java.io.IOException e) {
            read.completeExceptionally(e);
          }
        });
    return read;
  }

  @Test
  void aLogHasALineForEachRecord() throws Exception {
    TaskKey key = shims.key();
    Path log = shims.folder().resolve("logs/deep/log");
    String uri = "berth-log://" + log + "?max_size=1000000&max_files=2";
    shims.create(
        key,
        shims.spec("sh", "-c", "echo one; sleep 0.1; echo two >&2"),
        request(key).setStdout(uri).setStderr(uri).build());
    start(key);
    await(shims.task(key), key);
    delete(key);
    List<String> lines = Files.readAllLines(log);
    assertEquals(2, lines.size());
    assertTrue(lines.get(0).matches("\\d{4}-\\S+Z stdout F one"), lines.get(0));
    assertTrue(lines.get(1).matches("\\d{4}-\\S+Z stderr F two"), lines.get(1));
  }

  @Test
  void aLogKeepsItsEndThoughTheContainerIsDeletedAtOnce() throws Exception {
    TaskKey key = shims.key();
    Path log = shims.folder().resolve("log");
    String uri = "berth-log://" + log;
    shims.create(
        key,
        shims.spec("sh", "-c", "dd if=/dev/zero bs=1024 count=4000 2>/dev/null; echo; echo end"),
        request(key).setStdout(uri).setStderr(uri).build());
    start(key);
    await(shims.task(key), key);
    delete(key);
    List<String> lines = Files.readAllLines(log);
    assertTrue(lines.getLast().endsWith(" stdout F end"));
  }

  @Test
  void aLogProgramReadsBothOutputs() throws Exception {
    TaskKey key = shims.key();
    Path said = shims.folder().resolve("said");
    Path program = shims.folder().resolve("logger");
    Files.writeString(
        program,
        "#!/bin/sh\n"
            + "exec 5>&-\n"
            + "echo $1 $2 $CONTAINER_ID $CONTAINER_NAMESPACE > "
            + said
            + "\ncat <&3 >> "
            + said
            + "\ncat <&4 >> "
            + said
            + "\ntouch "
            + said
            + ".done\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    shims.create(
        key,
        shims.spec("sh", "-c", "echo out; echo err >&2"),
        request(key).setStdout("binary://" + program + "?key=value").build());
    start(key);
    await(shims.task(key), key);
    delete(key);
    shims.awaitFile(Path.of(said + ".done"));
    assertEquals(
        List.of("key value " + key.id() + " " + key.namespace(), "out", "err"),
        Files.readAllLines(said));
  }

  @Test
  void aLogProgramIsTheSupervisorsAndReadsOnWithoutAnyShimProcess() throws Exception {
    TaskKey key = shims.key();
    Path said = shims.folder().resolve("said");
    Path program = shims.folder().resolve("logger");
    Files.writeString(
        program,
        "#!/bin/sh\necho $PPID > "
            + said
            + "\nexec 5>&-\ncat <&3 >> "
            + said
            + "\ntouch "
            + said
            + ".done\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    shims.create(
        key,
        shims.spec("sh", "-c", "echo before; sleep 0.5; echo after"),
        request(key).setStdout("binary://" + program).build());
    int supervisor = shims.table().task(key).supervisorPid();
    start(key);
    shims.close();
    shims.awaitFile(Path.of(said + ".done"));
    shims.open();
    shims
        .service()
        .adopt(
            AdoptRequest.newBuilder()
                .setNamespace(key.namespace())
                .setId(key.id())
                .setFolder(shims.taskFolder(key).toString())
                .build());
    delete(key);
    assertEquals(
        List.of(Integer.toString(supervisor), "before", "after"), Files.readAllLines(said));
  }

  @Test
  void aLogProgramThatCannotBeStartedIsSaid() throws Exception {
    TaskKey key = shims.key();
    StatusException failure =
        assertThrows(
            StatusException.class,
            () ->
                shims.create(
                    key,
                    shims.spec("true"),
                    request(key).setStdout("binary:///no/such/logger").build()));
    assertTrue(
        String.valueOf(failure.getStatus().getDescription())
            .contains("start log program `/no/such/logger`: no such file or directory"),
        failure.getMessage());
    assertEquals(List.of(), shims.leftovers());
  }

  @Test
  void aTerminalFollowsItsWindow() throws Exception {
    TaskKey key = shims.key();
    Path out = shims.folder().resolve("tty");
    Path in = shims.folder().resolve("in");
    Fifos.make(in, 0700);
    var spec = shims.spec("sh", "-c", "read go; stty size; exit 0");
    shims.create(
        key,
        spec,
        request(key).setTerminal(true).setStdin(in.toString()).setStdout("file://" + out).build());
    start(key);
    var task = shims.task(key);
    ResizePtyRequest size =
        ResizePtyRequest.newBuilder().setId(key.id()).setHeight(0).setWidth(0).build();
    task.resizePty(size);
    task.resizePty(size.toBuilder().setHeight(50).setWidth(132).build());
    Files.writeString(in, "go\n");
    assertEquals(0, await(task, key));
    delete(key);
    assertEquals("go\r\n50 132\r\n", Files.readString(out));
  }

  @Test
  void outputThatNobodyReadsDoesNotKeepDeleteFromEnding() throws Exception {
    TaskKey key = shims.key();
    Path out = shims.folder().resolve("unread");
    Fifos.make(out, 0700);
    int pid =
        shims.create(
            key,
            shims.spec("dd", "if=/dev/zero", "bs=1M", "count=1"),
            request(key).setStdout(out.toString()).build());
    start(key);
    var task = shims.task(key);
    Path process = Path.of("/proc", Integer.toString(pid), "stat");
    Eventually.answers(
        "slept in its write to the full pipe",
        () -> Files.readString(process),
        stat -> stat.contains("(dd) S "));
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    assertEquals(137, await(task, key));
    delete(key);
  }

  @Test
  void aMissingPipeIsNotFoundAndNothingIsLeft() throws Exception {
    TaskKey key = shims.key();
    StatusException failure =
        assertThrows(
            StatusException.class,
            () ->
                shims.create(
                    key, shims.spec("true"), request(key).setStdout("/absent/fifo").build()));
    assertEquals(Code.NOT_FOUND, failure.getStatus().getCode());
    assertEquals(List.of(), shims.leftovers());
  }
}
