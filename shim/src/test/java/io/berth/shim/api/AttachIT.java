package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.DeleteResponse;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.linux.Fd;
import io.berth.linux.Poller;
import io.berth.linux.supervisor.Admission;
import io.berth.linux.supervisor.ExitRecord;
import io.berth.linux.supervisor.SupervisorClient;
import io.berth.linux.supervisor.SupervisorConnection;
import io.berth.linux.supervisor.SupervisorListener;
import io.grpc.Status;
import io.grpc.StatusException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Clients that come for what an exec wrote. */
@Tag("root")
final class AttachIT {
  private static final int CROWD = 120;

  @RegisterExtension final TestShimProcess shims = new TestShimProcess();
  private TaskKey key;
  private TaskGrpc.TaskBlockingV2Stub task;
  private Poller poller;

  @BeforeEach
  void startContainer() throws Exception {
    poller = Poller.start("clients");
    key = shims.key();
    shims.create(key, shims.spec("sleep", "1000"));
    task = shims.task(key);
    task.start(StartRequest.newBuilder().setId(key.id()).build());
  }

  @AfterEach
  void endPoller() {
    poller.close();
  }

  private void start(String id, String script) throws Exception {
    ObjectNode process = (ObjectNode) shims.spec("sh", "-c", script).get("process");
    task.exec(
        ExecProcessRequest.newBuilder()
            .setId(key.id())
            .setExecId(id)
            .setStdout("berth-attach:///")
            .setStderr("berth-attach:///")
            .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
            .build());
    task.start(StartRequest.newBuilder().setId(key.id()).setExecId(id).build());
  }

  private void allow(String id, int token) throws Exception {
    shims
        .service()
        .allowAttach(
            AllowAttachRequest.newBuilder()
                .setNamespace(key.namespace())
                .setId(key.id())
                .setExecId(id)
                .setToken(ByteString.copyFrom(token(token)))
                .setTtlMs(60_000)
                .build());
  }

  private static byte[] token(int number) {
    return ByteBuffer.allocate(32).putInt(number).array();
  }

  /** Exit code and output, as a client gets them. */
  private String attach(String id, int token) throws Exception {
    return attach(key, id, token);
  }

  private String attach(TaskKey key, String id, int token) throws Exception {
    CompletableFuture<ExitRecord> end = new CompletableFuture<>();
    SupervisorListener ear =
        new SupervisorListener() {
          @Override
          public void exited(ExitRecord exit) {
            end.complete(exit);
          }
        };
    Admission admission =
        new Admission(
            new SupervisorClient(poller), shims.taskFolder(key).resolve("sup.sock"), Thread::sleep);
    try (SupervisorConnection client = admission.enter(token(token), ear, Duration.ofSeconds(50));
        Fd.Pipe out = Fd.pipe(0)) {
      client
          .attach(
              id,
              Map.of(SupervisorConnection.Stream.STDOUT, out.writeEnd()),
              Set.of(SupervisorConnection.Bond.BACK_PRESSURE),
              new byte[0])
          .get(20, TimeUnit.SECONDS);
      out.writeEnd().close();
      String text = new String(out.readEnd().readAll(1000), StandardCharsets.UTF_8);
      return end.get(20, TimeUnit.SECONDS).shellCode() + " " + text;
    }
  }

  private DeleteResponse delete(String id) throws Exception {
    return task.delete(DeleteRequest.newBuilder().setId(key.id()).setExecId(id).build());
  }

  private int await(String id) throws Exception {
    return task.wait(WaitRequest.newBuilder().setId(key.id()).setExecId(id).build())
        .getExitStatus();
  }

  private void endContainer() throws Exception {
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    await("");
    delete("");
    assertEquals(List.of(), shims.leftovers());
  }

  /** There are more of them than a supervisor launches, or lets in, at a time. */
  @Test // case L20
  void aCrowdOfExecs_allGiveTheirOutput() throws Exception {
    try (ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> results = new ArrayList<>();
      for (int i = 0; i < CROWD; i++) {
        int number = i;
        results.add(
            crowd.submit(() -> {
              String id = "e" + number;
              start(id, "echo o" + number + "; exit " + number);
              allow(id, number + 1);
              return attach(id, number + 1);
            }));
      }
      for (int i = 0; i < CROWD; i++) {
        assertEquals(i + " o" + i + "\n", results.get(i).get(60, TimeUnit.SECONDS));
      }
      for (int i = 0; i < CROWD; i++) {
        assertEquals(i, delete("e" + i).getExitStatus());
      }
    }
    endContainer();
  }

  /** The promise stands when the exec is deleted before its client has come. */
  @Test // case L20
  void deletionOfAnExec_waitsForTheClientThatWasPromisedItsOutput() throws Exception {
    start("e", "echo kept; exit 3");
    allow("e", 1);
    assertEquals(3, await("e"));
    try (ExecutorService deleter = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<DeleteResponse> deletion = deleter.submit(() -> delete("e"));
      assertThrows(TimeoutException.class, () -> deletion.get(300, TimeUnit.MILLISECONDS));
      assertEquals("3 kept\n", attach("e", 1));
      assertEquals(3, deletion.get(20, TimeUnit.SECONDS).getExitStatus());
    }
    endContainer();
  }

  /** An exec that ends its whole container, and with it the supervisor, is heard before. */
  @Test // case L20
  void deletionOfATask_waitsForTheClientsOfItsExecs() throws Exception {
    start("e", "echo last; touch /tmp/said; exec sleep 1000");
    allow("e", 1);
    while (!Files.exists(shims.rootfs().resolve("tmp/said"))) {
      Thread.onSpinWait();
    }
    task.kill(KillRequest.newBuilder().setId(key.id()).setSignal(9).build());
    await("");
    try (ExecutorService deleter = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<DeleteResponse> deletion = deleter.submit(() -> delete(""));
      assertThrows(TimeoutException.class, () -> deletion.get(300, TimeUnit.MILLISECONDS));
      assertEquals("137 last\n", attach("e", 1));
      assertEquals(137, deletion.get(20, TimeUnit.SECONDS).getExitStatus());
    }
    assertEquals(List.of(), shims.leftovers());
  }

  /** One call makes a container and lets its client in, before the program has run. */
  @Test
  void aContainerThatIsMadeForAClient_givesItAllOfItsOutput() throws Exception {
    TaskKey own = new TaskKey(key.namespace(), "made-for-a-client");
    ObjectNode spec = shims.spec("sh", "-c", "echo first; exit 4");
    CreateTaskRequest request =
        CreateTaskRequest.newBuilder()
            .setId(own.id())
            .setStdout("berth-attach:///")
            .setStderr("berth-attach:///")
            .build();
    shims.create(
        own,
        spec,
        request,
        AllowAttachRequest.newBuilder()
            .setToken(ByteString.copyFrom(token(7)))
            .setTtlMs(60_000)
            .build());
    try (ExecutorService client = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<String> output = client.submit(() -> attach(own, "", 7));
      TaskGrpc.TaskBlockingV2Stub stub = shims.task(own);
      stub.start(StartRequest.newBuilder().setId(own.id()).build());
      assertEquals("4 first\n", output.get(30, TimeUnit.SECONDS));
      stub.wait(WaitRequest.newBuilder().setId(own.id()).build());
      stub.delete(DeleteRequest.newBuilder().setId(own.id()).build());
    }
    endContainer();
  }

  /** A token that no supervisor takes makes no container. */
  @Test
  void aTokenOfAnotherLength_isRefused() throws Exception {
    TaskKey own = new TaskKey(key.namespace(), "made-for-nobody");
    StatusException refused =
        assertThrows(
            StatusException.class,
            () ->
                shims.create(
                    own,
                    shims.spec("true"),
                    shims.request(own).build(),
                    AllowAttachRequest.newBuilder()
                        .setToken(ByteString.copyFromUtf8("short"))
                        .build()));
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
    endContainer();
  }
}
