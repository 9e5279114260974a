package io.berth.shim.api;

import com.google.protobuf.Empty;
import io.berth.api.containerd.runc.v1.ProcessDetails;
import io.berth.api.containerd.task.v3.CheckpointTaskRequest;
import io.berth.api.containerd.task.v3.CloseIORequest;
import io.berth.api.containerd.task.v3.ConnectRequest;
import io.berth.api.containerd.task.v3.ConnectResponse;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.CreateTaskResponse;
import io.berth.api.containerd.task.v3.DeleteRequest;
import io.berth.api.containerd.task.v3.DeleteResponse;
import io.berth.api.containerd.task.v3.ExecProcessRequest;
import io.berth.api.containerd.task.v3.KillRequest;
import io.berth.api.containerd.task.v3.PauseRequest;
import io.berth.api.containerd.task.v3.PidsRequest;
import io.berth.api.containerd.task.v3.PidsResponse;
import io.berth.api.containerd.task.v3.ResizePtyRequest;
import io.berth.api.containerd.task.v3.ResumeRequest;
import io.berth.api.containerd.task.v3.ShutdownRequest;
import io.berth.api.containerd.task.v3.StartRequest;
import io.berth.api.containerd.task.v3.StartResponse;
import io.berth.api.containerd.task.v3.StateRequest;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.task.v3.StatsResponse;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.task.v3.UpdateTaskRequest;
import io.berth.api.containerd.task.v3.WaitRequest;
import io.berth.api.containerd.task.v3.WaitResponse;
import io.berth.api.containerd.v1.types.ProcessInfo;
import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.oci.runtime.Resources;
import io.berth.shim.run.ContainerProcess;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.TaskDeletion;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** {@code containerd.task.v3.Task} of one container. */
public final class TaskEndpoint extends TaskGrpc.TaskImplBase {
  private static final String VERSION = "v2";

  private final String id;
  private final Keeper keeper;

  /** The part of a shim that holds the container. */
  interface Keeper {
    /** The container; null before Create and after Delete. */
    @Nullable ContainerTask task();

    /** Makes the container. */
    ContainerTask create(CreateTaskRequest request, RequestIds requests) throws Exception;

    /** The container has been deleted. */
    void deleted();

    /** The client needs this shim no more. */
    void shutDown();
  }

  TaskEndpoint(String id, Keeper keeper) {
    this.id = id;
    this.keeper = keeper;
  }

  private ContainerTask task(String wanted) {
    ContainerTask task = keeper.task();
    if (task == null || !(wanted.isEmpty() || wanted.equals(id))) {
      throw new BerthException.NotFound("task " + (wanted.isEmpty() ? id : wanted) + " not found");
    }
    return task;
  }

  private static RequestIds requests() {
    return RequestIds.of(CallContext.requestId());
  }

  private static void empty(StreamObserver<Empty> responses, Callable<?> work) {
    Calls.answer(
        responses,
        () -> {
          work.call();
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void create(CreateTaskRequest request, StreamObserver<CreateTaskResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          if (keeper.task() != null) {
            throw new BerthException.AlreadyExists("task " + id);
          }
          ContainerTask task = keeper.create(request, requests());
          return CreateTaskResponse.newBuilder().setPid(task.init().pid()).build();
        });
  }

  @Override
  public void start(StartRequest request, StreamObserver<StartResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          int pid = task(request.getId()).commands().start(request.getExecId(), requests());
          return StartResponse.newBuilder().setPid(pid).build();
        });
  }

  @Override
  public void state(StateRequest request, StreamObserver<StateResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ContainerTask task = task(request.getId());
          return TaskTranslation.state(task, task.process(request.getExecId()));
        });
  }

  @Override
  public void wait(WaitRequest request, StreamObserver<WaitResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ContainerProcess.Ended ended = task(request.getId()).awaitEnd(request.getExecId());
          return WaitResponse.newBuilder()
              .setExitStatus(ended.status())
              .setExitedAt(TaskTranslation.timestamp(ended.at()))
              .build();
        });
  }

  @Override
  public void delete(DeleteRequest request, StreamObserver<DeleteResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ContainerTask task = task(request.getId());
          String execId = request.getExecId();
          ContainerProcess process = task.process(execId);
          ContainerProcess.Ended ended =
              execId.isEmpty()
                  ? TaskDeletion.delete(task, requests())
                  : task.execs().delete(execId);
          if (execId.isEmpty()) {
            keeper.deleted();
          }
          return DeleteResponse.newBuilder()
              .setPid(process.pid())
              .setExitStatus(ended.status())
              .setExitedAt(TaskTranslation.timestamp(ended.at()))
              .build();
        });
  }

  @Override
  public void kill(KillRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          task(request.getId())
              .commands()
              .kill(request.getExecId(), request.getSignal(), request.getAll(), requests());
          return id;
        });
  }

  @Override
  public void exec(ExecProcessRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          ContainerTask task = task(request.getId());
          if (!request.hasSpec()) {
            throw new BerthException.InvalidArgument("exec: spec is missing");
          }
          byte[] process =
              Anys.is(request.getSpec(), Anys.PROCESS_FILE)
                  ? task.execs().takeProcess(request.getExecId())
                  : TaskTranslation.json(request.getSpec(), "exec: spec");
          Stdio stdio =
              new Stdio(
                  request.getStdin(),
                  request.getStdout(),
                  request.getStderr(),
                  request.getTerminal());
          task.execs().add(request.getExecId(), stdio, Json.tree(process, "exec spec"));
          return id;
        });
  }

  @Override
  public void resizePty(ResizePtyRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          int rows = Math.clamp(Integer.toUnsignedLong(request.getHeight()), 0, 0xffff);
          int columns = Math.clamp(Integer.toUnsignedLong(request.getWidth()), 0, 0xffff);
          task(request.getId()).commands().resize(request.getExecId(), rows, columns);
          return id;
        });
  }

  @Override
  public void closeIO(CloseIORequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          ContainerTask task = task(request.getId());
          task.process(request.getExecId());
          if (request.getStdin()) {
            task.commands().closeStdin(request.getExecId());
          }
          return id;
        });
  }

  @Override
  public void pause(PauseRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          task(request.getId()).commands().pause();
          return id;
        });
  }

  @Override
  public void resume(ResumeRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          task(request.getId()).commands().resume();
          return id;
        });
  }

  @Override
  public void checkpoint(CheckpointTaskRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          task(request.getId());
          throw new BerthException.NotImplemented(
              "checkpoint task `" + id + "`: checkpoint and restore are not built");
        });
  }

  @Override
  public void update(UpdateTaskRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          byte[] json = TaskTranslation.json(request.getResources(), "update: resources");
          task(request.getId()).commands().update(Resources.read(json, "resources"));
          return id;
        });
  }

  @Override
  public void pids(PidsRequest request, StreamObserver<PidsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          PidsResponse.Builder answer = PidsResponse.newBuilder();
          for (ContainerTask.Member member : task(request.getId()).members()) {
            ProcessInfo.Builder info = ProcessInfo.newBuilder().setPid(member.pid());
            if (!member.execId().isEmpty()) {
              info.setInfo(
                  Anys.pack(ProcessDetails.newBuilder().setExecId(member.execId()).build()));
            }
            answer.addProcesses(info);
          }
          return answer.build();
        });
  }

  @Override
  public void stats(StatsRequest request, StreamObserver<StatsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ContainerTask task = task(request.getId());
          return StatsResponse.newBuilder()
              .setStats(Anys.pack(MetricsFiles.of(task.cgroup().folders(), task.init().pid())))
              .build();
        });
  }

  @Override
  public void connect(ConnectRequest request, StreamObserver<ConnectResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ContainerTask task = task(request.getId());
          return ConnectResponse.newBuilder()
              .setShimPid((int) ProcessHandle.current().pid())
              .setTaskPid(task.init().pid())
              .setVersion(VERSION)
              .build();
        });
  }

  @Override
  public void shutdown(ShutdownRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          keeper.shutDown();
          return id;
        });
  }
}
