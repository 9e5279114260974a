package io.berth.cli.session;

import io.berth.api.berth.container.v1.ContainersGrpc;
import io.berth.api.berth.image.v1.ImagesGrpc;
import io.berth.api.berth.image.v1.RootfsGrpc;
import io.berth.api.berth.network.v1.EndpointsGrpc;
import io.berth.api.berth.network.v1.NetworksGrpc;
import io.berth.api.berth.volume.v1.VolumesGrpc;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.UnixChannel;
import io.grpc.Channel;
import io.grpc.ConnectivityState;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What one command line works with. */
public final class Session {
  /** Short names of the services. */
  public static final String CONTAINERD = "containerd";

  /** Images, root file systems, volumes. */
  public static final String IMAGE = "image";

  /** Networks and endpoints. */
  public static final String NETWORK = "network";

  private final Config config;
  private final Streams streams;
  private final Connector connector;
  private final String namespace;
  private final Terms terms;
  private final AtomicInteger calls = new AtomicInteger();
  private final Set<String> connected = ConcurrentHashMap.newKeySet();

  /**
   * How calls are made.
   *
   * @param timing each is told on stderr
   * @param connecting the longest that a service may take to answer a connection; null for any
   * @param end when all must be done; null for never
   */
  public record Terms(boolean timing, @Nullable Duration connecting, @Nullable Deadline end) {}

  /** All that is given stays the caller's. */
  public Session(
      Config config, Streams streams, Connector connector, String namespace, Terms terms) {
    this.config = config;
    this.streams = streams;
    this.connector = connector;
    this.namespace = namespace;
    this.terms = terms;
  }

  /** Where the line came from and its answer goes to. */
  public Streams streams() {
    return streams;
  }

  /** The configuration in force. */
  public Config config() {
    return config;
  }

  /** The containerd namespace of all calls. */
  public String namespace() {
    return namespace;
  }

  /**
   * One call, also the whole of a stream; its failure is a {@link
   * io.berth.base.error.BerthException}.
   *
   * @param what it is, for {@code --timing}
   */
  public <A> A call(String service, String what, Calls.ClientCall<A> call) {
    long start = System.nanoTime();
    try {
      return Calls.call(config.socket(service), "berth-" + service, () -> saidOrUnsaid(call));
    } finally {
      int number = calls.incrementAndGet();
      if (terms.timing) {
        streams
            .err()
            .printf("%2d %-28s %8.2f ms%n", number, what, (System.nanoTime() - start) / 1e6);
      }
    }
  }

  /**
   * An UNAVAILABLE that the service itself said, of a registry for example, is passed on; only one
   * that the connection met is about the service.
   */
  private static <A> A saidOrUnsaid(Calls.ClientCall<A> call) throws StatusException {
    try {
      return call.run();
    } catch (StatusRuntimeException e) {
      boolean said =
          e.getStatus().getCode() == Status.Code.UNAVAILABLE && e.getStatus().getCause() == null;
      BerthException meant = ErrorCodec.fromCall(e);
      throw said ? new BerthException.Aborted(meant.getMessage(), e) : e;
    }
  }

  /** A stub of any service's, with the namespace on its calls. */
  public <S extends AbstractStub<S>> S stub(String service, Function<Channel, S> make) {
    Channel channel = connector.to(service);
    Duration patience = terms.connecting;
    if (patience != null && channel instanceof ManagedChannel own && connected.add(service)) {
      awaitConnection(service, own, patience);
    }
    S stub = UnixChannel.in(make.apply(channel), namespace, null);
    return terms.end == null ? stub : stub.withDeadline(terms.end);
  }

  /** Until the service has answered, or the connection failed: the call itself says why. */
  private void awaitConnection(String service, ManagedChannel channel, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    for (ConnectivityState state = channel.getState(/* requestConnection= */ true);
        state == ConnectivityState.IDLE || state == ConnectivityState.CONNECTING;
        state = channel.getState(/* requestConnection= */ true)) {
      CountDownLatch changed = new CountDownLatch(1);
      channel.notifyWhenStateChanged(state, changed::countDown);
      try {
        if (!changed.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          throw new BerthException.Unavailable(
              "connect to `"
                  + config.socket(service)
                  + "`: no answer within "
                  + patience.toMillis()
                  + " ms; see whether berth-"
                  + service
                  + " hangs");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BerthException.Cancelled("connect: interrupted", e);
      }
    }
  }

  /** Containers as a person means them. */
  public ContainersGrpc.ContainersBlockingStub containers() {
    return stub(CONTAINERD, ContainersGrpc::newBlockingStub);
  }

  /** Images as a person means them. */
  public ImagesGrpc.ImagesBlockingStub images() {
    return stub(IMAGE, ImagesGrpc::newBlockingStub);
  }

  /** The same, for streams of requests. */
  public ImagesGrpc.ImagesStub imagesAsync() {
    return stub(IMAGE, ImagesGrpc::newStub);
  }

  /** Root file systems of containers. */
  public RootfsGrpc.RootfsBlockingStub rootfs() {
    return stub(IMAGE, RootfsGrpc::newBlockingStub);
  }

  /** The same, for streams of requests. */
  public RootfsGrpc.RootfsStub rootfsAsync() {
    return stub(IMAGE, RootfsGrpc::newStub);
  }

  /** Named folders. */
  public VolumesGrpc.VolumesBlockingStub volumes() {
    return stub(IMAGE, VolumesGrpc::newBlockingStub);
  }

  /** Networks. */
  public NetworksGrpc.NetworksBlockingStub networks() {
    return stub(NETWORK, NetworksGrpc::newBlockingStub);
  }

  /** Places on networks. */
  public EndpointsGrpc.EndpointsBlockingStub endpoints() {
    return stub(NETWORK, EndpointsGrpc::newBlockingStub);
  }
}
