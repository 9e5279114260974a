package io.berth.base.rpc;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import org.jspecify.annotations.Nullable;

/**
 * Puts the call's headers and its peer into its context, where {@link CallContext} finds them.
 * Checks nothing.
 */
public final class HeaderInterceptor implements ServerInterceptor {
  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Context context = Context.current();
    context = with(context, CallContext.NAMESPACE, first(headers, CallContext.NAMESPACE_HEADER));
    context = with(context, CallContext.LEASE, first(headers, CallContext.LEASE_HEADER));
    context = with(context, CallContext.REQUEST_ID, first(headers, CallContext.REQUEST_ID_HEADER));
    Peer peer = Peer.of(call);
    if (peer != null) {
      context = context.withValue(CallContext.PEER, peer);
    }
    return Contexts.interceptCall(context, call, headers, next);
  }

  private static Context with(Context context, Context.Key<String> key, @Nullable String value) {
    return value == null ? context : context.withValue(key, value);
  }

  // Metadata.get answers the last value of a header, while containerd takes the first.
  private static @Nullable String first(Metadata headers, Metadata.Key<String> key) {
    Iterable<String> all = headers.getAll(key);
    return all == null ? null : all.iterator().next();
  }
}
