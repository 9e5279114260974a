package io.berth.containerd.front;

import io.berth.base.id.Identifier;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Peer;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

/** Keeps clients out of the namespace in which this process warms itself. */
final class OwnNamespace implements ServerInterceptor {
  private final long ownPid = ProcessHandle.current().pid();
  private final Runnable clientCalled;

  /**
   * Of the process that it is made in.
   *
   * @param clientCalled runs at each call in any other namespace, before it; must not block
   */
  OwnNamespace(Runnable clientCalled) {
    this.clientCalled = clientCalled;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String namespace = CallContext.namespaceIfSent();
    if (!Identifier.WARM_UP_NAMESPACE.equals(namespace)) {
      if (namespace != null) {
        clientCalled.run();
      }
      return next.startCall(call, headers);
    }
    Peer peer = Peer.of(call);
    if (peer != null && peer.pid() == ownPid) {
      return next.startCall(call, headers);
    }
    call.close(
        Status.PERMISSION_DENIED.withDescription(
            "namespace \""
                + Identifier.WARM_UP_NAMESPACE
                + "\" is the service's own; choose another name"),
        new Metadata());
    return new ServerCall.Listener<>() {};
  }
}
