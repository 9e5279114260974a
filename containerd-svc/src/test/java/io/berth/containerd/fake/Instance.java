package io.berth.containerd.fake;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.CreateContainerRequest;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.services.tasks.v1.CreateTaskRequest;
import io.berth.api.containerd.services.tasks.v1.TasksGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.config.Config;
import io.berth.base.id.TaskKey;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.ContainerdComponent;
import io.berth.containerd.ContainerdComponents;
import io.berth.containerd.ContainerdDaemon;
import io.berth.testing.Eventually;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The whole service on real sockets and files in a folder of a test's own, over fake shim
 * processes; it can be stopped and started again.
 */
public final class Instance implements AutoCloseable {
  public static final String NAMESPACE = "test";

  /** Where the service waits for the next event of a subscriber. */
  private static final String TAKING = "io.berth.containerd.event.EventBroker$Subscription.take";

  public final Config config;
  public final FakeShimProcesses hosts;
  private final EventLoops loops = new EventLoops(1);
  private final ManagedChannel channel;
  private @Nullable ContainerdDaemon daemon;

  public Instance(Path folder) throws IOException {
    this(folder, "");
  }

  public Instance(Path folder, String more) throws IOException {
    // Nobody serves images here, so there is nothing to warm up with.
    config =
        Config.parse(
            null,
            "root = \""
                + folder
                + "/r\"\nstate = \""
                + folder
                + "/s\"\n"
                + more
                + "[containerd]\nwarm_rounds = 0\n");
    Files.createDirectories(config.root());
    Files.createDirectories(config.state());
    hosts = new FakeShimProcesses(config);
    channel = UnixChannel.to(loops, config.socket("containerd"));
    start();
  }

  /** Starts the service; it answers when this returns. */
  public void start() throws IOException {
    ContainerdComponent component =
        ContainerdComponents.create(config, hosts, InstantSource.system());
    ContainerdDaemon started = component.daemon();
    started.start();
    daemon = started;
    channel.resetConnectBackoff();
  }

  /** Stops the service in order; the shim processes live on. */
  public void stop() {
    ContainerdDaemon running = daemon;
    daemon = null;
    if (running != null) {
      running.stop();
    }
  }

  /** To the service's socket. */
  public ManagedChannel channel() {
    return channel;
  }

  public TasksGrpc.TasksBlockingStub tasks() {
    return UnixChannel.in(TasksGrpc.newBlockingStub(channel), NAMESPACE, null)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  public ContainersGrpc.ContainersBlockingStub containers() {
    return UnixChannel.in(ContainersGrpc.newBlockingStub(channel), NAMESPACE, null)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  public static TaskKey key(String id) {
    return new TaskKey(NAMESPACE, id);
  }

  /** The folder of a task. */
  public Path folder(String id) {
    return new StateFolders(config.state()).task(key(id)).path();
  }

  /** A record whose init is this program. */
  public Container record(String id, String program) {
    return containers()
        .create(CreateContainerRequest.newBuilder().setContainer(described(id, program)).build())
        .getContainer();
  }

  public static Container described(String id, String program) {
    String spec =
        "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\""
            + program
            + "\"],\"cwd\":\"/\"},"
            + "\"root\":{\"path\":\"rootfs\"},\"linux\":{\"cgroupsPath\":\"/test/"
            + id
            + "\"}}";
    return Container.newBuilder()
        .setId(id)
        .setRuntime(Container.Runtime.newBuilder().setName("io.containerd.runc.v2"))
        .setSpec(Anys.of(Anys.SPEC, ByteString.copyFromUtf8(spec)))
        .build();
  }

  /** What an exec of this program sends. */
  public static Any process(String program) {
    return Anys.of(
        Anys.PROCESS, ByteString.copyFromUtf8("{\"args\":[\"" + program + "\"],\"cwd\":\"/\"}"));
  }

  /** Record and task. */
  public int createTask(String id, String program) {
    record(id, program);
    return tasks().create(CreateTaskRequest.newBuilder().setContainerId(id).build()).getPid();
  }

  /** Events from now on, subscribed when this returns. */
  public Events events(String... filters) throws InterruptedException {
    long before = ServiceThreads.in(TAKING);
    Events events = new Events();
    EventsGrpc.newStub(channel)
        .withWaitForReady()
        .subscribe(SubscribeRequest.newBuilder().addAllFilters(List.of(filters)).build(), events);
    Eventually.holds(
        "subscribed or refused",
        () -> ServiceThreads.in(TAKING) > before || events.failure() != null);
    return events;
  }

  /** A subscriber. */
  public static final class Events implements StreamObserver<Envelope> {
    private final BlockingQueue<Envelope> queue = new LinkedBlockingQueue<>();
    private volatile @Nullable Throwable failure;

    @Override
    public void onNext(Envelope envelope) {
      queue.add(envelope);
    }

    @Override
    public void onError(Throwable thrown) {
      failure = thrown;
    }

    @Override
    public void onCompleted() {}

    public @Nullable Throwable failure() {
      return failure;
    }

    /** The next one; fails the test after 10 s. */
    public Envelope next() throws InterruptedException {
      Envelope next = queue.poll(10, TimeUnit.SECONDS);
      if (next == null) {
        throw new AssertionError("no event within 10 s", failure);
      }
      return next;
    }

    /** Topics up to and with this one. */
    public List<String> topicsUntil(String topic) throws InterruptedException {
      List<String> topics = new java.util.ArrayList<>();
      String last;
      do {
        last = next().getTopic();
        topics.add(last);
      } while (!last.equals(topic));
      return topics;
    }

    /** Whether nothing more comes for a while. */
    public boolean isQuiet() throws InterruptedException {
      return queue.poll(300, TimeUnit.MILLISECONDS) == null;
    }
  }

  @Override
  public void close() {
    stop();
    channel.shutdownNow();
    hosts.close();
    loops.close();
  }
}
