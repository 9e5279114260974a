package io.berth.containerd.timing;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/** Makes each call that is made in a {@link Timing} a span of it. */
public final class TimedCalls implements ClientInterceptor {
  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    ClientCall<Q, A> call = next.newCall(method, options);
    Timing.Open span = Timing.open(nameOf(method));
    if (span == null) {
      return call;
    }
    return new SimpleForwardingClientCall<>(call) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onClose(Status status, Metadata trailers) {
                span.end();
                super.onClose(status, trailers);
              }
            },
            headers);
      }
    };
  }

  private static String nameOf(MethodDescriptor<?, ?> method) {
    String service = String.valueOf(method.getServiceName());
    return service.substring(service.lastIndexOf('.') + 1) + "." + method.getBareMethodName();
  }
}
