package io.berth.containerd.task;

import com.google.protobuf.Any;
import io.berth.api.containerd.services.tasks.v1.CloseIORequest;
import io.berth.api.containerd.services.tasks.v1.DeleteResponse;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ResizePtyRequest;
import io.berth.api.containerd.services.tasks.v1.UpdateTaskRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.api.containerd.v1.types.Process;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskIntent;
import io.berth.base.rpc.Timestamps;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The front's messages as the shim's, and back. */
final class TaskMessages {
  private TaskMessages() {}

  static Process process(TaskKey key, String execId, StateResponse state) {
    Process.Builder process =
        Process.newBuilder()
            .setId(execId.isEmpty() ? key.id() : execId)
            .setPid(state.getPid())
            .setStatus(state.getStatus())
            .setStdin(state.getStdin())
            .setStdout(state.getStdout())
            .setStderr(state.getStderr())
            .setTerminal(state.getTerminal())
            .setExitStatus(state.getExitStatus());
    if (state.hasExitedAt()) {
      process.setExitedAt(state.getExitedAt());
    }
    return process.build();
  }

  static DeleteResponse deleted(String execId, Exit exit) {
    return DeleteResponse.newBuilder()
        .setId(execId)
        .setPid(exit.pid())
        .setExitStatus(exit.status())
        .setExitedAt(Timestamps.of(exit.at()))
        .build();
  }

  static io.berth.api.containerd.task.v3.KillRequest kill(TaskKey key, KillRequest request) {
    return io.berth.api.containerd.task.v3.KillRequest.newBuilder()
        .setId(key.id())
        .setExecId(request.getExecId())
        .setSignal(request.getSignal())
        .setAll(request.getAll())
        .build();
  }

  static io.berth.api.containerd.task.v3.ResizePtyRequest resize(
      TaskKey key, ResizePtyRequest request) {
    return io.berth.api.containerd.task.v3.ResizePtyRequest.newBuilder()
        .setId(key.id())
        .setExecId(request.getExecId())
        .setWidth(request.getWidth())
        .setHeight(request.getHeight())
        .build();
  }

  static io.berth.api.containerd.task.v3.CloseIORequest closeIo(
      TaskKey key, CloseIORequest request) {
    return io.berth.api.containerd.task.v3.CloseIORequest.newBuilder()
        .setId(key.id())
        .setExecId(request.getExecId())
        .setStdin(request.getStdin())
        .build();
  }

  static io.berth.api.containerd.task.v3.UpdateTaskRequest update(
      TaskKey key, UpdateTaskRequest request) {
    return io.berth.api.containerd.task.v3.UpdateTaskRequest.newBuilder()
        .setId(key.id())
        .setResources(request.getResources())
        .putAllAnnotations(request.getAnnotationsMap())
        .build();
  }

  static PidsRequest pids(TaskKey key) {
    return PidsRequest.newBuilder().setId(key.id()).build();
  }

  /** The state of a process that ended under this life of the service; null of any other. */
  static @Nullable StateResponse ended(Task task, TaskProcess process) {
    task.lock.lock();
    try {
      Stdio stdio = process.stdio;
      Exit exit = process.exit;
      if (stdio == null || exit == null) {
        return null;
      }
      return StateResponse.newBuilder()
          .setId(task.key().id())
          .setExecId(process.execId())
          .setBundle(task.folder().bundle().toString())
          .setStdin(stdio.stdin())
          .setStdout(stdio.stdout())
          .setStderr(stdio.stderr())
          .setTerminal(stdio.terminal())
          .setPid(exit.pid())
          .setStatus(Status.STOPPED)
          .setExitStatus(exit.status())
          .setExitedAt(Timestamps.of(exit.at()))
          .build();
    } finally {
      task.lock.unlock();
    }
  }

  /** What is written down before the task is made. */
  static TaskIntent intent(
      Task task, List<Mount> rootfs, Stdio stdio, Any options, String cgroupsPath) {
    return TaskIntent.of(
        task.key(),
        task.folder().bundle(),
        cgroupsPath,
        stdio,
        task.isEphemeral(),
        rootfs.stream()
            .map(mount ->
                new RootfsMount(
                    mount.getType(), mount.getSource(), mount.getTarget(), mount.getOptionsList()))
            .toList(),
        options.getTypeUrl().isEmpty()
            ? null
            : new TaskIntent.Options(
                options.getTypeUrl(),
                Base64.getEncoder().encodeToString(options.getValue().toByteArray())));
  }
}
