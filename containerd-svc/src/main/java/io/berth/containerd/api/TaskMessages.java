package io.berth.containerd.api;

import com.google.protobuf.Any;
import io.berth.api.containerd.runc.v1.ProcessDetails;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteResponse;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.services.tasks.v1.ListPidsResponse;
import io.berth.api.containerd.services.tasks.v1.WaitResponse;
import io.berth.api.containerd.types.Metric;
import io.berth.api.containerd.types.Mount;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.error.BerthException;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.shimprocess.CgroupProcess;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.task.Exit;
import io.berth.containerd.task.Tasks;
import java.time.Instant;
import java.util.List;

/** The messages of {@code containerd.services.tasks.v1} as this service's own words, and back. */
final class TaskMessages {
  private static final int LONGEST_ID_SHOWN = 100;

  private TaskMessages() {}

  /** The task of the calling client's namespace; an id that breaks the rule names nothing. */
  static TaskKey key(String id) {
    String namespace = CallContext.namespace();
    try {
      return new TaskKey(namespace, id);
    } catch (BerthException.InvalidArgument e) {
      String shown = id.length() > LONGEST_ID_SHOWN ? id.substring(0, LONGEST_ID_SHOWN) : id;
      throw new BerthException.NotFound("container \"" + shown + "\"", e);
    }
  }

  static Tasks.Creation creation(CreateTaskRequest request) {
    TaskKey key = key(request.getContainerId());
    if (request.hasCheckpoint()) {
      throw new BerthException.NotImplemented(
          "create task " + key.id() + " from a checkpoint: restoring is not built");
    }
    Stdio stdio =
        new Stdio(
            request.getStdin(), request.getStdout(), request.getStderr(), request.getTerminal());
    return new Tasks.Creation(
        key,
        request.getRootfsList().stream().map(TaskMessages::mount).toList(),
        stdio,
        request.getOptions(),
        request.getRuntimePath(),
        /* attach= */ null);
  }

  private static RootfsMount mount(Mount mount) {
    return new RootfsMount(
        mount.getType(), mount.getSource(), mount.getTarget(), mount.getOptionsList());
  }

  static Stdio stdio(ExecProcessRequest request) {
    return new Stdio(
        request.getStdin(), request.getStdout(), request.getStderr(), request.getTerminal());
  }

  static Process process(TaskKey key, String execId, ProcessReport report) {
    Process.Builder process =
        Process.newBuilder()
            .setId(execId.isEmpty() ? key.id() : execId)
            .setPid(report.pid())
            .setStatus(status(report.phase()))
            .setStdin(report.stdio().stdin())
            .setStdout(report.stdio().stdout())
            .setStderr(report.stdio().stderr())
            .setTerminal(report.stdio().terminal())
            .setExitStatus(report.exitStatus());
    Instant exitedAt = report.exitedAt();
    if (exitedAt != null) {
      process.setExitedAt(Timestamps.of(exitedAt));
    }
    return process.build();
  }

  private static Status status(ProcessReport.Phase phase) {
    return switch (phase) {
      case UNKNOWN -> Status.UNKNOWN;
      case CREATED -> Status.CREATED;
      case RUNNING -> Status.RUNNING;
      case STOPPED -> Status.STOPPED;
      case PAUSED -> Status.PAUSED;
      case PAUSING -> Status.PAUSING;
    };
  }

  static DeleteResponse deleted(String execId, Exit exit) {
    return DeleteResponse.newBuilder()
        .setId(execId)
        .setPid(exit.pid())
        .setExitStatus(exit.status())
        .setExitedAt(Timestamps.of(exit.at()))
        .build();
  }

  static WaitResponse ended(Exit exit) {
    return WaitResponse.newBuilder()
        .setExitStatus(exit.status())
        .setExitedAt(Timestamps.of(exit.at()))
        .build();
  }

  static ListPidsResponse pids(List<CgroupProcess> processes) {
    ListPidsResponse.Builder answer = ListPidsResponse.newBuilder();
    for (CgroupProcess process : processes) {
      ProcessInfo.Builder info = ProcessInfo.newBuilder().setPid(process.pid());
      if (!process.execId().isEmpty()) {
        info.setInfo(Anys.pack(ProcessDetails.newBuilder().setExecId(process.execId()).build()));
      }
      answer.addProcesses(info);
    }
    return answer.build();
  }

  static Metric metric(TaskKey key, Instant now, Any stats) {
    return Metric.newBuilder()
        .setTimestamp(Timestamps.of(now))
        .setId(key.id())
        .setData(stats)
        .build();
  }
}
