package io.berth.shim.api;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.berth.api.containerd.runc.v1.Options;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.api.containerd.v1.types.Status;
import io.berth.base.error.BerthException;
import io.berth.base.layout.RootfsMount;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.shim.run.ContainerProcess;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskCreation;
import io.berth.shim.stdio.StreamUris;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Translates between the messages of the Task service and this module's own values. */
final class TaskTranslation {
  private static final String OPTIONS = "containerd.runc.v1.Options";

  /** Other types that containerd knows, but not as options of this runtime. */
  private static final List<String> WRONG_OPTIONS =
      List.of("runtimeoptions.v1.Options", "containerd.runc.v1.CheckpointOptions");

  private TaskTranslation() {}

  static TaskCreation.Request creation(ShimTable.Creation wanted, RequestIds requests) {
    CreateTaskRequest request = wanted.request();
    if (!request.getCheckpoint().isEmpty() || !request.getParentCheckpoint().isEmpty()) {
      throw new BerthException.NotImplemented("create task from a checkpoint: not built");
    }
    List<RootfsMount> mounts = new ArrayList<>();
    for (Mount mount : request.getRootfsList()) {
      mounts.add(
          new RootfsMount(
              mount.getType(), mount.getSource(), mount.getTarget(), mount.getOptionsList()));
    }
    Stdio stdio =
        new Stdio(
            request.getStdin(), request.getStdout(), request.getStderr(), request.getTerminal());
    // What cannot be read is refused before anything is done.
    var _ = StreamUris.of(stdio);
    return new TaskCreation.Request(
        request.getBundle(),
        mounts,
        stdio,
        request.hasOptions() ? options(request.getOptions()) : TaskCreation.Options.NONE,
        wanted.ephemeral(),
        wanted.attach(),
        requests);
  }

  private static TaskCreation.Options options(Any any) {
    if (any.getTypeUrl().isEmpty() && any.getValue().isEmpty()) {
      return TaskCreation.Options.NONE;
    }
    if (!Anys.is(any, OPTIONS)) {
      if (WRONG_OPTIONS.stream().anyMatch(name -> Anys.is(any, name))) {
        throw new BerthException.Unknown("invalid task create option for io.containerd.runc.v2");
      }
      throw new BerthException.Unknown("type with url " + any.getTypeUrl() + ": not found");
    }
    Options options = Anys.unpack(any, OPTIONS, Options.parser());
    options.getAllFields().forEach((field, value) -> check(field.getName(), value));
    if (!options.getUnknownFields().asMap().isEmpty()) {
      throw new BerthException.NotImplemented(
          "options of the runtime: field "
              + options.getUnknownFields().asMap().keySet().iterator().next()
              + " is of a newer containerd");
    }
    return new TaskCreation.Options(
        options.getNoPivotRoot(),
        options.getNoNewKeyring(),
        options.getSystemdCgroup(),
        options.getShimCgroup());
  }

  /** The table of runc's options: each is done, has nothing to do here, or is refused. */
  private static void check(String option, Object value) {
    switch (option) {
      case "no_pivot_root", "no_new_keyring", "systemd_cgroup", "shim_cgroup" -> {
        // TaskCreation.Options has it.
      }
      case "io_uid", "io_gid" -> {
        // Pipes belong to the user of the process that has them, also in a user namespace.
      }
      case "root" -> {
        // There is no runc that could keep files there.
      }
      case "criu_path", "criu_image_path", "criu_work_path" -> {
        // It says how checkpoints are made, and every call that wants one is refused.
      }
      case "binary_name" -> {
        if (!value.equals("runc")) {
          throw new BerthException.NotImplemented(
              "runtime `" + value + "`: other runtimes than the built-in one are not built");
        }
      }
      default ->
          throw new BerthException.NotImplemented(
              "option `" + option + "` of the runtime: it is not built");
    }
  }

  static byte[] json(Any any, String field) {
    ByteString value = any.getValue();
    if (value.isEmpty()) {
      throw new BerthException.InvalidArgument(field + ": it is missing");
    }
    return value.toByteArray();
  }

  static Timestamp timestamp(Instant at) {
    return Timestamp.newBuilder().setSeconds(at.getEpochSecond()).setNanos(at.getNano()).build();
  }

  static StateResponse state(ContainerTask task, ContainerProcess process) {
    StateResponse.Builder state =
        StateResponse.newBuilder()
            .setId(task.key().id())
            .setBundle(task.bundle())
            .setPid(process.pid())
            .setStatus(status(task, process))
            .setStdin(process.stdio().stdin())
            .setStdout(process.stdio().stdout())
            .setStderr(process.stdio().stderr())
            .setTerminal(process.stdio().terminal())
            .setExecId(process.id());
    ContainerProcess.Ended ended = process.endedOrNull();
    if (ended != null) {
      state.setExitStatus(ended.status()).setExitedAt(timestamp(ended.at()));
    }
    return state.build();
  }

  private static Status status(ContainerTask task, ContainerProcess process) {
    return switch (process.state()) {
      case ContainerProcess.State.Added _, ContainerProcess.State.Created _ -> Status.CREATED;
      case ContainerProcess.State.Running _ -> task.isPaused() ? Status.PAUSED : Status.RUNNING;
      case ContainerProcess.State.Stopped _, ContainerProcess.State.Deleted _ -> Status.STOPPED;
    };
  }
}
