package io.berth.containerd.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.AttachRequest;
import io.berth.api.berth.container.v1.AttachResponse;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.EndAllRequest;
import io.berth.api.berth.container.v1.EndAllResponse;
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
import io.berth.api.berth.container.v1.ListFeaturesResponse;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.LogDetailsRequest;
import io.berth.api.berth.container.v1.LogDetailsResponse;
import io.berth.api.berth.container.v1.LogRecord;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.PauseRequest;
import io.berth.api.berth.container.v1.PruneRequest;
import io.berth.api.berth.container.v1.PruneResponse;
import io.berth.api.berth.container.v1.ReleaseRequest;
import io.berth.api.berth.container.v1.ReleaseResponse;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RenameRequest;
import io.berth.api.berth.container.v1.ResizeRequest;
import io.berth.api.berth.container.v1.RestartRequest;
import io.berth.api.berth.container.v1.RunRequest;
import io.berth.api.berth.container.v1.RunResponse;
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
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.api.message.ConfigMessages;
import io.berth.containerd.api.message.HostMessages;
import io.berth.containerd.api.message.LimitMessages;
import io.berth.containerd.api.message.NetworkWishMessages;
import io.berth.containerd.container.AttachGrant;
import io.berth.containerd.container.ContainerChanges;
import io.berth.containerd.container.ContainerCreation;
import io.berth.containerd.container.ContainerExecs;
import io.berth.containerd.container.ContainerQueries;
import io.berth.containerd.container.ContainerRemoval;
import io.berth.containerd.container.ContainerRuns;
import io.berth.containerd.container.ContainerStarts;
import io.berth.containerd.container.ContainerStops;
import io.berth.containerd.container.HostShutdown;
import io.berth.containerd.container.NamedContainer;
import io.berth.containerd.container.Started;
import io.berth.containerd.log.LogQuery;
import io.berth.containerd.log.LogReader;
import io.berth.containerd.settings.FromImage;
import io.berth.containerd.settings.NewContainer;
import io.berth.containerd.settings.RootFilesystem;
import io.berth.containerd.settings.TerminalSize;
import io.berth.containerd.task.Detached;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * {@code berth.container.v1.Containers}: reads requests, and has the domain do what they ask. What
 * changes something is finished even if the client goes away.
 */
public final class NamedContainersEndpoint extends ContainersGrpc.ContainersImplBase {
  private final ContainerRuns runs;
  private final ContainerStarts starts;
  private final ContainerStops stops;
  private final ContainerRemoval removal;
  private final ContainerChanges changes;
  private final ContainerExecs execs;
  private final ContainerQueries queries;

  @Inject
  NamedContainersEndpoint(
      ContainerRuns runs,
      ContainerStarts starts,
      ContainerStops stops,
      ContainerRemoval removal,
      ContainerChanges changes,
      ContainerExecs execs,
      ContainerQueries queries) {
    this.runs = runs;
    this.starts = starts;
    this.stops = stops;
    this.removal = removal;
    this.changes = changes;
    this.execs = execs;
    this.queries = queries;
  }

  private NamedContainer meant(String ref) {
    return queries.meant(CallContext.namespace(), ref);
  }

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
    finished(
        responses,
        () -> {
          ContainerCreation.Created made = runs.create(CallContext.namespace(), wanted(request));
          return CreateResponse.newBuilder()
              .setId(made.id())
              .setName(made.name())
              .addAllWarnings(made.warnings())
              .build();
        });
  }

  private static NewContainer wanted(CreateRequest request) {
    if (!request.hasConfig()) {
      // These are docker's words, which its clients show.
      throw new BerthException.InvalidArgument(
          "Config cannot be empty in order to create a container");
    }
    return new NewContainer(
        request.getId(),
        request.getName(),
        ConfigMessages.read(request.getConfig()),
        HostMessages.read(request.getHost()),
        NetworkWishMessages.read(request.getNetwork()),
        request.getImage(),
        ConfigMessages.read(request.getImageConfig()),
        new RootFilesystem(request.getSnapshotter(), request.getSnapshotKey(), request.getRootfs()),
        request.hasUser() ? ConfigMessages.read(request.getUser()) : null,
        request.hasFromImage()
            ? new FromImage(request.getFromImage().getRef(), request.getFromImage().getPlatform())
            : null);
  }

  @Override
  public void start(StartRequest request, StreamObserver<StartResponse> responses) {
    finished(
        responses,
        () ->
            ContainerAnswers.of(
                starts.start(
                    meant(request.getRef()),
                    new TerminalSize(request.getRows(), request.getColumns()))));
  }

  @Override
  public void run(RunRequest request, StreamObserver<RunResponse> responses) {
    String namespace = CallContext.namespace();
    ContainerRuns.Wish wish =
        new ContainerRuns.Wish(
            new TerminalSize(request.getRows(), request.getColumns()), request.getDetach());
    RunCall.serve(
        responses,
        runs,
        client ->
            switch (request.getContainerCase()) {
              case CREATE -> runs.runNew(namespace, wanted(request.getCreate()), wish, client);
              case REF, CONTAINER_NOT_SET ->
                  runs.run(queries.meant(namespace, request.getRef()), wish, client);
            });
  }

  @Override
  public void release(ReleaseRequest request, StreamObserver<ReleaseResponse> responses) {
    finished(
        responses,
        () -> ReleaseResponse.newBuilder().setPid(runs.release(meant(request.getRef()))).build());
  }

  @Override
  public void stop(StopRequest request, StreamObserver<StopResponse> responses) {
    finished(
        responses,
        () -> {
          boolean stopped =
              stops.stop(
                  meant(request.getRef()),
                  request.hasTimeout() ? request.getTimeout() : null,
                  request.getSignal());
          return StopResponse.newBuilder().setAlready(!stopped).build();
        });
  }

  @Override
  public void endAll(EndAllRequest request, StreamObserver<EndAllResponse> responses) {
    finished(
        responses,
        () -> {
          HostShutdown.Outcome outcome =
              stops.all(request.hasTimeout() ? request.getTimeout() : null);
          return EndAllResponse.newBuilder()
              .setEnded(outcome.ended())
              .setKilled(outcome.killed())
              .build();
        });
  }

  @Override
  public void kill(KillRequest request, StreamObserver<Empty> responses) {
    done(responses, () -> stops.kill(meant(request.getRef()), request.getSignal()));
  }

  @Override
  public void restart(RestartRequest request, StreamObserver<StartResponse> responses) {
    finished(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          stops.endForRestart(
              container, request.hasTimeout() ? request.getTimeout() : null, request.getSignal());
          Started started = starts.start(container, TerminalSize.UNKNOWN);
          stops.restarted(container);
          return ContainerAnswers.of(started);
        });
  }

  @Override
  public void pause(PauseRequest request, StreamObserver<Empty> responses) {
    done(responses, () -> stops.pause(meant(request.getRef())));
  }

  @Override
  public void unpause(UnpauseRequest request, StreamObserver<Empty> responses) {
    done(responses, () -> stops.unpause(meant(request.getRef())));
  }

  @Override
  public void remove(RemoveRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () -> removal.remove(meant(request.getRef()), request.getForce(), request.getVolumes()));
  }

  @Override
  public void get(GetRequest request, StreamObserver<Container> responses) {
    Calls.answer(
        responses,
        () ->
            ContainerAnswers.of(
                queries.get(meant(request.getRef()), request.getSize(), request.getMounts())));
  }

  @Override
  public void list(ListRequest request, StreamObserver<ListResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ListResponse.Builder answer = ListResponse.newBuilder();
          queries
              .list(
                  CallContext.namespace(),
                  new ContainerQueries.Listing(
                      request.getAll(),
                      request.getFiltersList(),
                      request.getLast(),
                      request.getSize()))
              .forEach(seen -> answer.addContainers(ContainerAnswers.of(seen)));
          return answer.build();
        });
  }

  @Override
  public void wait(WaitRequest request, StreamObserver<WaitResponse> responses) {
    Calls.answer(
        responses,
        () -> ContainerAnswers.of(stops.await(meant(request.getRef()), request.getCondition())));
  }

  @Override
  public void rename(RenameRequest request, StreamObserver<Empty> responses) {
    done(responses, () -> changes.rename(meant(request.getRef()), request.getName()));
  }

  @Override
  public void update(UpdateRequest request, StreamObserver<UpdateResponse> responses) {
    finished(
        responses,
        () -> {
          List<String> warnings =
              changes.update(
                  meant(request.getRef()),
                  request.hasResources() ? LimitMessages.read(request.getResources()) : null,
                  request.hasRestart() ? HostMessages.read(request.getRestart()) : null);
          return UpdateResponse.newBuilder().addAllWarnings(warnings).build();
        });
  }

  @Override
  public void logs(LogsRequest request, StreamObserver<LogRecord> responses) {
    NamedContainer container = meant(request.getRef());
    boolean both = !request.getStdout() && !request.getStderr();
    LogReader log =
        queries.log(
            container,
            new LogQuery(
                request.getFollow(),
                request.getStdout() || both,
                request.getStderr() || both,
                request.hasSince() ? Timestamps.instant(request.getSince()) : null,
                request.hasUntil() ? Timestamps.instant(request.getUntil()) : null,
                request.hasTail() ? Math.max(0, request.getTail()) : -1));
    BlockingSender.run(
        responses,
        sender ->
            log.read(
                () -> queries.isLogComplete(container),
                entry -> sender.send(ContainerAnswers.of(entry))));
  }

  @Override
  public void logDetails(LogDetailsRequest request, StreamObserver<LogDetailsResponse> responses) {
    Calls.answer(
        responses,
        () ->
            LogDetailsResponse.newBuilder()
                .putAllDetails(queries.logDetails(meant(request.getRef())))
                .build());
  }

  @Override
  public void top(TopRequest request, StreamObserver<TopResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          NamedContainer container = meant(request.getRef());
          return request.getPsOptionsCount() == 0
              ? ContainerAnswers.processes(queries.processes(container))
              : ContainerAnswers.of(queries.processes(container, request.getPsOptionsList()));
        });
  }

  @Override
  public void execCreate(ExecCreateRequest request, StreamObserver<ExecCreateResponse> responses) {
    finished(
        responses,
        () ->
            ExecCreateResponse.newBuilder()
                .setExecId(execs.create(meant(request.getRef()), ConfigMessages.read(request)))
                .build());
  }

  @Override
  public void execStart(ExecStartRequest request, StreamObserver<ExecStartResponse> responses) {
    finished(
        responses,
        () -> {
          Started started = execs.start(meant(request.getRef()), request.getExecId());
          ExecStartResponse.Builder answer = ExecStartResponse.newBuilder().setPid(started.pid());
          AttachGrant attachment = started.attachment();
          return attachment == null
              ? answer.build()
              : answer.setAttach(ContainerAnswers.of(attachment)).build();
        });
  }

  @Override
  public void execWait(ExecWaitRequest request, StreamObserver<WaitResponse> responses) {
    Calls.answer(
        responses,
        () -> ContainerAnswers.of(execs.await(() -> meant(request.getRef()), request.getExecId())));
  }

  @Override
  public void execKill(ExecKillRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () -> execs.kill(meant(request.getRef()), request.getExecId(), request.getSignal()));
  }

  @Override
  public void execInspect(
      ExecInspectRequest request, StreamObserver<ExecInspectResponse> responses) {
    Calls.answer(
        responses,
        () -> ContainerAnswers.of(execs.inspect(CallContext.namespace(), request.getExecId())));
  }

  @Override
  public void resize(ResizeRequest request, StreamObserver<Empty> responses) {
    done(
        responses,
        () ->
            execs.resize(
                meant(request.getRef()),
                request.getExecId(),
                request.getRows(),
                request.getColumns()));
  }

  @Override
  public void attach(AttachRequest request, StreamObserver<AttachResponse> responses) {
    Calls.answer(responses, () -> ContainerAnswers.of(starts.attach(meant(request.getRef()))));
  }

  @Override
  public void prune(PruneRequest request, StreamObserver<PruneResponse> responses) {
    finished(
        responses,
        () ->
            ContainerAnswers.of(removal.prune(CallContext.namespace(), request.getFiltersList())));
  }

  @Override
  public void info(Empty request, StreamObserver<InfoResponse> responses) {
    Calls.answer(
        responses, () -> ContainerAnswers.of(queries.overview(CallContext.namespaceIfSent())));
  }

  @Override
  public void listFeatures(Empty request, StreamObserver<ListFeaturesResponse> responses) {
    Calls.answer(responses, FeatureAnswers::all);
  }
}
