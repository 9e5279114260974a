package io.berth.containerd.client;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import io.berth.api.berth.host.v1.AcknowledgeRequest;
import io.berth.api.berth.host.v1.AdoptRequest;
import io.berth.api.berth.host.v1.AllowAttachRequest;
import io.berth.api.berth.host.v1.GiveUpRequest;
import io.berth.api.berth.host.v1.HostGrpc;
import io.berth.api.berth.host.v1.LetGoRequest;
import io.berth.api.berth.host.v1.Occurrence;
import io.berth.api.berth.host.v1.PlaceRequest;
import io.berth.api.berth.host.v1.StatusResponse;
import io.berth.api.containerd.task.v3.CreateTaskRequest;
import io.berth.api.containerd.task.v3.TaskGrpc;
import io.berth.api.containerd.types.Mount;
import io.berth.base.error.ErrorCodec;
import io.berth.base.id.AttachToken;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.TaskFolder;
import io.berth.base.layout.TaskIntent;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.Timestamps;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.shimprocess.ShimCalls;
import io.berth.containerd.shimprocess.ShimProcessConnection;
import io.berth.containerd.shimprocess.ShimProcessEvent;
import io.berth.containerd.timing.TimedCalls;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** {@code berth.host.v1.Host} of one shim process, over its socket. Thread-safe. */
public final class ShimProcessClient implements ShimProcessConnection {
  private static final Duration DRAIN_PATIENCE = Duration.ofSeconds(5);

  private final ManagedChannel channel;

  /** Does not connect yet: a socket that nobody listens on fails calls with UNAVAILABLE. */
  public ShimProcessClient(EventLoops loops, Path socket) {
    this.channel = UnixChannel.to(loops, socket, new TimedCalls());
  }

  private HostGrpc.HostBlockingStub stub(Duration patience) {
    return HostGrpc.newBlockingStub(channel).withDeadlineAfter(patience);
  }

  /** Answers what the call answers; gRPC's failures become those of this engine. */
  static <A> A answer(Supplier<A> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw ErrorCodec.fromCall(e);
    }
  }

  @Override
  public Status status(Duration patience) {
    StatusResponse status = answer(() -> stub(patience).status(Empty.getDefaultInstance()));
    return new Status(
        status.getPid(),
        status.getNamespace(),
        status.getIdsList(),
        status.getWarmed(),
        status.getDraining(),
        status.getBuild());
  }

  @Override
  public void warmUp(Duration patience) {
    var _ = answer(() -> stub(patience).warm(Empty.getDefaultInstance()));
  }

  @Override
  public void drain() {
    var _ =
        HostGrpc.newFutureStub(channel)
            .withDeadlineAfter(DRAIN_PATIENCE)
            .drain(Empty.getDefaultInstance());
  }

  @Override
  public int place(
      TaskFolder folder,
      TaskIntent intent,
      @Nullable AttachToken attach,
      String requestId,
      Duration patience) {
    PlaceRequest.Builder request =
        PlaceRequest.newBuilder()
            .setNamespace(intent.namespace())
            .setId(intent.id())
            .setFolder(folder.path().toString())
            .setCreate(creation(intent))
            .setEphemeral(intent.ephemeral());
    if (attach != null) {
      request.setAttach(shown(attach));
    }
    return answer(() -> UnixChannel.numbered(stub(patience), requestId).place(request.build()))
        .getPid();
  }

  private static AllowAttachRequest.Builder shown(AttachToken token) {
    return AllowAttachRequest.newBuilder()
        .setToken(ByteString.copyFrom(token.bytes()))
        .setTtlMs(Math.toIntExact(token.validity().toMillis()));
  }

  private static CreateTaskRequest creation(TaskIntent intent) {
    CreateTaskRequest.Builder create =
        CreateTaskRequest.newBuilder()
            .setId(intent.id())
            .setBundle(intent.bundle())
            .setStdin(intent.stdin())
            .setStdout(intent.stdout())
            .setStderr(intent.stderr())
            .setTerminal(intent.terminal());
    intent
        .rootfs()
        .forEach(mount ->
            create.addRootfs(
                Mount.newBuilder()
                    .setType(mount.type())
                    .setSource(mount.source())
                    .setTarget(mount.target())
                    .addAllOptions(mount.options())));
    TaskIntent.Options options = intent.options();
    if (options != null) {
      create.setOptions(
          Any.newBuilder()
              .setTypeUrl(options.typeUrl())
              .setValue(ByteString.copyFrom(Base64.getDecoder().decode(options.value()))));
    }
    return create.build();
  }

  @Override
  public void adopt(TaskKey key, TaskFolder folder, Duration patience) {
    AdoptRequest request =
        AdoptRequest.newBuilder()
            .setNamespace(key.namespace())
            .setId(key.id())
            .setFolder(folder.path().toString())
            .build();
    var _ = answer(() -> stub(patience).adopt(request));
  }

  @Override
  public void letGo(TaskKey key, Duration patience) {
    LetGoRequest request =
        LetGoRequest.newBuilder().setNamespace(key.namespace()).setId(key.id()).build();
    var _ = answer(() -> stub(patience).letGo(request));
  }

  @Override
  public void giveUp(TaskKey key, Duration patience) {
    GiveUpRequest request =
        GiveUpRequest.newBuilder().setNamespace(key.namespace()).setId(key.id()).build();
    var _ = answer(() -> stub(patience).giveUp(request));
  }

  @Override
  public void acknowledge(TaskKey key, String execId, Duration patience) {
    AcknowledgeRequest request =
        AcknowledgeRequest.newBuilder()
            .setNamespace(key.namespace())
            .setId(key.id())
            .setExecId(execId)
            .build();
    var _ = answer(() -> stub(patience).acknowledge(request));
  }

  @Override
  public void allowAttach(TaskKey key, String execId, AttachToken token, Duration patience) {
    AllowAttachRequest request =
        shown(token).setNamespace(key.namespace()).setId(key.id()).setExecId(execId).build();
    var _ = answer(() -> stub(patience).allowAttach(request));
  }

  @Override
  public void watch(Consumer<ShimProcessEvent> each, Runnable ended) {
    HostGrpc.newStub(channel)
        .watch(
            Empty.getDefaultInstance(),
            new StreamObserver<>() {
              @Override
              public void onNext(Occurrence occurrence) {
                ShimProcessEvent event = event(occurrence);
                if (event != null) {
                  each.accept(event);
                }
              }

              @Override
              public void onError(Throwable failure) {
                Thread.ofVirtual().start(ended);
              }

              @Override
              public void onCompleted() {
                Thread.ofVirtual().start(ended);
              }
            });
  }

  private static @Nullable ShimProcessEvent event(Occurrence occurrence) {
    if (occurrence.hasCaughtUp()) {
      return new ShimProcessEvent.CaughtUp();
    }
    if (occurrence.getId().isEmpty()) {
      return null;
    }
    TaskKey key = new TaskKey(occurrence.getNamespace(), occurrence.getId());
    return switch (occurrence.getWhatCase()) {
      case EXIT -> {
        var exit = occurrence.getExit();
        yield new ShimProcessEvent.Exited(
            key,
            occurrence.getExecId(),
            exit.getPid(),
            exit.getStatus(),
            Timestamps.instant(exit.getAt()),
            exit.getOomKilled(),
            exit.getUnknown());
      }
      case OOM -> new ShimProcessEvent.OutOfMemory(key);
      case SUPERVISOR_LOST ->
          new ShimProcessEvent.SupervisorLost(key, occurrence.getSupervisorLost().getCause());
      case CAUGHT_UP, WHAT_NOT_SET -> null;
    };
  }

  @Override
  public ShimCalls shim(TaskKey key, String requestId, Duration patience) {
    Metadata header = new Metadata();
    header.put(CallContext.TASK_HEADER, key.toString());
    TaskGrpc.TaskBlockingStub stub =
        TaskGrpc.newBlockingStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(header));
    return new ShimClient(key, UnixChannel.numbered(stub, requestId).withDeadlineAfter(patience));
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
