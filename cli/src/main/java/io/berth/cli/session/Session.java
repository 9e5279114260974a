package io.berth.cli.session;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.error.ErrorDetails;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a command has to work with: its caller, the configuration, and calls to the services.
 *
 * <p>A call is named by its gRPC method, which also tells the service that carries it out. Every
 * call blocks until it is answered, carries the namespace, and throws a {@link BerthException} when
 * it fails. Safe for use by several threads: signals are passed on from a thread of their own.
 */
public final class Session {
  /** Short name of the service for containers and tasks. */
  public static final String CONTAINERD = "containerd";

  /** Short name of the service for images, root file systems and volumes. */
  public static final String IMAGE = "image";

  /** Short name of the service for networks and endpoints. */
  public static final String NETWORK = "network";

  private final Config config;
  private final Caller caller;
  private final Connector connector;
  private final String namespace;
  private final Terms terms;
  private final AtomicInteger calls = new AtomicInteger();
  private final Map<String, Channel> channels = new ConcurrentHashMap<>();

  /**
   * How calls are made.
   *
   * @param timing whether each call and its duration are told on standard error
   * @param connecting the longest that a service may take to accept a connection; null: no limit
   * @param end when the whole command must be done; null: no limit
   */
  public record Terms(boolean timing, @Nullable Duration connecting, @Nullable Deadline end) {}

  /** Opens nothing yet. The connector stays the owner's, who closes it. */
  public Session(Config config, Caller caller, Connector connector, String namespace, Terms terms) {
    this.config = config;
    this.caller = caller;
    this.connector = connector;
    this.namespace = namespace;
    this.terms = terms;
  }

  /** Where the line came from and its answer goes to. */
  public Caller caller() {
    return caller;
  }

  /** The caller's standard output. */
  public PrintStream out() {
    return caller.out();
  }

  /** The caller's standard error. */
  public PrintStream err() {
    return caller.err();
  }

  /** Prints what a service warned of, a line each, to standard error. */
  public void warn(List<String> warnings) {
    warnings.forEach(warning -> err().println("WARNING: " + warning));
  }

  /** The configuration in force. */
  public Config config() {
    return config;
  }

  /** The containerd namespace of all calls. */
  public String namespace() {
    return namespace;
  }

  /** Makes a call with one request and one answer. */
  @CanIgnoreReturnValue
  public <Q, A> A call(MethodDescriptor<Q, A> method, Q request) {
    return call(serviceOf(method), method, request);
  }

  /** The same; empty if there was no answer in that time, and the call is given up. */
  public <Q, A> Optional<A> callWithin(
      Duration patience, MethodDescriptor<Q, A> method, Q request) {
    String service = serviceOf(method);
    Deadline end = Deadline.after(patience.toNanos(), TimeUnit.NANOSECONDS);
    CallOptions own = options();
    Deadline terms = own.getDeadline();
    try {
      return Optional.of(
          tell(
              service,
              method,
              () ->
                  ClientCalls.blockingUnaryCall(
                      channel(service),
                      method,
                      own.withDeadline(terms == null ? end : end.minimum(terms)),
                      request)));
    } catch (BerthException.DeadlineExceeded e) {
      if (end.isExpired()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Makes a call that several services know, such as those for health, to one of them. */
  @CanIgnoreReturnValue
  public <Q, A> A call(String service, MethodDescriptor<Q, A> method, Q request) {
    return tell(
        service,
        method,
        () -> ClientCalls.blockingUnaryCall(channel(service), method, options(), request));
  }

  /**
   * Makes a call with a stream of answers.
   *
   * @param reading reads the answers while the call goes on; what it returns is returned
   */
  @CanIgnoreReturnValue
  public <Q, A, R> R stream(
      MethodDescriptor<Q, A> method, Q request, Function<Iterator<A>, R> reading) {
    String service = serviceOf(method);
    return tell(
        service,
        method,
        () ->
            reading.apply(
                ClientCalls.blockingServerStreamingCall(
                    channel(service), method, options(), request)));
  }

  /**
   * Begins a call with a stream of answers, and blocks for the first one. The call goes on until it
   * is closed, or the service ends it.
   */
  public <Q, A> Begun<A> begin(MethodDescriptor<Q, A> method, Q request) {
    String service = serviceOf(method);
    Context.CancellableContext call = Context.current().withCancellation();
    return tell(
        service,
        method,
        () -> {
          Context before = call.attach();
          try {
            Iterator<A> answers =
                ClientCalls.blockingServerStreamingCall(
                    channel(service), method, options(), request);
            return new Begun<>(answers.next(), call);
          } catch (StatusRuntimeException | BerthException e) {
            call.cancel(e);
            throw e;
          } finally {
            call.detach(before);
          }
        });
  }

  /**
   * Makes a call with a stream of requests.
   *
   * @param exchange begins the call by naming who gets the answers, is given who takes the
   *     requests, and returns when the call is done; what it returns is returned
   */
  public <Q, A, R> R exchange(
      MethodDescriptor<Q, A> method,
      Function<Function<StreamObserver<A>, StreamObserver<Q>>, R> exchange) {
    String service = serviceOf(method);
    return tell(service, method, () -> exchange.apply(answers -> begin(service, method, answers)));
  }

  private <Q, A> StreamObserver<Q> begin(
      String service, MethodDescriptor<Q, A> method, StreamObserver<A> answers) {
    ClientCall<Q, A> call = channel(service).newCall(method, options());
    return method.getType().serverSendsOneMessage()
        ? ClientCalls.asyncClientStreamingCall(call, answers)
        : ClientCalls.asyncBidiStreamingCall(call, answers);
  }

  private <A> A tell(String service, MethodDescriptor<?, ?> method, Calls.ClientCall<A> call) {
    long start = System.nanoTime();
    try {
      return Calls.call(
          config.socket(service), "berth-" + service, () -> ownOrTheConnections(call));
    } finally {
      int number = calls.incrementAndGet();
      if (terms.timing) {
        double millis = (System.nanoTime() - start) / 1e6;
        err().printf(Locale.ROOT, "%2d %-28s %8.2f ms%n", number, nameOf(method), millis);
      }
    }
  }

  /** A method's name as people say it: {@code Containers.Get}. */
  private static String nameOf(MethodDescriptor<?, ?> method) {
    String service = String.valueOf(method.getServiceName());
    return service.substring(service.lastIndexOf('.') + 1) + "." + method.getBareMethodName();
  }

  /** The service that carries a method out, told by the package of its protobuf service. */
  private static String serviceOf(MethodDescriptor<?, ?> method) {
    String service = String.valueOf(method.getServiceName());
    if (service.startsWith("berth.image.") || service.startsWith("berth.volume.")) {
      return IMAGE;
    }
    return service.startsWith("berth.network.") ? NETWORK : CONTAINERD;
  }

  /**
   * Tells the two kinds of UNAVAILABLE apart: one that the service itself answered, because it
   * could not reach a registry for example, is passed on as it is; only one that the connection met
   * says that the service is absent.
   */
  private static <A> A ownOrTheConnections(Calls.ClientCall<A> call) throws StatusException {
    try {
      return call.run();
    } catch (StatusRuntimeException e) {
      boolean answered =
          e.getStatus().getCode() == Status.Code.UNAVAILABLE
              && e.getTrailers() != null
              && ErrorDetails.areAnswers(e.getTrailers());
      BerthException meant = ErrorCodec.fromCall(e);
      throw answered ? new BerthException.Aborted(meant.getMessage(), e) : e;
    }
  }

  private CallOptions options() {
    return terms.end == null ? CallOptions.DEFAULT : CallOptions.DEFAULT.withDeadline(terms.end);
  }

  /** The channel to a service, on which every call carries the namespace. */
  private Channel channel(String service) {
    Channel known = channels.get(service);
    if (known != null) {
      return known;
    }
    Channel plain = connector.to(service);
    Duration patience = terms.connecting;
    if (patience != null && plain instanceof ManagedChannel own) {
      awaitConnection(service, own, patience);
    }
    Metadata headers = new Metadata();
    headers.put(CallContext.NAMESPACE_HEADER, namespace);
    Channel made =
        ClientInterceptors.intercept(plain, MetadataUtils.newAttachHeadersInterceptor(headers));
    channels.put(service, made);
    return made;
  }

  /**
   * Waits until the service has accepted a connection, or the connection failed: then the call
   * itself says why.
   */
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
}
