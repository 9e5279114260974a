package io.berth.base.rpc;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One service on one socket for many objects: a header says which of them a call is for, and that
 * one's own implementation answers.
 */
public final class HeaderRouting {
  private HeaderRouting() {}

  /**
   * The service to be served. A call without the header, or for an object that is not here, ends as
   * UNAVAILABLE: another process may have it.
   *
   * @param find the implementation by the header's value, of this same service; null if absent;
   *     must not block
   */
  public static ServerServiceDefinition of(
      ServiceDescriptor service,
      Metadata.Key<String> header,
      Function<String, @Nullable ServerServiceDefinition> find) {
    ServerServiceDefinition.Builder routed = ServerServiceDefinition.builder(service);
    for (MethodDescriptor<?, ?> method : service.getMethods()) {
      add(routed, method, header, find);
    }
    return routed.build();
  }

  private static <Q, A> void add(
      ServerServiceDefinition.Builder routed,
      MethodDescriptor<Q, A> method,
      Metadata.Key<String> header,
      Function<String, @Nullable ServerServiceDefinition> find) {
    ServerCallHandler<Q, A> handler =
        (call, headers) -> {
          String wanted = headers.get(header);
          ServerServiceDefinition found = wanted == null ? null : find.apply(wanted);
          if (found == null) {
            call.close(
                Status.UNAVAILABLE.withDescription(header.name() + " `" + wanted + "`: not here"),
                new Metadata());
            return new ServerCall.Listener<>() {};
          }
          // Both were made from the same generated descriptor, so the types are the same.
          @SuppressWarnings("unchecked")
          ServerMethodDefinition<Q, A> target =
              (ServerMethodDefinition<Q, A>) found.getMethod(method.getFullMethodName());
          return target.getServerCallHandler().startCall(call, headers);
        };
    routed.addMethod(method, handler);
  }
}
