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
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The whole service on real sockets and files in a folder of its own, over fake shim processes. It
 * runs for the length of one test, as {@code @RegisterExtension final Instance instance = new
 * Instance();}, and can be stopped and started again meanwhile; in the middle of a test it is a
 * resource, which the test starts.
 */
public final class Instance implements BeforeEachCallback, AfterEachCallback, AutoCloseable {
  public static final String NAMESPACE = "test";

  /** Where the service waits for the next event of a subscriber. */
  private static final String TAKING = "io.berth.containerd.event.EventBroker$Subscription.take";

  private final Path folder;
  public final Config config;
  public final FakeShimProcesses hosts;
  private final EventLoops loops = new EventLoops(1);
  private final ManagedChannel channel;
  private @Nullable ContainerdDaemon daemon;

  public Instance() {
    this("");
  }

  /** Takes more lines of the configuration. */
  public Instance(String more) {
    this(more, "");
  }

  /**
   * Takes more lines of the configuration, and of its table {@code containerd}, which stands last.
   */
  public Instance(String more, String containerd) {
    try {
      folder = Files.createTempDirectory("berth-containerd");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
                + "[containerd]\nwarm_rounds = 0\n"
                + containerd);
    hosts = new FakeShimProcesses(config);
    channel = UnixChannel.to(loops, config.socket("containerd"));
  }

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    start();
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException {
    close();
  }

  /** Starts the service; it answers when this returns. */
  public void start() throws IOException {
    Files.createDirectories(config.root());
    Files.createDirectories(config.state());
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

  /** The instance's own folder, which goes with it. */
  public Path folder() {
    return folder;
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

  /** Events from now on, subscribed when this returns; no other subscription may end meanwhile. */
  public Events events(String... filters) throws InterruptedException {
    long before = subscriptions();
    Events events = new Events();
    EventsGrpc.newStub(channel)
        .withWaitForReady()
        .subscribe(SubscribeRequest.newBuilder().addAllFilters(List.of(filters)).build(), events);
    Eventually.holds(
        "subscribed or refused", () -> subscriptions() > before || events.failure() != null);
    return events;
  }

  /** How many subscriptions there are in this process, of all its instances. */
  public static long subscriptions() {
    return ServiceThreads.in(TAKING);
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
  public void close() throws IOException {
    stop();
    channel.shutdownNow();
    hosts.close();
    loops.close();
    // A process that starts or ends in the background makes and removes files of its own meanwhile.
    try {
      Eventually.holds("the instance's folder is gone", this::isRemoved);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private boolean isRemoved() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
      return true;
    } catch (DirectoryNotEmptyException | UncheckedIOException e) {
      return false;
    }
  }
}
