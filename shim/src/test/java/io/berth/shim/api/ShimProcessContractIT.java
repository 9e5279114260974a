package io.berth.shim.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.AcknowledgeRequest;
import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.LetGoRequest;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.DeleteResponse;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.base.id.TaskKey;
import io.berth.base.json.Json;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.UnixChannel;
import io.berth.testing.ShimProcessContract;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The real service: supervisors, cgroups and programs of a busybox. */
@Tag("root")
final class ShimProcessContractIT extends ShimProcessContract {
  // The first process of a pid namespace gets no signal that it has no handler for
  // (pid_namespaces(7)).
  private static final String LASTING =
      "trap 'exit 143' TERM; echo ready; while :; do sleep 0.1; done";

  private final Set<String> lasting = new HashSet<>();

  @RegisterExtension final TestShimProcess shims = new TestShimProcess();

  @AfterEach
  void nothingIsLeft() throws Exception {
    assertEquals(List.of(), shims.leftovers());
  }

  private static String[] line(Program program) {
    return switch (program) {
      case LASTING -> new String[] {"sh", "-c", LASTING};
      case ENDING -> new String[] {"true"};
      case MISSING -> new String[] {"missing"};
    };
  }

  private HostGrpc.HostBlockingStub host() {
    return HostGrpc.newBlockingStub(shims.channel());
  }

  private TaskGrpc.TaskBlockingStub task(String id) {
    Metadata header = new Metadata();
    header.put(CallContext.TASK_HEADER, new TaskKey(NAMESPACE, id).toString());
    return TaskGrpc.newBlockingStub(shims.channel())
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(header));
  }

  @Override
  protected int place(String namespace, String id, Program program) throws Exception {
    TaskKey key = new TaskKey(namespace, id);
    if (program == Program.LASTING) {
      lasting.add(id);
    }
    Path folder = shims.prepare(key, shims.spec(line(program)));
    return host()
        .place(
            PlaceRequest.newBuilder()
                .setNamespace(namespace)
                .setId(id)
                .setFolder(folder.toString())
                .setCreate(shims.request(key))
                .build())
        .getPid();
  }

  @Override
  protected void adopt(String id) {
    var _ =
        host()
            .adopt(
                AdoptRequest.newBuilder()
                    .setNamespace(NAMESPACE)
                    .setId(id)
                    .setFolder(shims.taskFolder(new TaskKey(NAMESPACE, id)).toString())
                    .build());
  }

  @Override
  protected void letGo(String id) {
    var _ = host().letGo(LetGoRequest.newBuilder().setNamespace(NAMESPACE).setId(id).build());
  }

  @Override
  protected void drain() {
    var _ = host().drain(Empty.getDefaultInstance());
  }

  @Override
  protected void acknowledge(String id, String execId) {
    var _ =
        host()
            .acknowledge(
                AcknowledgeRequest.newBuilder()
                    .setNamespace(NAMESPACE)
                    .setId(id)
                    .setExecId(execId)
                    .build());
  }

  @Override
  protected List<String> ids() {
    return host().status(Empty.getDefaultInstance()).getIdsList();
  }

  @Override
  protected List<String> exits() {
    List<String> exits = new ArrayList<>();
    Iterator<Occurrence> told = host().watch(Empty.getDefaultInstance());
    while (true) {
      Occurrence next = told.next();
      if (next.hasCaughtUp()) {
        return exits;
      }
      exits.add(next.getId() + "/" + next.getExecId() + " " + next.getExit().getStatus());
    }
  }

  @Override
  protected State state(String id, String execId) {
    StateResponse state =
        task(id).state(StateRequest.newBuilder().setId(id).setExecId(execId).build());
    return new State(state.getPid(), state.getStatus().name(), state.getExitStatus());
  }

  @Override
  protected int start(String id, String execId, String number) throws Exception {
    int pid =
        UnixChannel.numbered(task(id), number)
            .start(StartRequest.newBuilder().setId(id).setExecId(execId).build())
            .getPid();
    if (execId.isEmpty() && lasting.contains(id)) {
      shims.awaitSaid(new TaskKey(NAMESPACE, id), "ready");
    }
    return pid;
  }

  @Override
  protected void kill(String id, String execId, int signal) {
    var _ =
        task(id)
            .kill(KillRequest.newBuilder().setId(id).setExecId(execId).setSignal(signal).build());
  }

  @Override
  protected void exec(String id, String execId, Program program) {
    ObjectNode process = (ObjectNode) shims.spec(line(program)).get("process");
    var _ =
        task(id)
            .exec(
                ExecProcessRequest.newBuilder()
                    .setId(id)
                    .setExecId(execId)
                    .setSpec(Anys.of(Anys.PROCESS, ByteString.copyFrom(Json.bytes(process))))
                    .build());
  }

  @Override
  protected Deleted delete(String id, String execId) {
    DeleteResponse answer =
        task(id).delete(DeleteRequest.newBuilder().setId(id).setExecId(execId).build());
    return new Deleted(answer.getPid(), answer.getExitStatus());
  }

  @Override
  protected void pause(String id) {
    var _ = task(id).pause(PauseRequest.newBuilder().setId(id).build());
  }

  @Override
  protected void resume(String id) {
    var _ = task(id).resume(ResumeRequest.newBuilder().setId(id).build());
  }

  @Override
  protected List<Integer> pids(String id) {
    return task(id).pids(PidsRequest.newBuilder().setId(id).build()).getProcessesList().stream()
        .map(ProcessInfo::getPid)
        .toList();
  }
}
