package io.berth.cli.resident;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A line's view of a channel that others use as well: shut down, it ends the calls of this line and
 * no others, and takes no more of them. Each call goes over the channel that there is then, for a
 * service may be started anew while the line stays.
 */
final class LineChannel extends ManagedChannel {
  private final Supplier<ManagedChannel> shared;

  @GuardedBy("this")
  private final Set<ClientCall<?, ?>> calls = new HashSet<>();

  @GuardedBy("this")
  private boolean over;

  LineChannel(Supplier<ManagedChannel> shared) {
    this.shared = shared;
  }

  @Override
  public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
    return new Tracked<>(shared.get().newCall(method, options));
  }

  private final class Tracked<Q, A> extends SimpleForwardingClientCall<Q, A> {
    Tracked(ClientCall<Q, A> call) {
      super(call);
    }

    @Override
    public void start(Listener<A> listener, Metadata headers) {
      super.start(
          new SimpleForwardingClientCallListener<>(listener) {
            @Override
            public void onClose(Status status, Metadata trailers) {
              forget(Tracked.this);
              super.onClose(status, trailers);
            }
          },
          headers);
      if (!keep(this)) {
        cancel("the line is over", null);
      }
    }
  }

  private synchronized boolean keep(ClientCall<?, ?> call) {
    return !over && calls.add(call);
  }

  private synchronized void forget(ClientCall<?, ?> call) {
    calls.remove(call);
  }

  @Override
  public ManagedChannel shutdown() {
    return shutdownNow();
  }

  @Override
  public ManagedChannel shutdownNow() {
    Set<ClientCall<?, ?>> open;
    synchronized (this) {
      over = true;
      open = Set.copyOf(calls);
    }
    open.forEach(call -> call.cancel("the line is over", null));
    return this;
  }

  @Override
  public synchronized boolean isShutdown() {
    return over;
  }

  @Override
  public synchronized boolean isTerminated() {
    return over && calls.isEmpty();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return isTerminated();
  }

  @Override
  public ConnectivityState getState(boolean requestConnection) {
    return shared.get().getState(requestConnection);
  }

  @Override
  public void notifyWhenStateChanged(ConnectivityState source, Runnable callback) {
    shared.get().notifyWhenStateChanged(source, callback);
  }

  @Override
  public String authority() {
    return shared.get().authority();
  }
}
