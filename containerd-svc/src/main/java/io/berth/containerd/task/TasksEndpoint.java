package io.berth.containerd.task;

import com.google.protobuf.Empty;
import io.berth.api.containerd.services.tasks.v1.CheckpointTaskRequest;
import io.berth.api.containerd.services.tasks.v1.CheckpointTaskResponse;
import io.berth.api.containerd.services.tasks.v1.CloseIORequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskResponse;
import io.berth.api.containerd.services.tasks.v1.DeleteProcessRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteResponse;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ExecProcessRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.GetResponse;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.ListPidsRequest;
import io.berth.api.containerd.services.tasks.v1.ListPidsResponse;
import io.berth.api.containerd.services.tasks.v1.ListTasksRequest;
import io.berth.api.containerd.services.tasks.v1.ListTasksResponse;
import io.berth.api.containerd.services.tasks.v1.MetricsRequest;
import io.berth.api.containerd.services.tasks.v1.MetricsResponse;
import io.berth.api.containerd.services.tasks.v1.PauseTaskRequest;
import io.berth.api.containerd.services.tasks.v1.ResizePtyRequest;
import io.berth.api.containerd.services.tasks.v1.ResumeTaskRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.StartResponse;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.UpdateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.services.tasks.v1.WaitResponse;
import io.berth.api.containerd.task.v3.StateResponse;
import io.berth.api.containerd.task.v3.StatsRequest;
import io.berth.api.containerd.types.Metric;
import io.berth.api.containerd.v1.types.Process;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.Stdio;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** {@code containerd.services.tasks.v1.Tasks}. */
public final class TasksEndpoint extends TasksGrpc.TasksImplBase {
  private final Tasks tasks;
  private final InstantSource clock;

  @Inject
  TasksEndpoint(Tasks tasks, InstantSource clock) {
    this.tasks = tasks;
    this.clock = clock;
  }

  @Override
  public void create(CreateTaskRequest request, StreamObserver<CreateTaskResponse> responses) {
    Detached.answer(
        responses,
        () -> {
          TaskKey key = key(request.getContainerId());
          if (request.hasCheckpoint()) {
            throw new BerthException.NotImplemented(
                "create task " + key.id() + " from a checkpoint: restoring is not built");
          }
          int pid =
              tasks.create(
                  new Tasks.Creation(
                      key,
                      request.getRootfsList(),
                      new Stdio(
                          request.getStdin(),
                          request.getStdout(),
                          request.getStderr(),
                          request.getTerminal()),
                      request.getOptions(),
                      request.getRuntimePath()));
          return CreateTaskResponse.newBuilder().setContainerId(key.id()).setPid(pid).build();
        });
  }

  @Override
  public void start(StartRequest request, StreamObserver<StartResponse> responses) {
    Detached.answer(
        responses,
        () ->
            StartResponse.newBuilder()
                .setPid(tasks.start(key(request.getContainerId()), request.getExecId()))
                .build());
  }

  @Override
  public void delete(DeleteTaskRequest request, StreamObserver<DeleteResponse> responses) {
    Detached.answer(
        responses, () -> TaskMessages.deleted("", tasks.delete(key(request.getContainerId()))));
  }

  @Override
  public void deleteProcess(
      DeleteProcessRequest request, StreamObserver<DeleteResponse> responses) {
    Calls.answer(
        responses,
        () ->
            TaskMessages.deleted(
                request.getExecId(),
                tasks.deleteProcess(key(request.getContainerId()), request.getExecId())));
  }

  @Override
  public void get(GetRequest request, StreamObserver<GetResponse> responses) {
    TaskKey key = key(request.getContainerId());
    String execId = request.getExecId();
    Calls.answerAtOnce(
        responses,
        () -> {
          StateResponse ended = tasks.stateIfEnded(key, execId);
          return ended == null ? null : got(key, execId, ended);
        },
        () -> got(key, execId, tasks.state(key, execId)));
  }

  private static GetResponse got(TaskKey key, String execId, StateResponse state) {
    return GetResponse.newBuilder().setProcess(TaskMessages.process(key, execId, state)).build();
  }

  /**
   * The filter is ignored, as clients are used to; tasks whose shim does not answer are left out.
   */
  @Override
  public void list(ListTasksRequest request, StreamObserver<ListTasksResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          List<Process> processes =
              ofEach(
                  CallContext.namespace(),
                  key -> TaskMessages.process(key, "", tasks.state(key, "")));
          return ListTasksResponse.newBuilder().addAllTasks(processes).build();
        });
  }

  @Override
  public void kill(KillRequest request, StreamObserver<Empty> responses) {
    TaskKey key = key(request.getContainerId());
    empty(
        responses,
        () -> {
          tasks.checkProcess(key, request.getExecId());
          return tasks.relay(key, stub -> stub.kill(TaskMessages.kill(key, request)));
        });
  }

  @Override
  public void exec(ExecProcessRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          tasks.exec(
              key(request.getContainerId()),
              request.getExecId(),
              new Stdio(
                  request.getStdin(),
                  request.getStdout(),
                  request.getStderr(),
                  request.getTerminal()),
              request.getSpec());
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void resizePty(ResizePtyRequest request, StreamObserver<Empty> responses) {
    TaskKey key = key(request.getContainerId());
    empty(
        responses,
        () -> {
          tasks.checkProcess(key, request.getExecId());
          return tasks.relay(key, stub -> stub.resizePty(TaskMessages.resize(key, request)));
        });
  }

  @Override
  public void closeIO(CloseIORequest request, StreamObserver<Empty> responses) {
    TaskKey key = key(request.getContainerId());
    empty(
        responses,
        () -> {
          tasks.checkProcess(key, request.getExecId());
          return tasks.relay(key, stub -> stub.closeIO(TaskMessages.closeIo(key, request)));
        });
  }

  @Override
  public void pause(PauseTaskRequest request, StreamObserver<Empty> responses) {
    TaskKey key = key(request.getContainerId());
    empty(
        responses,
        () -> {
          tasks.pause(key);
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void resume(ResumeTaskRequest request, StreamObserver<Empty> responses) {
    TaskKey key = key(request.getContainerId());
    empty(
        responses,
        () -> {
          tasks.resume(key);
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void listPids(ListPidsRequest request, StreamObserver<ListPidsResponse> responses) {
    TaskKey key = key(request.getContainerId());
    Calls.answer(
        responses,
        () ->
            ListPidsResponse.newBuilder()
                .addAllProcesses(
                    tasks.relay(key, stub -> stub.pids(TaskMessages.pids(key))).getProcessesList())
                .build());
  }

  @Override
  public void checkpoint(
      CheckpointTaskRequest request, StreamObserver<CheckpointTaskResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          TaskKey key = key(request.getContainerId());
          tasks.checkProcess(key, "");
          throw new BerthException.NotImplemented(
              "checkpoint task " + key.id() + ": checkpoints are not built");
        });
  }

  @Override
  public void update(UpdateTaskRequest request, StreamObserver<Empty> responses) {
    TaskKey key = key(request.getContainerId());
    empty(
        responses, () -> tasks.relay(key, stub -> stub.update(TaskMessages.update(key, request))));
  }

  @Override
  public void metrics(MetricsRequest request, StreamObserver<MetricsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          Filter filter = filter(request.getFiltersList());
          List<Metric> metrics =
              ofEach(namespace, key -> filter.matches(fields(key)) ? metric(key) : null);
          return MetricsResponse.newBuilder().addAllMetrics(metrics).build();
        });
  }

  private Metric metric(TaskKey key) {
    return Metric.newBuilder()
        .setTimestamp(Timestamps.of(clock.instant()))
        .setId(key.id())
        .setData(
            tasks
                .relay(key, stub -> stub.stats(StatsRequest.newBuilder().setId(key.id()).build()))
                .getStats())
        .build();
  }

  private static Filter filter(List<String> texts) {
    try {
      return Filter.of(texts);
    } catch (BerthException.InvalidArgument e) {
      // containerd gives this call's filter errors no class.
      throw new BerthException.Unknown(e.getMessage(), e);
    }
  }

  private static Filter.Fields fields(TaskKey key) {
    return path ->
        switch (path.getFirst()) {
          case "id" -> key.id();
          case "namespace" -> key.namespace();
          default -> null;
        };
  }

  /** Answers from the record of exits; a client that goes away does no harm. */
  @Override
  public void wait(WaitRequest request, StreamObserver<WaitResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          Exit exit = tasks.await(key(request.getContainerId()), request.getExecId());
          return WaitResponse.newBuilder()
              .setExitStatus(exit.status())
              .setExitedAt(Timestamps.of(exit.at()))
              .build();
        });
  }

  // Of all tasks of a namespace side by side; those that fail are left out.
  private <T> List<T> ofEach(String namespace, Function<TaskKey, @Nullable T> ask) {
    List<CompletableFuture<Optional<T>>> answers = new ArrayList<>();
    for (TaskKey key : tasks.keys(namespace)) {
      CompletableFuture<Optional<T>> answer = new CompletableFuture<>();
      answers.add(answer);
      Thread.ofVirtual()
          .start(
              Context.current()
                  .wrap(() -> {
                    try {
                      answer.complete(Optional.ofNullable(ask.apply(key)));
                    } catch (RuntimeException e) {
                      answer.complete(Optional.empty());
                    }
                  }));
    }
    return answers.stream().map(CompletableFuture::join).flatMap(Optional::stream).toList();
  }

  private static void empty(StreamObserver<Empty> responses, Callable<Empty> work) {
    Calls.answer(responses, work);
  }

  // An id that breaks the rule names nothing.
  private static TaskKey key(String id) {
    String namespace = CallContext.namespace();
    try {
      return new TaskKey(namespace, id);
    } catch (BerthException.InvalidArgument e) {
      throw new BerthException.NotFound(
          "container \"" + (id.length() > 100 ? id.substring(0, 100) : id) + "\"", e);
    }
  }
}
