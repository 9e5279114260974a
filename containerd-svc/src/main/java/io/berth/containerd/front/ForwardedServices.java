package io.berth.containerd.front;

import io.berth.base.rpc.ByteProxy;
import io.berth.base.rpc.CallContext;
import io.berth.containerd.metadata.NamespaceTable;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Serves the services of image-svc by forwarding calls byte for byte. Only the header with the
 * namespace is read: a call that makes something in a namespace makes the namespace too, and
 * namespaces are recorded in this service.
 */
final class ForwardedServices extends HandlerRegistry {
  private static final Logger LOG = System.getLogger(ForwardedServices.class.getName());

  private static final Set<String> SERVICES =
      Set.of(
          "containerd.services.content.v1.Content",
          "containerd.services.diff.v1.Diff",
          "containerd.services.images.v1.Images",
          "containerd.services.leases.v1.Leases",
          "containerd.services.snapshots.v1.Snapshots");

  private static final Set<String> MAKING =
      Set.of(
          "containerd.services.content.v1.Content/Write",
          "containerd.services.images.v1.Images/Create",
          "containerd.services.leases.v1.Leases/Create",
          "containerd.services.snapshots.v1.Snapshots/Prepare",
          "containerd.services.snapshots.v1.Snapshots/View");

  private final ByteProxy proxy;
  private final NamespaceTable namespaces;
  private final RememberedAnswers answers;

  ForwardedServices(Peers peers, NamespaceTable namespaces, RememberedAnswers answers) {
    this.answers = answers;
    this.proxy = new ByteProxy(peers.image(), SERVICES, peers.imageSocket(), "berth-image");
    this.namespaces = namespaces;
  }

  @Override
  public @Nullable ServerMethodDefinition<?, ?> lookupMethod(
      String method, @Nullable String authority) {
    ServerMethodDefinition<byte[], byte[]> found = proxy.lookupMethod(method, authority);
    if (found == null) {
      return null;
    }
    ServerMethodDefinition<byte[], byte[]> remembered = answers.of(found);
    return MAKING.contains(method) ? noting(remembered) : remembered;
  }

  private <Q, A> ServerMethodDefinition<Q, A> noting(ServerMethodDefinition<Q, A> method) {
    ServerCallHandler<Q, A> handler = method.getServerCallHandler();
    MethodDescriptor<Q, A> descriptor = method.getMethodDescriptor();
    return ServerMethodDefinition.create(
        descriptor,
        new ServerCallHandler<>() {
          @Override
          public ServerCall.Listener<Q> startCall(ServerCall<Q, A> call, Metadata headers) {
            note();
            return Contexts.interceptCall(Context.current(), call, headers, handler);
          }
        });
  }

  private void note() {
    try {
      namespaces.ensure(CallContext.namespace());
    } catch (RuntimeException e) {
      // image-svc gets the same call and tells the client what is wrong with it.
      LOG.log(Level.DEBUG, "note a namespace: {0}", e.getMessage());
    }
  }
}
