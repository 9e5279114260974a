package io.berth.cli;

import com.google.protobuf.Any;
import com.google.protobuf.Timestamp;
import io.berth.api.berth.container.v1.Container;
import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.container.v1.CreateRequest;
import io.berth.api.berth.container.v1.CreateResponse;
import io.berth.api.berth.container.v1.EndAllRequest;
import io.berth.api.berth.container.v1.EndAllResponse;
import io.berth.api.berth.container.v1.GetRequest;
import io.berth.api.berth.container.v1.ListRequest;
import io.berth.api.berth.container.v1.ListResponse;
import io.berth.api.berth.container.v1.LogDetailsRequest;
import io.berth.api.berth.container.v1.LogDetailsResponse;
import io.berth.api.berth.container.v1.LogRecord;
import io.berth.api.berth.container.v1.LogsRequest;
import io.berth.api.berth.container.v1.RemoveRequest;
import io.berth.api.berth.container.v1.RunRequest;
import io.berth.api.berth.container.v1.RunResponse;
import io.berth.api.berth.container.v1.StartRequest;
import io.berth.api.berth.container.v1.StartResponse;
import io.berth.api.berth.container.v1.StopRequest;
import io.berth.api.berth.container.v1.StopResponse;
import io.berth.api.berth.container.v1.TopRequest;
import io.berth.api.berth.container.v1.TopResponse;
import io.berth.api.berth.container.v1.WaitRequest;
import io.berth.api.berth.container.v1.WaitResponse;
import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.EngineEventsGrpc;
import io.berth.api.berth.event.v1.WatchRequest;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.LoadRequest;
import io.berth.api.berth.image.v1.Progress;
import io.berth.api.berth.image.v1.PullRequest;
import io.berth.api.berth.image.v1.RemoveResponse;
import io.berth.api.berth.image.v1.ResolveRequest;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.GetNetworkRequest;
import io.berth.api.berth.network.v1.ListEndpointsRequest;
import io.berth.api.berth.network.v1.ListEndpointsResponse;
import io.berth.api.berth.network.v1.ListNetworksRequest;
import io.berth.api.berth.network.v1.ListNetworksResponse;
import io.berth.api.berth.network.v1.Network;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.api.containerd.events.TaskExit;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.Obstacle;
import io.berth.base.rpc.Calls;
import io.berth.testing.InProcessGrpc;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The services for containers and images, within this process: they know one container, {@code
 * web}, and one image, {@code busybox}, and remember what they were asked.
 */
final class EngineDouble {
  final List<String> asked = new ArrayList<>();
  final AtomicBoolean imageIsHere = new AtomicBoolean(true);
  final AtomicBoolean createFails = new AtomicBoolean();
  final AtomicBoolean otherIsMissing = new AtomicBoolean();
  CreateRequest created = CreateRequest.getDefaultInstance();

  /** Channels to the services by their short names. */
  Map<String, Channel> serve(InProcessGrpc grpc) throws IOException {
    return Map.of(
        "containerd", grpc.serve(new Containers(), new Events(), new EngineEvents()),
        "image", grpc.serve(new Images(), new Volumes()),
        "network", grpc.serve(new Networks(), new Endpoints()));
  }

  static final Image BUSYBOX =
      Image.newBuilder().setId("sha256:1").addNames("docker.io/library/busybox:latest").build();

  private final class Containers extends ContainersGrpc.ContainersImplBase {
    private static final Container WEB =
        Container.newBuilder()
            .setId("0123456789abcdef")
            .setName("web")
            .setImage("docker.io/library/busybox:latest")
            .setConfig(
                io.berth.api.berth.container.v1.Config.newBuilder().setImage("busybox").build())
            .setPath("sh")
            .addArgs("-c")
            .addArgs("x y")
            .build();

    @Override
    public void create(CreateRequest request, StreamObserver<CreateResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            asked.add("create " + request.getName());
            make(request);
            return CreateResponse.newBuilder().setId("0123").build();
          });
    }

    private void make(CreateRequest request) {
      created = request;
      if (!imageIsHere.get()) {
        String image = request.getFromImage().getRef();
        throw new BerthException.NotFound("image `" + image + "`: none")
            .with(Obstacle.of(Obstacle.Reason.IMAGE_NOT_FOUND, Obstacle.Kind.IMAGE, image));
      }
      if (createFails.get()) {
        throw new BerthException.AlreadyExists("name `taken`: is in use");
      }
      if (otherIsMissing.get()) {
        throw new BerthException.NotFound("No such container: other");
      }
    }

    @Override
    public void run(RunRequest request, StreamObserver<RunResponse> responses) {
      asked.add("run " + request.getCreate().getName() + (request.getDetach() ? " detached" : ""));
      Calls.answer(
          responses,
          () -> {
            make(request.getCreate());
            return RunResponse.newBuilder().setId("0123").build();
          });
    }

    @Override
    public void start(StartRequest request, StreamObserver<StartResponse> responses) {
      asked.add("start " + request.getRef());
      Calls.answer(responses, () -> StartResponse.getDefaultInstance());
    }

    @Override
    public void endAll(EndAllRequest request, StreamObserver<EndAllResponse> responses) {
      asked.add("endAll " + request.getTimeout());
      responses.onNext(EndAllResponse.newBuilder().setEnded(3).setKilled(1).build());
      responses.onCompleted();
    }

    @Override
    public void stop(StopRequest request, StreamObserver<StopResponse> responses) {
      asked.add("stop " + request.getRef() + " " + request.getTimeout());
      Calls.answer(
          responses,
          () -> {
            if (request.getRef().equals("nope")) {
              throw new BerthException.NotFound("No such container: nope");
            }
            return StopResponse.getDefaultInstance();
          });
    }

    @Override
    public void remove(RemoveRequest request, StreamObserver<com.google.protobuf.Empty> responses) {
      Calls.answer(
          responses,
          () -> {
            return switch (request.getRef()) {
              case "nope" -> throw new BerthException.NotFound("No such container: nope");
              case "held" -> throw new BerthException.FailedPrecondition("it is being removed");
              default -> com.google.protobuf.Empty.getDefaultInstance();
            };
          });
    }

    @Override
    public void wait(WaitRequest request, StreamObserver<WaitResponse> responses) {
      Calls.answer(responses, () -> WaitResponse.newBuilder().setStatus(7).build());
    }

    @Override
    public void get(GetRequest request, StreamObserver<Container> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getRef().equals("web")) {
              throw new BerthException.NotFound("No such container: " + request.getRef());
            }
            return WEB;
          });
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListResponse> responses) {
      asked.add("list");
      Calls.answer(responses, () -> ListResponse.newBuilder().addContainers(WEB).build());
    }

    @Override
    public void logDetails(
        LogDetailsRequest request, StreamObserver<LogDetailsResponse> responses) {
      Calls.answer(
          responses,
          () ->
              LogDetailsResponse.newBuilder()
                  .putDetails("tier", "a b")
                  .putDetails("A", "x=*~")
                  .build());
    }

    @Override
    public void top(TopRequest request, StreamObserver<TopResponse> responses) {
      asked.add("top " + String.join(" ", request.getPsOptionsList()));
      Calls.answer(
          responses,
          () ->
              TopResponse.newBuilder()
                  .addTitles("PID")
                  .addTitles("CMD")
                  .addRows(TopResponse.Row.newBuilder().addCells("1").addCells("sh -c x"))
                  .build());
    }

    @Override
    public void logs(LogsRequest request, StreamObserver<LogRecord> responses) {
      responses.onNext(record("one", /* stderr= */ false, /* partial= */ false));
      responses.onNext(record("two", /* stderr= */ true, /* partial= */ false));
      responses.onNext(record("part", /* stderr= */ false, /* partial= */ true));
      responses.onCompleted();
    }

    private static LogRecord record(String line, boolean stderr, boolean partial) {
      return LogRecord.newBuilder()
          .setLine(com.google.protobuf.ByteString.copyFromUtf8(line))
          .setStderr(stderr)
          .setPartial(partial)
          .build();
    }
  }

  private final class EngineEvents extends EngineEventsGrpc.EngineEventsImplBase {
    @Override
    public void watch(WatchRequest request, StreamObserver<EngineEvent> responses) {
      asked.add(
          "watch "
              + (request.hasSince() ? request.getSince().getSeconds() : -1)
              + " "
              + (request.hasUntil() ? request.getUntil().getSeconds() : -1)
              + " "
              + request.getFiltersList());
      responses.onNext(
          EngineEvent.newBuilder()
              .setType("container")
              .setAction("die")
              .setActorId("c1")
              .putAttributes("name", "web")
              .putAttributes("image", "busybox")
              .putAttributes("exitCode", "3")
              .setAt(Timestamp.newBuilder().setSeconds(7).setNanos(89))
              .build());
      responses.onCompleted();
    }
  }

  private static final class Events extends EventsGrpc.EventsImplBase {
    @Override
    public void subscribe(SubscribeRequest request, StreamObserver<Envelope> responses) {
      TaskExit exit = TaskExit.newBuilder().setContainerId("web").setExitStatus(3).build();
      responses.onNext(
          Envelope.newBuilder()
              .setNamespace("default")
              .setTopic("/tasks/exit")
              .setEvent(Any.pack(exit, ""))
              .build());
      responses.onCompleted();
    }
  }

  private static final class Networks extends NetworksGrpc.NetworksImplBase {
    @Override
    public void get(GetNetworkRequest request, StreamObserver<Network> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getRef().equals("red")) {
              throw new BerthException.NotFound("network `" + request.getRef() + "`: none");
            }
            return Network.newBuilder().setName("red").setDriver("bridge").build();
          });
    }

    @Override
    public void list(ListNetworksRequest request, StreamObserver<ListNetworksResponse> responses) {
      Calls.answer(
          responses,
          () ->
              ListNetworksResponse.newBuilder()
                  .addNetworks(Network.newBuilder().setName("red").setId("0123456789abcdef"))
                  .addNetworks(Network.newBuilder().setName("host").setDriver("host"))
                  .build());
    }
  }

  private static final class Endpoints extends EndpointsGrpc.EndpointsImplBase {
    @Override
    public void list(
        ListEndpointsRequest request, StreamObserver<ListEndpointsResponse> responses) {
      Calls.answer(responses, () -> ListEndpointsResponse.getDefaultInstance());
    }
  }

  private static final class Volumes extends VolumesGrpc.VolumesImplBase {
    @Override
    public void get(
        io.berth.api.berth.volume.v1.GetRequest request, StreamObserver<Volume> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getName().equals("data")) {
              throw new BerthException.NotFound("get " + request.getName() + ": no such volume");
            }
            return Volume.newBuilder().setName("data").setPath("/v/data").build();
          });
    }
  }

  private final class Images extends ImagesGrpc.ImagesImplBase {
    @Override
    public void remove(
        io.berth.api.berth.image.v1.RemoveRequest request,
        StreamObserver<RemoveResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            throw new BerthException.NotFound("No such image: " + request.getRef());
          });
    }

    @Override
    public void resolve(ResolveRequest request, StreamObserver<Image> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getRef().equals("busybox")) {
              throw new BerthException.NotFound("image `" + request.getRef() + "`: none");
            }
            return BUSYBOX;
          });
    }

    @Override
    public void pull(PullRequest request, StreamObserver<Progress> responses) {
      asked.add("pull " + request.getRef());
      if (request.getRef().equals("unreachable")) {
        responses.onError(
            ErrorCodec.toStatus(
                    new BerthException.Unavailable("fetch `unreachable`: connection refused"))
                .asRuntimeException());
        return;
      }
      imageIsHere.set(true);
      responses.onNext(Progress.newBuilder().setId("layer").setStatus("downloading").build());
      responses.onNext(Progress.newBuilder().setImage(BUSYBOX).build());
      responses.onCompleted();
    }

    @Override
    public StreamObserver<LoadRequest> load(StreamObserver<Progress> responses) {
      return new StreamObserver<>() {
        private long bytes;

        @Override
        public void onNext(LoadRequest part) {
          bytes += part.getData().size();
        }

        @Override
        public void onError(Throwable failure) {
          asked.add(ErrorCodec.fromCall(failure).getMessage());
        }

        @Override
        public void onCompleted() {
          asked.add("loaded " + bytes);
          responses.onNext(Progress.newBuilder().setId("5e2c0ff1a3b4").setStatus("done").build());
          responses.onNext(
              Progress.newBuilder()
                  .setStatus("done")
                  .setMessage("docker.io/library/busybox:latest")
                  .setImage(BUSYBOX)
                  .build());
          responses.onCompleted();
        }
      };
    }
  }
}
