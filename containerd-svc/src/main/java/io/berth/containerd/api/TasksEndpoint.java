package io.berth.containerd.api;

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
import io.berth.api.containerd.types.Metric;
import io.berth.api.containerd.v1.types.Process;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.TaskKey;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.containerd.shimprocess.ProcessReport;
import io.berth.containerd.task.Detached;
import io.berth.containerd.task.Tasks;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@code containerd.services.tasks.v1.Tasks}: reads requests and builds answers. Calls that change
 * a task are finished even if their client goes away.
 */
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
          Tasks.Creation creation = TaskMessages.creation(request);
          return CreateTaskResponse.newBuilder()
              .setPid(tasks.create(creation))
              .setContainerId(creation.key().id())
              .build();
        });
  }

  @Override
  public void start(StartRequest request, StreamObserver<StartResponse> responses) {
    Detached.answer(
        responses,
        () ->
            StartResponse.newBuilder()
                .setPid(
                    tasks.start(TaskMessages.key(request.getContainerId()), request.getExecId()))
                .build());
  }

  @Override
  public void delete(DeleteTaskRequest request, StreamObserver<DeleteResponse> responses) {
    Detached.answer(
        responses,
        () -> TaskMessages.deleted("", tasks.delete(TaskMessages.key(request.getContainerId()))));
  }

  @Override
  public void deleteProcess(
      DeleteProcessRequest request, StreamObserver<DeleteResponse> responses) {
    Calls.answer(
        responses,
        () ->
            TaskMessages.deleted(
                request.getExecId(),
                tasks.deleteProcess(
                    TaskMessages.key(request.getContainerId()), request.getExecId())));
  }

  @Override
  public void get(GetRequest request, StreamObserver<GetResponse> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    String execId = request.getExecId();
    Calls.answerAtOnce(
        responses,
        () -> {
          ProcessReport ended = tasks.stateIfEnded(key, execId);
          return ended == null ? null : got(key, execId, ended);
        },
        () -> got(key, execId, tasks.state(key, execId)));
  }

  private static GetResponse got(TaskKey key, String execId, ProcessReport report) {
    return GetResponse.newBuilder().setProcess(TaskMessages.process(key, execId, report)).build();
  }

  /** Ignores the filter, as containerd does; tasks whose shim does not answer are left out. */
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
    TaskKey key = TaskMessages.key(request.getContainerId());
    done(
        responses,
        () -> tasks.kill(key, request.getExecId(), request.getSignal(), request.getAll()));
  }

  @Override
  public void exec(ExecProcessRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () ->
            tasks.exec(
                TaskMessages.key(request.getContainerId()),
                request.getExecId(),
                TaskMessages.stdio(request),
                request.getSpec()));
  }

  @Override
  public void resizePty(ResizePtyRequest request, StreamObserver<Empty> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    done(
        responses,
        () -> tasks.resize(key, request.getExecId(), request.getHeight(), request.getWidth()));
  }

  @Override
  public void closeIO(CloseIORequest request, StreamObserver<Empty> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    done(responses, () -> tasks.closeIo(key, request.getExecId(), request.getStdin()));
  }

  @Override
  public void pause(PauseTaskRequest request, StreamObserver<Empty> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    done(responses, () -> tasks.pause(key));
  }

  @Override
  public void resume(ResumeTaskRequest request, StreamObserver<Empty> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    done(responses, () -> tasks.resume(key));
  }

  @Override
  public void listPids(ListPidsRequest request, StreamObserver<ListPidsResponse> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    Calls.answer(responses, () -> TaskMessages.pids(tasks.pids(key)));
  }

  @Override
  public void checkpoint(
      CheckpointTaskRequest request, StreamObserver<CheckpointTaskResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          TaskKey key = TaskMessages.key(request.getContainerId());
          tasks.checkProcess(key, "");
          throw new BerthException.NotImplemented(
              "checkpoint task " + key.id() + ": checkpoints are not built");
        });
  }

  @Override
  public void update(UpdateTaskRequest request, StreamObserver<Empty> responses) {
    TaskKey key = TaskMessages.key(request.getContainerId());
    done(responses, () -> tasks.update(key, request.getResources(), request.getAnnotationsMap()));
  }

  @Override
  public void metrics(MetricsRequest request, StreamObserver<MetricsResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          Filter filter = filter(request.getFiltersList());
          List<Metric> metrics =
              ofEach(
                  namespace,
                  key ->
                      filter.matches(fields(key))
                          ? TaskMessages.metric(key, clock.instant(), tasks.stats(key))
                          : null);
          return MetricsResponse.newBuilder().addAllMetrics(metrics).build();
        });
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
        () ->
            TaskMessages.ended(
                tasks.await(TaskMessages.key(request.getContainerId()), request.getExecId())));
  }

  /** Asks all tasks of a namespace side by side; those that fail are left out. */
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

  private static void done(StreamObserver<Empty> responses, Runnable work) {
    Calls.answer(
        responses,
        () -> {
          work.run();
          return Empty.getDefaultInstance();
        });
  }
}
