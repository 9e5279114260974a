package io.berth.containerd.client;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.tasks.v1.CloseIORequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.services.tasks.v1.WaitResponse;
import io.berth.api.containerd.types.Mount;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.time.Sleeper;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Fifos;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The calls of a client that runs a container and removes it, in the order in which {@code ctr run
 * --rm} makes them, over a connection of its own each time. The container's program is the
 * supervisor's binary telling its version, so nothing of the machine is needed. For one thread.
 */
public final class WarmUpClient implements AutoCloseable {
  private static final List<String> STREAMS = List.of("stdin", "stdout", "stderr");
  private static final Duration LEASE = Duration.ofHours(24);
  private static final Duration CLEARING = Duration.ofSeconds(20);
  private static final Duration CLEARING_PAUSE = Duration.ofMillis(50);

  private final Config config;
  private final StateFolders state;
  private final Sleeper sleeper;
  private final WarmUpServices services;
  private final WarmUpImage image;
  private final String template;

  /** The folder of the FIFOs by which containers' clients take their output. */
  private final Path pipes;

  /** Connects to this service's own socket. */
  public WarmUpClient(Config config, Sleeper sleeper) throws IOException {
    this.config = config;
    this.state = new StateFolders(config.state());
    this.sleeper = sleeper;
    this.pipes = state.warmUpPipes();
    try (InputStream file =
        Objects.requireNonNull(WarmUpClient.class.getResourceAsStream("warm-up.json"))) {
      template = new String(file.readAllBytes(), StandardCharsets.UTF_8);
    }
    this.services = new WarmUpServices(config.socket("containerd"));
    this.image = new WarmUpImage(services);
  }

  /** UNAVAILABLE while image-svc is not there. */
  public void greet() {
    var _ =
        services
            .snapshots()
            .list(ListSnapshotsRequest.newBuilder().setSnapshotter(WarmUpImage.SNAPSHOTTER).build())
            .hasNext();
    var _ = services.containers().list(ListContainersRequest.getDefaultInstance());
  }

  /** Removes what an earlier life of this service left, and makes what all rounds share. */
  public void prepare() throws IOException, InterruptedException {
    clear();
    state.prepareWarmUpPipes();
    for (String stream : STREAMS) {
      Fifos.make(pipes.resolve(stream), 0600);
    }
    image.prepare();
  }

  /** One container from nothing to nothing. */
  public void round(long number) {
    services.reconnect();
    String id = "c" + number;
    image.look();
    image.lookForLayers();
    String lease =
        services
            .leases()
            .create(
                CreateRequest.newBuilder()
                    .setId("l" + number)
                    .putLabels("containerd.io/gc.expire", Instant.now().plus(LEASE).toString())
                    .build())
            .getLease()
            .getId();
    image.look();
    create(id, lease);
    var _ = services.leases().delete(DeleteRequest.newBuilder().setId(lease).build());
    run(id);
    remove(id);
  }

  private void create(String id, String lease) {
    var _ =
        UnixChannel.in(
                SnapshotsGrpc.newBlockingStub(services.channel()),
                Identifier.WARM_UP_NAMESPACE,
                lease)
            .prepare(
                PrepareSnapshotRequest.newBuilder()
                    .setSnapshotter(WarmUpImage.SNAPSHOTTER)
                    .setKey(id)
                    .setParent(WarmUpImage.BASE)
                    .build());
    var _ = mounts(id);
    var _ =
        services
            .containers()
            .create(
                CreateContainerRequest.newBuilder()
                    .setContainer(
                        Container.newBuilder()
                            .setId(id)
                            .setImage(WarmUpImage.NAME)
                            // A process of its own for each round would be the opposite of warm.
                            .putLabels(Tasks.ISOLATION_LABEL, "pool")
                            .putLabels("io.containerd.image.config.stop-signal", "SIGTERM")
                            .setRuntime(
                                Container.Runtime.newBuilder()
                                    .setName("io.containerd.runc.v2")
                                    .setOptions(
                                        Any.newBuilder().setTypeUrl("containerd.runc.v1.Options")))
                            .setSpec(Anys.of(Anys.SPEC, ByteString.copyFromUtf8(spec(id))))
                            .setSnapshotter(WarmUpImage.SNAPSHOTTER)
                            .setSnapshotKey(id))
                    .build());
  }

  private String spec(String id) {
    return template
        .replace("CGROUPS_PATH", "/" + config.cgroupParent() + "/warm-" + id)
        .replace("PROGRAM", config.libexec().resolve("bin").resolve("berth-supervisor").toString());
  }

  private void run(String id) {
    get(id);
    List<Mount> mounts = mounts(id);
    get(id);
    var _ =
        services
            .tasks()
            .create(
                CreateTaskRequest.newBuilder()
                    .setContainerId(id)
                    .addAllRootfs(mounts)
                    .setStdin(pipes.resolve(STREAMS.get(0)).toString())
                    .setStdout(pipes.resolve(STREAMS.get(1)).toString())
                    .setStderr(pipes.resolve(STREAMS.get(2)).toString())
                    .build());
    CompletableFuture<Void> ended = awaitExit(id);
    var _ = services.tasks().start(StartRequest.newBuilder().setContainerId(id).build());
    WarmUpServices.unlessAbsent(() ->
        services
            .tasks()
            .closeIO(CloseIORequest.newBuilder().setContainerId(id).setStdin(true).build()));
    try {
      ended.get(WarmUpServices.PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("wait for " + id + ": interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new BerthException.Unavailable("wait for " + id + ": " + e.getMessage(), e);
    }
    state(id);
    var _ = services.tasks().delete(DeleteTaskRequest.newBuilder().setContainerId(id).build());
    WarmUpServices.unlessAbsent(() -> state(id));
  }

  private List<Mount> mounts(String id) {
    return services
        .snapshots()
        .mounts(
            MountsRequest.newBuilder().setSnapshotter(WarmUpImage.SNAPSHOTTER).setKey(id).build())
        .getMountsList();
  }

  private void state(String id) {
    var _ = services.tasks().get(GetRequest.newBuilder().setContainerId(id).build());
  }

  private CompletableFuture<Void> awaitExit(String id) {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    UnixChannel.in(TasksGrpc.newStub(services.channel()), Identifier.WARM_UP_NAMESPACE, null)
        .wait(
            WaitRequest.newBuilder().setContainerId(id).build(),
            new StreamObserver<>() {
              @Override
              public void onNext(WaitResponse exit) {
                ended.complete(null);
              }

              @Override
              public void onError(Throwable failure) {
                ended.completeExceptionally(failure);
              }

              @Override
              public void onCompleted() {
                // The exit came before.
              }
            });
    return ended;
  }

  private void remove(String id) {
    get(id);
    var _ =
        services
            .snapshots()
            .remove(
                RemoveSnapshotRequest.newBuilder()
                    .setSnapshotter(WarmUpImage.SNAPSHOTTER)
                    .setKey(id)
                    .build());
    var _ = services.containers().delete(DeleteContainerRequest.newBuilder().setId(id).build());
  }

  private void get(String id) {
    var _ = services.containers().get(GetContainerRequest.newBuilder().setId(id).build());
  }

  /**
   * Removes everything that this or an earlier life made. A container that was being made when its
   * service died needs a moment until it is known what became of it.
   */
  public void clear() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + CLEARING.toNanos();
    while (!clearContainers() && System.nanoTime() < deadline) {
      sleeper.sleep(CLEARING_PAUSE);
    }
    image.clear();
    services
        .leases()
        .list(ListRequest.getDefaultInstance())
        .getLeasesList()
        .forEach(lease ->
            WarmUpServices.unlessAbsent(() ->
                services.leases().delete(DeleteRequest.newBuilder().setId(lease.getId()).build())));
    for (String stream : STREAMS) {
      Files.deleteIfExists(pipes.resolve(stream));
    }
    Files.deleteIfExists(pipes);
  }

  private boolean clearContainers() {
    List<Container> left =
        services.containers().list(ListContainersRequest.getDefaultInstance()).getContainersList();
    for (Container container : left) {
      end(container.getId());
      WarmUpServices.unlessAbsent(() ->
          services
              .containers()
              .delete(DeleteContainerRequest.newBuilder().setId(container.getId()).build()));
    }
    return left.isEmpty();
  }

  private void end(String id) {
    WarmUpServices.unlessAbsent(() ->
        services
            .tasks()
            .kill(KillRequest.newBuilder().setContainerId(id).setSignal(9).setAll(true).build()));
    WarmUpServices.unlessAbsent(
        () -> services.tasks().wait(WaitRequest.newBuilder().setContainerId(id).build()));
    WarmUpServices.unlessAbsent(
        () -> services.tasks().delete(DeleteTaskRequest.newBuilder().setContainerId(id).build()));
  }

  @Override
  public void close() {
    services.close();
  }
}
