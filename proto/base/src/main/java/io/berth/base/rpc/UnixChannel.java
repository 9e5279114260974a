package io.berth.base.rpc;

import io.berth.base.error.ErrorDetails;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Channels to gRPC servers on Unix sockets. Lazy: a missing server fails calls with UNAVAILABLE,
 * and is found when it comes.
 */
public final class UnixChannel {
  /**
   * How long a server that has calls may say nothing at all: it answers pings on its event loop,
   * whatever its handlers do.
   */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private UnixChannel() {}

  /**
   * A channel to the server on a socket; the caller shuts it down. Messages of up to 16 MiB are
   * taken. Failures come with their {@link io.berth.base.error.ErrorDetail}, from any service. Of a
   * server that is stopped or hangs, calls fail with UNAVAILABLE within twenty seconds, as of one
   * that is not there.
   */
  public static ManagedChannel to(EventLoops loops, Path socket) {
    return to(loops, socket, SILENCE);
  }

  /** The same, whose calls others see as well, on the threads that make them. */
  public static ManagedChannel to(EventLoops loops, Path socket, ClientInterceptor... watching) {
    return to(loops, socket, SILENCE, watching);
  }

  /**
   * The same.
   *
   * @param silence how long a server may say nothing; once it has said something, gRPC pings at
   *     most each ten seconds
   */
  static ManagedChannel to(
      EventLoops loops, Path socket, Duration silence, ClientInterceptor... watching) {
    Reconnect reconnect = new Reconnect(socket);
    Patience patience = new Patience(loops, silence);
    Metadata details = new Metadata();
    details.put(ErrorDetails.HEADER, "1");
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            .eventLoopGroup(loops.group())
            .executor(loops.handlers())
            .overrideAuthority("localhost")
            .usePlaintext()
            .maxInboundMessageSize(16 << 20)
            .maxInboundMetadataSize(ErrorDetails.WANTED_BYTES)
            .initialFlowControlWindow(1 << 20)
            .idleTimeout(30, TimeUnit.DAYS)
            .keepAliveTime(silence.toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(silence.toMillis(), TimeUnit.MILLISECONDS)
            .disableRetry()
            .intercept(
                reconnect,
                patience,
                new BrokenConnections(),
                MetadataUtils.newAttachHeadersInterceptor(details))
            .intercept(watching)
            .build();
    reconnect.channel = channel;
    patience.of(channel);
    return channel;
  }

  /** A stub whose calls carry a namespace and, if not null, a lease. */
  public static <S extends AbstractStub<S>> S in(S stub, String namespace, @Nullable String lease) {
    Metadata headers = new Metadata();
    headers.put(CallContext.NAMESPACE_HEADER, namespace);
    if (lease != null) {
      headers.put(CallContext.LEASE_HEADER, lease);
    }
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** A stub whose calls carry a request's number: see {@link CallContext#REQUEST_ID_HEADER}. */
  public static <S extends AbstractStub<S>> S numbered(S stub, String requestId) {
    Metadata headers = new Metadata();
    headers.put(CallContext.REQUEST_ID_HEADER, requestId);
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /**
   * A service that comes back is called at once: after a failed connection gRPC would fail calls
   * for seconds, and minutes later on, before it tries again. One that is still absent fails at
   * once, too.
   */
  private static final class Reconnect implements ClientInterceptor {
    private final Path socket;
    private volatile @Nullable ManagedChannel channel;

    Reconnect(Path socket) {
      this.socket = socket;
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      ManagedChannel own = channel;
      if (own != null
          && own.getState(/* requestConnection= */ false) == ConnectivityState.TRANSIENT_FAILURE
          && isListening()) {
        own.resetConnectBackoff();
        return next.newCall(method, options.withWaitForReady());
      }
      return next.newCall(method, options);
    }

    private boolean isListening() {
      try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        return true;
      } catch (IOException e) {
        return false;
      }
    }
  }
}
