package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the wait for a server that was stopped, or hangs, before a connection to it stands: the
 * kernel connects in its place, and then nobody says a word. Once there is a connection, pings of
 * HTTP/2 bound the wait.
 */
final class Patience implements ClientInterceptor {
  private final EventLoops loops;
  private final Duration patience;
  private volatile @Nullable ManagedChannel channel;

  Patience(EventLoops loops, Duration patience) {
    this.loops = loops;
    this.patience = patience;
  }

  /** For the channel that was built with this. */
  void of(ManagedChannel built) {
    channel = built;
  }

  private boolean isConnected() {
    ManagedChannel own = channel;
    return own == null || own.getState(/* requestConnection= */ false) == ConnectivityState.READY;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    ClientCall<Q, A> call = next.newCall(method, options);
    // Who waits for a server that is not there yet says so, and until when.
    return isConnected() || options.isWaitForReady() ? call : new Waiting<>(call);
  }

  private final class Waiting<Q, A> extends SimpleForwardingClientCall<Q, A> {
    @GuardedBy("this")
    private boolean closed;

    @GuardedBy("this")
    private boolean givenUp;

    @GuardedBy("this")
    private @Nullable ScheduledFuture<?> timer;

    Waiting(ClientCall<Q, A> call) {
      super(call);
    }

    @Override
    public void start(Listener<A> listener, Metadata headers) {
      super.start(
          new SimpleForwardingClientCallListener<>(listener) {
            @Override
            public void onClose(Status status, Metadata trailers) {
              super.onClose(end() ? silence() : status, trailers);
            }
          },
          headers);
      watch();
    }

    private synchronized void watch() {
      if (closed) {
        return;
      }
      try {
        timer =
            loops.group().next().schedule(this::look, patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (RejectedExecutionException e) {
        // The process ends, and this call with its channel: there is nobody to be patient with.
        assert closed || loops.group().isShuttingDown();
      }
    }

    private void look() {
      synchronized (this) {
        if (closed || isConnected()) {
          return;
        }
        givenUp = true;
      }
      cancel("nobody answers", null);
    }

    /** The call has ended; answers whether that was for want of patience. */
    private synchronized boolean end() {
      closed = true;
      if (timer != null) {
        timer.cancel(/* mayInterruptIfRunning= */ false);
      }
      return givenUp;
    }

    private Status silence() {
      return Status.UNAVAILABLE.withDescription(
          "the socket is there, and nobody answers on it: the program is stopped or hangs");
    }
  }
}
