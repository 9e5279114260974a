package io.berth.shim.api;

import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.AcknowledgeRequest;
import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.berth.host.v1.AdoptResponse;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.berth.host.v1.CaughtUp;
import io.berth.api.berth.host.v1.Exit;
import io.berth.api.berth.host.v1.GiveUpRequest;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.LetGoRequest;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.Oom;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.berth.host.v1.PlaceResponse;
import io.berth.api.berth.host.v1.StatusResponse;
import io.berth.api.berth.host.v1.SupervisorLost;
import io.berth.base.error.BerthException;
import io.berth.base.id.AttachToken;
import io.berth.base.id.Identifier;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.time.ClientsFirst;
import io.berth.shim.run.ContainerTask;
import io.berth.shim.run.Happening;
import io.berth.shim.run.Happenings;
import io.berth.shim.run.RequestIds;
import io.berth.shim.run.ShimProcessServices;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

/** {@code berth.host.v1.Host}: how containerd-svc places containers here and learns their ends. */
public final class ShimProcessEndpoint extends HostGrpc.HostImplBase {

  private final ShimTable shims;
  private final ShimProcessServices services;
  private final ShimWarmUp warmUp;
  private final ClientsFirst clients;
  private final Runnable end;

  /**
   * The service of this process.
   *
   * @param clients what the warm-up gives way to
   * @param end called when the process has been drained
   */
  @Inject
  public ShimProcessEndpoint(
      ShimTable shims,
      ShimProcessServices services,
      ShimWarmUp warmUp,
      ClientsFirst clients,
      Runnable end) {
    this.clients = clients;
    this.shims = shims;
    this.services = services;
    this.warmUp = warmUp;
    this.end = end;
  }

  /** The folder of the programs bears the hash of their build. */
  private String build() {
    return String.valueOf(services.config().libexec().getFileName());
  }

  private static TaskFolder folder(String path) {
    if (!path.startsWith("/")) {
      throw new BerthException.InvalidArgument("task folder `" + path + "`: no absolute path");
    }
    return new TaskFolder(Path.of(path));
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
  public void place(PlaceRequest request, StreamObserver<PlaceResponse> responses) {
    Calls.answerToTheEnd(
        responses,
        () -> {
          TaskKey key = new TaskKey(request.getNamespace(), request.getId());
          called(key);
          Shim shim =
              shims.place(
                  key,
                  folder(request.getFolder()),
                  request.hasCreate()
                      ? new ShimTable.Creation(
                          request.getCreate(),
                          request.getEphemeral(),
                          request.hasAttach() ? token(request.getAttach()) : null)
                      : null,
                  RequestIds.of(CallContext.requestId()));
          ContainerTask task = shim.task();
          PlaceResponse.Builder answer = PlaceResponse.newBuilder();
          if (task != null) {
            answer.setPid(task.init().pid()).setSupervisorPid(task.supervisorPid());
          }
          called(key);
          return answer.build();
        });
  }

  private void called(TaskKey key) {
    if (!key.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
      clients.clientCalled();
    }
  }

  @Override
  public void adopt(AdoptRequest request, StreamObserver<AdoptResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          TaskKey key = new TaskKey(request.getNamespace(), request.getId());
          ContainerTask task = shims.adopt(key, folder(request.getFolder())).task();
          if (task == null) {
            throw new BerthException.NotFound("task " + key.id() + " not found");
          }
          return AdoptResponse.newBuilder()
              .setEpoch(task.epoch())
              .setSupervisorPid(task.supervisorPid())
              .build();
        });
  }

  @Override
  public void letGo(LetGoRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          shims.letGo(request.getNamespace(), request.getId());
          return request;
        });
  }

  @Override
  public void giveUp(GiveUpRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          shims.giveUp(new TaskKey(request.getNamespace(), request.getId()));
          return request;
        });
  }

  @Override
  public void drain(Empty request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          shims.drain(end);
          return request;
        });
  }

  @Override
  public void warm(Empty request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          warmUp.run();
          return request;
        });
  }

  @Override
  public void status(Empty request, StreamObserver<StatusResponse> responses) {
    Calls.answer(
        responses,
        () -> {
          ShimTable.Contents contents = shims.contents();
          return StatusResponse.newBuilder()
              .setPid((int) ProcessHandle.current().pid())
              .setNamespace(contents.namespace())
              .addAllIds(contents.ids())
              .setWarmed(warmUp.isOver())
              .setDraining(contents.draining())
              .setBuild(build())
              .build();
        });
  }

  @Override
  public void watch(Empty request, StreamObserver<Occurrence> responses) {
    BlockingSender.run(
        responses,
        sender -> {
          try (Happenings.Watcher watcher = services.happenings().watch()) {
            for (Happening.Exit exit : watcher.missed()) {
              sender.send(message(exit));
            }
            sender.send(Occurrence.newBuilder().setCaughtUp(CaughtUp.getDefaultInstance()).build());
            while (!watcher.isOverrun()) {
              sender.send(message(watcher.next()));
            }
            throw new BerthException.ResourceExhausted(
                "watch: what happened was not taken in time; watch again");
          }
        });
  }

  private static Occurrence message(Happening happening) {
    Occurrence.Builder message =
        Occurrence.newBuilder()
            .setNamespace(happening.task().namespace())
            .setId(happening.task().id());
    switch (happening) {
      case Happening.Exit exit ->
          message
              .setExecId(exit.execId())
              .setExit(
                  Exit.newBuilder()
                      .setPid(exit.pid())
                      .setStatus(exit.how().status())
                      .setAt(TaskTranslation.timestamp(exit.how().at()))
                      .setOomKilled(exit.how().outOfMemory())
                      .setUnknown(exit.how().unknown()));
      case Happening.OutOfMemory _ -> message.setOom(Oom.getDefaultInstance());
      case Happening.SupervisorLost lost ->
          message.setSupervisorLost(SupervisorLost.newBuilder().setCause(lost.cause()));
    }
    return message.build();
  }

  @Override
  public void acknowledge(AcknowledgeRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          // The supervisor keeps its record until Delete, which answers the exit once more, also
          // if another process adopts the task before.
          services
              .happenings()
              .acknowledge(
                  new TaskKey(request.getNamespace(), request.getId()), request.getExecId());
          return request;
        });
  }

  @Override
  public void allowAttach(AllowAttachRequest request, StreamObserver<Empty> responses) {
    empty(
        responses,
        () -> {
          shims
              .task(new TaskKey(request.getNamespace(), request.getId()))
              .commands()
              .allowAttach(request.getExecId(), token(request));
          return request;
        });
  }

  private static AttachToken token(AllowAttachRequest request) {
    return new AttachToken(
        request.getToken().toByteArray(),
        Duration.ofMillis(Integer.toUnsignedLong(request.getTtlMs())));
  }
}
