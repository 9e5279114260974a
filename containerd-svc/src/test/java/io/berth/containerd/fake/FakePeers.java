package io.berth.containerd.fake;

import com.google.protobuf.Empty;
import io.berth.api.berth.container.v1.User;
import io.berth.api.berth.image.v1.Image;
import io.berth.api.berth.image.v1.MountsRequest;
import io.berth.api.berth.image.v1.MountsResponse;
import io.berth.api.berth.image.v1.PrepareRequest;
import io.berth.api.berth.image.v1.PrepareResponse;
import io.berth.api.berth.image.v1.RemoveRootfsRequest;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.network.v1.AttachRequest;
import io.berth.api.berth.network.v1.DetachRequest;
import io.berth.api.berth.network.v1.Endpoint;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.volume.v1.CreateRequest;
import io.berth.api.berth.volume.v1.ListRequest;
import io.berth.api.berth.volume.v1.ListResponse;
import io.berth.api.berth.volume.v1.MountRequest;
import io.berth.api.berth.volume.v1.MountResponse;
import io.berth.api.berth.volume.v1.ReleaseRequest;
import io.berth.api.berth.volume.v1.RemoveRequest;
import io.berth.api.berth.volume.v1.Volume;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.error.Obstacle;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.ServiceHealth;
import io.berth.base.rpc.UnixServer;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * image-svc and network-svc, as far as containers are started and removed through them. Each comes
 * and goes, and keeps what it knows meanwhile.
 */
public final class FakePeers implements AutoCloseable {
  /** The services that there are. */
  public enum Service {
    IMAGE,
    NETWORK;

    String word() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** With this the names of the volumes begin that are no folders. */
  public static final String FOREIGN = "foreign";

  /** The ids of the containers that have an endpoint. */
  public final Set<String> endpoints = ConcurrentHashMap.newKeySet();

  /** The keys of the snapshots that were removed. */
  public final Set<String> removed = ConcurrentHashMap.newKeySet();

  /** The keys of the snapshots that were prepared and are there. */
  public final Set<String> prepared = ConcurrentHashMap.newKeySet();

  /** The names of the volumes that are there and that nobody named. */
  public final Set<String> volumes = ConcurrentHashMap.newKeySet();

  /** The names of the volumes that are mounted. */
  public final Set<String> mounted = ConcurrentHashMap.newKeySet();

  /** Called when an endpoint was made, before the call is answered. */
  public volatile Runnable beforeAttachAnswer = () -> {};

  /** Called when a snapshot was prepared, before the call is answered. */
  public volatile Runnable beforePrepareAnswer = () -> {};

  /** Called when a volume was made, before the call is answered. */
  public volatile Runnable beforeVolumeAnswer = () -> {};

  /** Called when a snapshot was removed, before the call is answered. */
  public volatile Runnable beforeRemovalAnswer = () -> {};

  /** Called when a container gave up a volume, before that goes. */
  public volatile Runnable beforeReleaseAnswer = () -> {};

  private final Config config;
  private final EventLoops loops = new EventLoops(1);
  private final Map<Service, UnixServer> servers = new EnumMap<>(Service.class);
  private final Map<Service, CountDownLatch> hanging = new ConcurrentHashMap<>();

  public FakePeers(Config config) {
    this.config = config;
  }

  /** Starts the service, which answers when this returns. */
  public synchronized void start(Service service) {
    List<ServerServiceDefinition> services = new ArrayList<>();
    switch (service) {
      case IMAGE -> {
        services.add(new Rootfs().bindService());
        services.add(new Volumes().bindService());
      }
      case NETWORK -> services.add(new Endpoints().bindService());
    }
    new ServiceHealth().services().forEach(more -> services.add(more.bindService()));
    try {
      servers.put(
          service,
          UnixServer.start(
              loops,
              UnixServer.Options.of(config.socket(service.word()), services),
              List.of(new Hanging(service))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the service as SIGKILL does; the name of its socket stays. */
  public synchronized void kill(Service service) {
    UnixServer server = servers.remove(service);
    if (server != null) {
      server.close();
    }
  }

  /** Has the service answer nothing, as SIGSTOP does. */
  public void hang(Service service) {
    hanging.put(service, new CountDownLatch(1));
  }

  /** Has the service answer what it was asked meanwhile, as SIGCONT does. */
  public void goOn(Service service) {
    CountDownLatch gate = hanging.remove(service);
    if (gate != null) {
      gate.countDown();
    }
  }

  @Override
  public void close() {
    for (Service service : Service.values()) {
      goOn(service);
      kill(service);
    }
    loops.close();
  }

  private final class Hanging implements ServerInterceptor {
    private final Service service;

    Hanging(Service service) {
      this.service = service;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      CountDownLatch gate = hanging.get(service);
      if (gate != null) {
        try {
          gate.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return next.startCall(call, headers);
    }
  }

  private final class Rootfs extends RootfsGrpc.RootfsImplBase {
    @Override
    public void prepare(PrepareRequest request, StreamObserver<PrepareResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            if (!request.getRef().equals("busybox")) {
              throw new BerthException.NotFound("No such image: " + request.getRef())
                  .with(
                      Obstacle.of(
                          Obstacle.Reason.IMAGE_NOT_FOUND, Obstacle.Kind.IMAGE, request.getRef()));
            }
            prepared.add(request.getKey());
            beforePrepareAnswer.run();
            return PrepareResponse.newBuilder()
                .setUser(User.getDefaultInstance())
                .setImage(Image.newBuilder().setId("sha256:1"))
                .setSnapshotter("overlayfs")
                .setName("docker.io/library/busybox:latest")
                .addWarnings("another machine's")
                .build();
          });
    }

    @Override
    public void mounts(MountsRequest request, StreamObserver<MountsResponse> responses) {
      Calls.answer(responses, MountsResponse::getDefaultInstance);
    }

    @Override
    public void remove(RemoveRootfsRequest request, StreamObserver<Empty> responses) {
      Calls.answer(
          responses,
          () -> {
            removed.add(request.getKey());
            prepared.remove(request.getKey());
            beforeRemovalAnswer.run();
            return Empty.getDefaultInstance();
          });
    }
  }

  private final class Volumes extends VolumesGrpc.VolumesImplBase {
    @Override
    public void create(CreateRequest request, StreamObserver<Volume> responses) {
      Calls.answer(
          responses,
          () -> {
            if (request.getName().startsWith(FOREIGN)) {
              return volume(request.getName());
            }
            String name = request.getName();
            if (request.getAnonymous()) {
              volumes.add(name);
            }
            beforeVolumeAnswer.run();
            return volume(name);
          });
    }

    @Override
    public void release(ReleaseRequest request, StreamObserver<Empty> responses) {
      Calls.answer(
          responses,
          () -> {
            beforeReleaseAnswer.run();
            volumes.remove(request.getName());
            return Empty.getDefaultInstance();
          });
    }

    @Override
    public void remove(RemoveRequest request, StreamObserver<Empty> responses) {
      Calls.answer(
          responses,
          () -> {
            volumes.remove(request.getName());
            return Empty.getDefaultInstance();
          });
    }

    @Override
    public void mount(MountRequest request, StreamObserver<MountResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            boolean foreign = request.getName().startsWith(FOREIGN);
            if (foreign) {
              mounted.add(request.getName());
            }
            return MountResponse.newBuilder().setMounted(foreign).build();
          });
    }

    @Override
    public void unmount(MountRequest request, StreamObserver<Empty> responses) {
      Calls.answer(
          responses,
          () -> {
            mounted.remove(request.getName());
            return Empty.getDefaultInstance();
          });
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListResponse> responses) {
      Calls.answer(
          responses,
          () -> {
            ListResponse.Builder all = ListResponse.newBuilder();
            mounted.forEach(name -> all.addVolumes(volume(name).toBuilder().setMounted(true)));
            return all.build();
          });
    }

    private static Volume volume(String name) {
      return Volume.newBuilder()
          .setName(name)
          .setPath("/volumes/" + name)
          .setAnonymous(true)
          .build();
    }
  }

  private final class Endpoints extends EndpointsGrpc.EndpointsImplBase {
    @Override
    public void attach(AttachRequest request, StreamObserver<Endpoint> responses) {
      Calls.answer(
          responses,
          () -> {
            endpoints.add(request.getContainer());
            beforeAttachAnswer.run();
            return Endpoint.newBuilder()
                .setContainer(request.getContainer())
                .setNetwork(request.getNetwork())
                .setAddress("192.0.2.2")
                .setPrefixLength(24)
                .setNetns("/proc/self/ns/net")
                .build();
          });
    }

    @Override
    public void detach(DetachRequest request, StreamObserver<Empty> responses) {
      Calls.answer(
          responses,
          () -> {
            endpoints.remove(request.getContainer());
            return Empty.getDefaultInstance();
          });
    }
  }
}
