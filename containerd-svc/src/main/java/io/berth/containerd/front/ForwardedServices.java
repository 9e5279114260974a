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
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Serves the services of image-svc by forwarding calls byte for byte. Only the header with the
 * namespace is read: a call that makes something in a namespace makes the namespace too, and
 * namespaces are recorded in this service. Calls of containerd's services that nobody here serves
 * are answered by {@link UnservedCall}.
 */
final class ForwardedServices extends HandlerRegistry {
  private static final Logger LOG = System.getLogger(ForwardedServices.class.getName());

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
  private final List<ServerServiceDefinition> described;

  ForwardedServices(
      Peers peers,
      NamespaceTable namespaces,
      RememberedAnswers answers,
      List<ServiceDescriptor> services) {
    this.answers = answers;
    this.proxy =
        new ByteProxy(
            peers.image(),
            services.stream().map(ServiceDescriptor::getName).collect(Collectors.toSet()),
            peers.imageSocket(),
            "berth-image");
    this.namespaces = namespaces;
    this.described = services.stream().map(this::describe).toList();
  }

  // Reflection asks a registry for what it serves; calls go through lookupMethod all the same.
  private ServerServiceDefinition describe(ServiceDescriptor service) {
    ServerServiceDefinition.Builder builder = ServerServiceDefinition.builder(service);
    for (MethodDescriptor<?, ?> method : service.getMethods()) {
      forward(builder, method);
    }
    return builder.build();
  }

  private <Q, A> void forward(
      ServerServiceDefinition.Builder builder, MethodDescriptor<Q, A> method) {
    builder.addMethod(method, UnservedCall.describedOnly());
  }

  @Override
  public List<ServerServiceDefinition> getServices() {
    return described;
  }

  @Override
  public @Nullable ServerMethodDefinition<?, ?> lookupMethod(
      String method, @Nullable String authority) {
    ServerMethodDefinition<byte[], byte[]> found = proxy.lookupMethod(method, authority);
    if (found == null) {
      return UnservedCall.lookup(method);
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
