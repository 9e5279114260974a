package io.berth.containerd.client;

import com.google.protobuf.Any;
import io.berth.api.containerd.runc.v1.ProcessDetails;
import io.berth.api.containerd.task.v3.CloseIORequest;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.DeleteResponse;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.ResizePtyRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.UpdateTaskRequest;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.shimprocess.CgroupProcess;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.shimprocess.ShimCalls;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** {@code containerd.task.v3.Task} of one shim. */
final class ShimClient implements ShimCalls {
  private final String id;
  private final TaskGrpc.TaskBlockingStub stub;

  /**
   * @param stub its calls carry the name of the task, the number of the request and a deadline
   */
  ShimClient(TaskKey key, TaskGrpc.TaskBlockingStub stub) {
    this.id = key.id();
    this.stub = stub;
  }

  private <A> A call(Function<TaskGrpc.TaskBlockingStub, A> call) {
    return ShimProcessClient.answer(() -> call.apply(stub));
  }

  @Override
  public ProcessReport state(String execId) {
    StateRequest request = StateRequest.newBuilder().setId(id).setExecId(execId).build();
    StateResponse state = call(shim -> shim.state(request));
    return new ProcessReport(
        state.getPid(),
        phase(state.getStatus()),
        new Stdio(state.getStdin(), state.getStdout(), state.getStderr(), state.getTerminal()),
        state.getExitStatus(),
        state.hasExitedAt() ? Timestamps.instant(state.getExitedAt()) : null);
  }

  private static ProcessReport.Phase phase(Status status) {
    return switch (status) {
      case CREATED -> ProcessReport.Phase.CREATED;
      case RUNNING -> ProcessReport.Phase.RUNNING;
      case STOPPED -> ProcessReport.Phase.STOPPED;
      case PAUSED -> ProcessReport.Phase.PAUSED;
      case PAUSING -> ProcessReport.Phase.PAUSING;
      case UNKNOWN, UNRECOGNIZED -> ProcessReport.Phase.UNKNOWN;
    };
  }

  @Override
  public int start(String execId) {
    StartRequest request = StartRequest.newBuilder().setId(id).setExecId(execId).build();
    return call(shim -> shim.start(request)).getPid();
  }

  @Override
  public Deleted delete(String execId) {
    DeleteRequest request = DeleteRequest.newBuilder().setId(id).setExecId(execId).build();
    DeleteResponse answer = call(shim -> shim.delete(request));
    return new Deleted(
        answer.getPid(),
        answer.getExitStatus(),
        answer.hasExitedAt() ? Timestamps.instant(answer.getExitedAt()) : null);
  }

  @Override
  public void exec(String execId, Stdio stdio, Any process) {
    ExecProcessRequest request =
        ExecProcessRequest.newBuilder()
            .setId(id)
            .setExecId(execId)
            .setStdin(stdio.stdin())
            .setStdout(stdio.stdout())
            .setStderr(stdio.stderr())
            .setTerminal(stdio.terminal())
            .setSpec(process)
            .build();
    var _ = call(shim -> shim.exec(request));
  }

  @Override
  public void kill(String execId, int signal, boolean all) {
    KillRequest request =
        KillRequest.newBuilder().setId(id).setExecId(execId).setSignal(signal).setAll(all).build();
    var _ = call(shim -> shim.kill(request));
  }

  @Override
  public void resize(String execId, int columns, int rows) {
    ResizePtyRequest request =
        ResizePtyRequest.newBuilder()
            .setId(id)
            .setExecId(execId)
            .setWidth(columns)
            .setHeight(rows)
            .build();
    var _ = call(shim -> shim.resizePty(request));
  }

  @Override
  public void closeIo(String execId, boolean stdin) {
    CloseIORequest request =
        CloseIORequest.newBuilder().setId(id).setExecId(execId).setStdin(stdin).build();
    var _ = call(shim -> shim.closeIO(request));
  }

  @Override
  public void pause() {
    PauseRequest request = PauseRequest.newBuilder().setId(id).build();
    var _ = call(shim -> shim.pause(request));
  }

  @Override
  public void resume() {
    ResumeRequest request = ResumeRequest.newBuilder().setId(id).build();
    var _ = call(shim -> shim.resume(request));
  }

  @Override
  public List<CgroupProcess> pids() {
    PidsRequest request = PidsRequest.newBuilder().setId(id).build();
    return call(shim -> shim.pids(request)).getProcessesList().stream()
        .map(info -> new CgroupProcess(info.getPid(), execId(info)))
        .toList();
  }

  private static String execId(ProcessInfo info) {
    return info.hasInfo()
        ? Anys.unpack(info.getInfo(), "containerd.runc.v1.ProcessDetails", ProcessDetails.parser())
            .getExecId()
        : "";
  }

  @Override
  public void update(Any resources, Map<String, String> annotations) {
    UpdateTaskRequest request =
        UpdateTaskRequest.newBuilder()
            .setId(id)
            .setResources(resources)
            .putAllAnnotations(annotations)
            .build();
    var _ = call(shim -> shim.update(request));
  }

  @Override
  public Any stats() {
    StatsRequest request = StatsRequest.newBuilder().setId(id).build();
    return call(shim -> shim.stats(request)).getStats();
  }
}
