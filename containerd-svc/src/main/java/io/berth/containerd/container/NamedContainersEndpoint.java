package io.berth.containerd.container;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.AttachRequest;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.ExecCreateRequest;
import io.berth.api.berth.container.v1.ExecCreateResponse;
import io.berth.api.berth.container.v1.ExecInspectRequest;
import io.berth.api.berth.container.v1.ExecInspectResponse;
import io.berth.api.berth.container.v1.ExecKillRequest;
import io.berth.api.berth.container.v1.ExecStartRequest;
import io.berth.api.berth.container.v1.ExecStartResponse;
import io.berth.api.berth.container.v1.ExecWaitRequest;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.InfoResponse;
import io.berth.api.berth.container.v1.KillRequest;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.LogRecord;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.api.berth.container.v1.PruneResponse;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RenameRequest;
import io.berth.api.berth.container.v1.ResizeRequest;
import io.berth.api.berth.container.v1.RestartRequest;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.StopResponse;
import io.berth.api.berth.container.v1.TopRequest;
import io.berth.api.berth.container.v1.TopResponse;
import io.berth.api.berth.container.v1.UnpauseRequest;
import io.berth.api.berth.container.v1.UpdateRequest;
import io.berth.api.berth.container.v1.UpdateResponse;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.log.LogQuery;
import io.berth.containerd.log.LogReader;
import io.berth.containerd.task.Detached;
import io.berth.containerd.task.Tasks;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.Callable;

/** {@code berth.container.v1.Containers}. */
public final class NamedContainersEndpoint extends ContainersGrpc.ContainersImplBase {
  private final NamedContainers containers;
  private final ContainerCreation creation;
  private final ContainerLife life;
  private final ContainerUpkeep upkeep;
  private final ContainerDuties duties;
  private final ContainerExecs execs;
  private final ContainerView view;
  private final Tasks tasks;
  private final InstantSource clock;

  @Inject
  NamedContainersEndpoint(
      NamedContainers containers,
      ContainerCreation creation,
      ContainerLife life,
      ContainerUpkeep upkeep,
      ContainerDuties duties,
      ContainerExecs execs,
      ContainerView view,
      Tasks tasks,
      InstantSource clock) {
    this.containers = containers;
    this.creation = creation;
    this.life = life;
    this.upkeep = upkeep;
    this.duties = duties;
    this.execs = execs;
    this.view = view;
    this.tasks = tasks;
    this.clock = clock;
  }

  private NamedContainer meant(String ref) {
    return containers.resolve(CallContext.namespace(), ref);
  }

  // Finished even if the client goes away.
  private static void done(StreamObserver<Empty> responses, Runnable work) {
    Calls.answer(
        responses,
        () ->
            Detached.run(() -> {
              work.run();
              return Empty.getDefaultInstance();
            }));
  }

  private static <A> void finished(StreamObserver<A> responses, Callable<A> work) {
    Calls.answer(responses, () -> Detached.run(work));
  }

  @Override
  public void create(CreateRequest request, StreamObserver<CreateResponse> responses) {
    finished(responses, () -> creation.create(CallContext.namespace(), request));
  }

  @Override
  public void start(StartRequest request, StreamObserver<StartResponse> responses) {
    finished(responses, () -> life.start(meant(request.getRef()), request));
  }

  @Override
  public void stop(StopRequest request, StreamObserver<StopResponse> responses) {
    finished(
        responses,
        () ->
            StopResponse.newBuilder()
                .setAlready(
                    !life.stop(
                        meant(request.getRef()),
                        request.hasTimeout() ? request.getTimeout() : null,
                        request.getSignal()))
                .build());
  }

  @Override
  public void kill(KillRequest request, StreamObserver<Empty> responses) {
    done(responses, () -> life.kill(meant(request.getRef()), request.getSignal()));
  }

  @Override
  public void restart(RestartRequest request, StreamObserver<StartResponse> responses) {
    finished(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          if (!upkeep.isRestarting(container.key())) {
            life.end(container, request.hasTimeout() ? request.getTimeout() : null, "");
          }
          StartRequest start = StartRequest.newBuilder().setRef(request.getRef()).build();
          return life.start(container, start);
        });
  }

  @Override
  public void pause(PauseRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          Tasks.Glance glance = tasks.glance(container.key());
          if (glance == null || !glance.running()) {
            throw notRunning("pause", container);
          }
          if (glance.paused()) {
            throw new BerthException.FailedPrecondition(
                    "pause container `" + container.name() + "`: it is paused already")
                .with(
                    Obstacle.of(
                        Obstacle.Reason.CONTAINER_PAUSED,
                        Obstacle.Kind.CONTAINER,
                        container.name()));
          }
          tasks.pause(container.key());
        });
  }

  @Override
  public void unpause(UnpauseRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          Tasks.Glance glance = tasks.glance(container.key());
          if (glance == null || !glance.paused()) {
            throw new BerthException.FailedPrecondition(
                    "unpause container `" + container.name() + "`: it is not paused")
                .with(
                    Obstacle.of(
                        Obstacle.Reason.CONTAINER_NOT_PAUSED,
                        Obstacle.Kind.CONTAINER,
                        container.name()));
          }
          tasks.resume(container.key());
        });
  }

  private static BerthException notRunning(String what, NamedContainer container) {
    return new BerthException.FailedPrecondition(
            what + " container `" + container.name() + "`: it is not running; start it first")
        .with(
            Obstacle.of(
                Obstacle.Reason.CONTAINER_NOT_RUNNING, Obstacle.Kind.CONTAINER, container.name()));
  }

  @Override
  public void remove(RemoveRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () -> duties.remove(meant(request.getRef()), request.getForce(), request.getVolumes()));
  }

  @Override
  public void get(GetRequest request, StreamObserver<Container> responses) {
    Calls.answer(responses, () -> view.of(meant(request.getRef()), request));
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    Calls.answer(responses, () -> duties.list(CallContext.namespace(), request));
  }

  @Override
  public void wait(WaitRequest request, StreamObserver<WaitResponse> responses) {
    Calls.answer(responses, () -> duties.await(meant(request.getRef()), request.getCondition()));
  }

  @Override
  public void rename(RenameRequest request, StreamObserver<Empty> responses) {
    done(responses, () -> duties.rename(meant(request.getRef()), request.getName()));
  }

  @Override
  public void update(UpdateRequest request, StreamObserver<UpdateResponse> responses) {
    finished(responses, () -> duties.update(meant(request.getRef()), request));
  }

  @Override
  public void logs(LogsRequest request, StreamObserver<LogRecord> responses) {
    NamedContainer container = meant(request.getRef());
    if (container.described().getHost().getLogDriver().equals("none")) {
      throw new BerthException.FailedPrecondition(
          "logs of container `"
              + container.name()
              + "`: it was made with log driver none, which keeps no output; attach to it instead");
    }
    boolean both = !request.getStdout() && !request.getStderr();
    LogQuery query =
        new LogQuery(
            request.getFollow(),
            request.getStdout() || both,
            request.getStderr() || both,
            request.hasSince() ? Timestamps.instant(request.getSince()) : null,
            request.hasUntil() ? Timestamps.instant(request.getUntil()) : null,
            request.hasTail() ? Math.max(0, request.getTail()) : -1);
    Path file = Path.of(container.described().getLogPath());
    BlockingSender.run(
        responses,
        sender ->
            new LogReader(file, query, clock, Thread::sleep)
                .read(
                    () -> !life.isRunning(container.key()) && !tasks.isPresent(container.key()),
                    entry ->
                        sender.send(
                            LogRecord.newBuilder()
                                .setAt(Timestamps.of(entry.at()))
                                .setStderr(entry.stderr())
                                .setLine(ByteString.copyFrom(entry.line()))
                                .setPartial(entry.partial())
                                .build())));
  }

  @Override
  public void top(TopRequest request, StreamObserver<TopResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          if (!life.isRunning(container.key())) {
            throw notRunning("list processes of", container);
          }
          return TopResponse.newBuilder()
              .addAllProcesses(
                  tasks.pids(container.key()).stream()
                      .map(ProcessList::of)
                      .filter(Objects::nonNull)
                      .toList())
              .build();
        });
  }

  @Override
  public void execCreate(ExecCreateRequest request, StreamObserver<ExecCreateResponse> responses) {
    finished(responses, () -> execs.create(meant(request.getRef()), request));
  }

  @Override
  public void execStart(ExecStartRequest request, StreamObserver<ExecStartResponse> responses) {
    finished(responses, () -> execs.start(meant(request.getRef()), request.getExecId()));
  }

  @Override
  public void execWait(ExecWaitRequest request, StreamObserver<WaitResponse> responses) {
    Calls.answer(responses, () -> execs.await(() -> meant(request.getRef()), request.getExecId()));
  }

  @Override
  public void execKill(ExecKillRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () -> {
          String signal = request.getSignal().isEmpty() ? "SIGKILL" : request.getSignal();
          tasks.kill(
              meant(request.getRef()).key(),
              request.getExecId(),
              ContainerLife.number(signal),
              /* all= */ false);
        });
  }

  @Override
  public void execInspect(
      ExecInspectRequest request, StreamObserver<ExecInspectResponse> responses) {
    Calls.answer(responses, () -> execs.inspect(CallContext.namespace(), request.getExecId()));
  }

  @Override
  public void resize(ResizeRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () ->
            tasks.resize(
                meant(request.getRef()).key(),
                request.getExecId(),
                request.getRows(),
                request.getColumns()));
  }

  @Override
  public void attach(AttachRequest request, StreamObserver<AttachResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          if (!life.isRunning(container.key())) {
            throw notRunning("attach to", container);
          }
          return life.allowAttach(container, "");
        });
  }

  @Override
  public void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
    finished(responses, () -> duties.prune(CallContext.namespace(), request.getFiltersList()));
  }

  @Override
  public void info(Empty request, StreamObserver<InfoResponse> responses) {
    Calls.answer(responses, () -> duties.info(CallContext.namespaceIfSent()));
  }
}
