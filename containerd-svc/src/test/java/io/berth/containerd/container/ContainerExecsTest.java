package io.berth.containerd.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecInspectRequest;
import io.berth.api.berth.container.v1.ExecInspectResponse;
import io.berth.api.berth.container.v1.ExecStartRequest;
import io.berth.api.berth.container.v1.ExecWaitRequest;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootFolders;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import io.grpc.Status.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Further processes in containers, and what containers have written. */
final class ContainerExecsTest extends ContainerCalls {
  @Test
  void exec_runsAndIsWaitedFor() {
    create("web", "sleep");
    ExecCreateRequest exec =
        ExecCreateRequest.newBuilder().setRef("web").addCmd("true").setAttachStdout(true).build();
    refused(Code.FAILED_PRECONDITION, () -> stub().execCreate(exec));
    begin("web");
    String execId = stub().execCreate(exec).getExecId();
    assertEquals(
        32,
        stub()
            .execStart(ExecStartRequest.newBuilder().setRef("web").setExecId(execId).build())
            .getAttach()
            .getToken()
            .size());
    assertEquals(
        0,
        stub()
            .execWait(ExecWaitRequest.newBuilder().setRef("web").setExecId(execId).build())
            .getStatus());
  }

  // It may have ended its whole container before anybody could attach.
  @Test
  void exec_thatEndsItsContainerAtOnce_isStillAnsweredWithItsCode() {
    TaskKey key = Instance.key(create("web", "sleep"));
    begin("web");
    ExecCreateRequest exec =
        ExecCreateRequest.newBuilder().setRef("web").addCmd("sleep").setAttachStdout(true).build();
    String execId = stub().execCreate(exec).getExecId();
    instance.hosts.beforeStartAnswer =
        () -> {
          instance.hosts.exit(key, execId, 5);
          instance.hosts.exit(key, "", 143);
          try {
            Eventually.holds("without a task", () -> !instance.hosts.hasSupervisor(key));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    assertFalse(
        stub()
            .execStart(ExecStartRequest.newBuilder().setRef("web").setExecId(execId).build())
            .hasAttach());
    assertEquals(
        5,
        stub()
            .execWait(ExecWaitRequest.newBuilder().setRef("web").setExecId(execId).build())
            .getStatus());
    ExecInspectResponse ended =
        stub().execInspect(ExecInspectRequest.newBuilder().setExecId(execId).build());
    assertEquals(5, ended.getExitCode());
    assertEquals(List.of("sleep"), ended.getCmdList());
  }

  @Test
  void logs_ofAFinishedContainer_areRead() throws IOException {
    String id = create("web", "true");
    begin("web");
    await("web", "");
    Files.writeString(
        new RootFolders(instance.config.root()).container(Instance.key(id)).resolve("log"),
        "2026-01-01T00:00:00.000000001Z stdout F one\n"
            + "2026-01-01T00:00:01.000000001Z stderr F two\n");
    List<String> lines = new ArrayList<>();
    stub()
        .logs(
            LogsRequest.newBuilder()
                .setRef("web")
                .setStdout(true)
                .setStderr(true)
                .setFollow(true)
                .build())
        .forEachRemaining(record -> lines.add(record.getLine().toStringUtf8()));
    assertEquals(List.of("one", "two"), lines);
  }
}
