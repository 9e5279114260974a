package io.berth.containerd.warm;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.containers.v1.DeleteContainerRequest;
import io.berth.api.containerd.services.containers.v1.GetContainerRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.DeleteContentRequest;
import io.berth.api.containerd.services.content.v1.InfoRequest;
import io.berth.api.containerd.services.content.v1.ReadContentRequest;
import io.berth.api.containerd.services.content.v1.WriteAction;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.api.containerd.services.images.v1.CreateImageRequest;
import io.berth.api.containerd.services.images.v1.DeleteImageRequest;
import io.berth.api.containerd.services.images.v1.GetImageRequest;
import io.berth.api.containerd.services.images.v1.Image;
import io.berth.api.containerd.services.images.v1.ImagesGrpc;
import io.berth.api.containerd.services.leases.v1.CreateRequest;
import io.berth.api.containerd.services.leases.v1.DeleteRequest;
import io.berth.api.containerd.services.leases.v1.LeasesGrpc;
import io.berth.api.containerd.services.leases.v1.ListRequest;
import io.berth.api.containerd.services.namespaces.v1.GetNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.services.snapshots.v1.CommitSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.ListSnapshotsRequest;
import io.berth.api.containerd.services.snapshots.v1.MountsRequest;
import io.berth.api.containerd.services.snapshots.v1.PrepareSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.RemoveSnapshotRequest;
import io.berth.api.containerd.services.snapshots.v1.SnapshotsGrpc;
import io.berth.api.containerd.services.snapshots.v1.StatSnapshotRequest;
import io.berth.api.containerd.services.tasks.v1.CloseIORequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.DeleteTaskRequest;
import io.berth.api.containerd.services.tasks.v1.GetRequest;
import io.berth.api.containerd.services.tasks.v1.KillRequest;
import io.berth.api.containerd.services.tasks.v1.StartRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.services.tasks.v1.WaitRequest;
import io.berth.api.containerd.services.tasks.v1.WaitResponse;
import io.berth.api.containerd.types.Descriptor;
import io.berth.api.containerd.types.Mount;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.task.Tasks;
import io.berth.linux.Fifos;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The calls of a client that runs a container and removes it, in the order in which {@code ctr run
 * --rm} makes them, over a connection of its own each time. The container's program is the
 * supervisor's binary telling its version, so nothing of the host is needed. One thread.
 */
final class ClientWalk implements AutoCloseable {
  private static final String SNAPSHOTTER = "overlayfs";
  private static final String BASE = "base";
  private static final String IMAGE = "warm-up";
  private static final String MEDIA_TYPE = "application/vnd.oci.image.config.v1+json";
  private static final List<String> STREAMS = List.of("stdin", "stdout", "stderr");
  private static final Duration LEASE = Duration.ofHours(24);
  private static final long PATIENCE_SECONDS = 30;
  private static final Duration CLEARING = Duration.ofSeconds(20);
  private static final Duration CLEARING_PAUSE = Duration.ofMillis(50);

  private final Config config;
  private final EventLoops loops = new EventLoops(1);
  private final ByteString content =
      ByteString.copyFromUtf8("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");
  private final String digest = sha256(content);
  private final String template;

  /** For the pipes by which containers' clients take their output. */
  private final Path pipes;

  private final StateFolders state;

  private ManagedChannel channel;

  ClientWalk(Config config) throws IOException {
    this.config = config;
    this.state = new StateFolders(config.state());
    this.pipes = state.warmUpPipes();
    this.channel = connect();
    try (InputStream file =
        Objects.requireNonNull(ClientWalk.class.getResourceAsStream("config.json"))) {
      template = new String(file.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String sha256(ByteString bytes) {
    try {
      byte[] sum = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
      return "sha256:" + HexFormat.of().formatHex(sum);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private ManagedChannel connect() {
    return UnixChannel.to(loops, config.socket("containerd"));
  }

  /** UNAVAILABLE while image-svc is not there. */
  void greet() {
    var _ =
        snapshots()
            .list(ListSnapshotsRequest.newBuilder().setSnapshotter(SNAPSHOTTER).build())
            .hasNext();
    var _ = containers().list(ListContainersRequest.getDefaultInstance());
  }

  /** Removes what a predecessor left, and makes what all rounds share. */
  void prepare() throws IOException, InterruptedException {
    clear();
    state.prepareWarmUpPipes();
    for (String stream : STREAMS) {
      Fifos.make(pipes.resolve(stream), 0600);
    }
    write();
    var _ =
        images()
            .create(
                CreateImageRequest.newBuilder()
                    .setImage(
                        Image.newBuilder()
                            .setName(IMAGE)
                            .setTarget(
                                Descriptor.newBuilder()
                                    .setMediaType(MEDIA_TYPE)
                                    .setDigest(digest)
                                    .setSize(content.size())))
                    .build());
    Map<String, String> root = Map.of("containerd.io/gc.root", "warm-up");
    var _ =
        snapshots()
            .prepare(
                PrepareSnapshotRequest.newBuilder()
                    .setSnapshotter(SNAPSHOTTER)
                    .setKey(BASE + "-active")
                    .putAllLabels(root)
                    .build());
    var _ =
        snapshots()
            .commit(
                CommitSnapshotRequest.newBuilder()
                    .setSnapshotter(SNAPSHOTTER)
                    .setName(BASE)
                    .setKey(BASE + "-active")
                    .putAllLabels(root)
                    .build());
  }

  /** One container from nothing to nothing. */
  void round(long number) {
    channel.shutdown();
    channel = connect();
    String id = "c" + number;
    look();
    lookForLayers();
    String lease =
        leases()
            .create(
                CreateRequest.newBuilder()
                    .setId("l" + number)
                    .putLabels("containerd.io/gc.expire", Instant.now().plus(LEASE).toString())
                    .build())
            .getLease()
            .getId();
    look();
    create(id, lease);
    var _ = leases().delete(DeleteRequest.newBuilder().setId(lease).build());
    run(id);
    remove(id);
  }

  private void look() {
    var _ = images().get(GetImageRequest.newBuilder().setName(IMAGE).build());
    for (int i = 0; i < 4; i++) {
      var _ = content().info(InfoRequest.newBuilder().setDigest(digest).build());
      Iterator<?> parts =
          content()
              .read(
                  ReadContentRequest.newBuilder()
                      .setDigest(digest)
                      .setSize(content.size())
                      .build());
      while (parts.hasNext()) {
        var _ = parts.next();
      }
    }
  }

  private void lookForLayers() {
    var _ =
        namespaces()
            .get(GetNamespaceRequest.newBuilder().setName(Identifier.WARM_UP_NAMESPACE).build());
    var _ =
        snapshots()
            .stat(
                StatSnapshotRequest.newBuilder().setSnapshotter(SNAPSHOTTER).setKey(BASE).build());
  }

  private void create(String id, String lease) {
    var _ =
        UnixChannel.in(SnapshotsGrpc.newBlockingStub(channel), Identifier.WARM_UP_NAMESPACE, lease)
            .prepare(
                PrepareSnapshotRequest.newBuilder()
                    .setSnapshotter(SNAPSHOTTER)
                    .setKey(id)
                    .setParent(BASE)
                    .build());
    var _ = mounts(id);
    var _ =
        containers()
            .create(
                CreateContainerRequest.newBuilder()
                    .setContainer(
                        Container.newBuilder()
                            .setId(id)
                            .setImage(IMAGE)
                            // A process of its own for each round would be the opposite of warm.
                            .putLabels(Tasks.ISOLATION_LABEL, "pool")
                            .putLabels("io.containerd.image.config.stop-signal", "SIGTERM")
                            .setRuntime(
                                Container.Runtime.newBuilder()
                                    .setName("io.containerd.runc.v2")
                                    .setOptions(
                                        Any.newBuilder().setTypeUrl("containerd.runc.v1.Options")))
                            .setSpec(Anys.of(Anys.SPEC, ByteString.copyFromUtf8(spec(id))))
                            .setSnapshotter(SNAPSHOTTER)
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
        tasks()
            .create(
                CreateTaskRequest.newBuilder()
                    .setContainerId(id)
                    .addAllRootfs(mounts)
                    .setStdin(pipes.resolve(STREAMS.get(0)).toString())
                    .setStdout(pipes.resolve(STREAMS.get(1)).toString())
                    .setStderr(pipes.resolve(STREAMS.get(2)).toString())
                    .build());
    CompletableFuture<Void> ended = awaitExit(id);
    var _ = tasks().start(StartRequest.newBuilder().setContainerId(id).build());
    unlessAbsent(() ->
        tasks().closeIO(CloseIORequest.newBuilder().setContainerId(id).setStdin(true).build()));
    try {
      ended.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("wait for " + id + ": interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new BerthException.Unavailable("wait for " + id + ": " + e.getMessage(), e);
    }
    state(id);
    var _ = tasks().delete(DeleteTaskRequest.newBuilder().setContainerId(id).build());
    unlessAbsent(() -> state(id));
  }

  private List<Mount> mounts(String id) {
    return snapshots()
        .mounts(MountsRequest.newBuilder().setSnapshotter(SNAPSHOTTER).setKey(id).build())
        .getMountsList();
  }

  private void state(String id) {
    var _ = tasks().get(GetRequest.newBuilder().setContainerId(id).build());
  }

  private CompletableFuture<Void> awaitExit(String id) {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    UnixChannel.in(TasksGrpc.newStub(channel), Identifier.WARM_UP_NAMESPACE, null)
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
        snapshots()
            .remove(
                RemoveSnapshotRequest.newBuilder().setSnapshotter(SNAPSHOTTER).setKey(id).build());
    var _ = containers().delete(DeleteContainerRequest.newBuilder().setId(id).build());
  }

  private void get(String id) {
    var _ = containers().get(GetContainerRequest.newBuilder().setId(id).build());
  }

  private void write() {
    CompletableFuture<Void> written = new CompletableFuture<>();
    StreamObserver<WriteContentRequest> requests =
        UnixChannel.in(ContentGrpc.newStub(channel), Identifier.WARM_UP_NAMESPACE, null)
            .write(
                new StreamObserver<>() {
                  @Override
                  public void onNext(WriteContentResponse response) {
                    // Only the end counts.
                  }

                  @Override
                  public void onError(Throwable failure) {
                    boolean there =
                        Status.fromThrowable(failure).getCode() == Status.Code.ALREADY_EXISTS;
                    if (there) {
                      written.complete(null);
                    } else {
                      written.completeExceptionally(failure);
                    }
                  }

                  @Override
                  public void onCompleted() {
                    written.complete(null);
                  }
                });
    requests.onNext(
        WriteContentRequest.newBuilder()
            .setAction(WriteAction.COMMIT)
            .setRef("warm-up")
            .setTotal(content.size())
            .setExpected(digest)
            .setData(content)
            .putLabels("containerd.io/gc.root", "warm-up")
            .build());
    requests.onCompleted();
    try {
      written.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BerthException.Cancelled("write: interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new BerthException.Unavailable("write `" + digest + "`: " + e.getMessage(), e);
    }
  }

  /**
   * Removes everything that this or an earlier life made. A container that was being made when its
   * service died needs a moment until it is known what became of it.
   */
  void clear() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + CLEARING.toNanos();
    while (!clearContainers() && System.nanoTime() < deadline) {
      Thread.sleep(CLEARING_PAUSE);
    }
    List<String> keys = new ArrayList<>();
    snapshots()
        .list(ListSnapshotsRequest.newBuilder().setSnapshotter(SNAPSHOTTER).build())
        .forEachRemaining(page -> page.getInfoList().forEach(info -> keys.add(info.getName())));
    keys.remove(BASE);
    keys.addLast(BASE);
    for (String key : keys) {
      unlessAbsent(() ->
          snapshots()
              .remove(
                  RemoveSnapshotRequest.newBuilder()
                      .setSnapshotter(SNAPSHOTTER)
                      .setKey(key)
                      .build()));
    }
    unlessAbsent(() -> images().delete(DeleteImageRequest.newBuilder().setName(IMAGE).build()));
    unlessAbsent(
        () -> content().delete(DeleteContentRequest.newBuilder().setDigest(digest).build()));
    leases()
        .list(ListRequest.getDefaultInstance())
        .getLeasesList()
        .forEach(lease ->
            unlessAbsent(
                () -> leases().delete(DeleteRequest.newBuilder().setId(lease.getId()).build())));
    for (String stream : STREAMS) {
      Files.deleteIfExists(pipes.resolve(stream));
    }
    Files.deleteIfExists(pipes);
  }

  private boolean clearContainers() {
    List<Container> left =
        containers().list(ListContainersRequest.getDefaultInstance()).getContainersList();
    for (Container container : left) {
      end(container.getId());
      unlessAbsent(() ->
          containers()
              .delete(DeleteContainerRequest.newBuilder().setId(container.getId()).build()));
    }
    return left.isEmpty();
  }

  private void end(String id) {
    unlessAbsent(() ->
        tasks()
            .kill(KillRequest.newBuilder().setContainerId(id).setSignal(9).setAll(true).build()));
    unlessAbsent(() -> tasks().wait(WaitRequest.newBuilder().setContainerId(id).build()));
    unlessAbsent(() -> tasks().delete(DeleteTaskRequest.newBuilder().setContainerId(id).build()));
  }

  private static void unlessAbsent(Runnable call) {
    try {
      call.run();
    } catch (StatusRuntimeException e) {
      Status.Code code = e.getStatus().getCode();
      if (code != Status.Code.NOT_FOUND && code != Status.Code.FAILED_PRECONDITION) {
        throw e;
      }
    }
  }

  private ContainersGrpc.ContainersBlockingStub containers() {
    return in(ContainersGrpc.newBlockingStub(channel));
  }

  private TasksGrpc.TasksBlockingStub tasks() {
    return in(TasksGrpc.newBlockingStub(channel));
  }

  private ImagesGrpc.ImagesBlockingStub images() {
    return in(ImagesGrpc.newBlockingStub(channel));
  }

  private ContentGrpc.ContentBlockingStub content() {
    return in(ContentGrpc.newBlockingStub(channel));
  }

  private SnapshotsGrpc.SnapshotsBlockingStub snapshots() {
    return in(SnapshotsGrpc.newBlockingStub(channel));
  }

  private LeasesGrpc.LeasesBlockingStub leases() {
    return in(LeasesGrpc.newBlockingStub(channel));
  }

  private NamespacesGrpc.NamespacesBlockingStub namespaces() {
    return in(NamespacesGrpc.newBlockingStub(channel));
  }

  private static <S extends AbstractStub<S>> S in(S stub) {
    return UnixChannel.in(stub, Identifier.WARM_UP_NAMESPACE, null)
        .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    loops.close();
  }
}
