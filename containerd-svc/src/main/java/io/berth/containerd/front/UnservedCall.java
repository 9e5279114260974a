package io.berth.containerd.front;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import java.io.InputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Answers calls of containerd's services that Berth does not have with UNIMPLEMENTED and the way
 * around them: the library's own words would name a method that nobody typed.
 */
final class UnservedCall<Q, A> implements ServerCallHandler<Q, A> {
  private static final String TRANSFER =
      "Berth has no transfer service, let the client carry the bytes: give `--local` to ctr's"
          + " pull, push, import and export";
  private static final String SANDBOX =
      "Berth has no sandboxes, start containers that share the namespaces of another one";

  /** What to do instead, by the full name of a service. */
  private static final Map<String, String> INSTEAD =
      Map.of(
          "containerd.services.transfer.v1.Transfer",
          TRANSFER,
          "containerd.services.streaming.v1.Streaming",
          TRANSFER,
          "containerd.services.sandbox.v1.Controller",
          SANDBOX,
          "containerd.services.sandbox.v1.Store",
          SANDBOX,
          "containerd.services.mounts.v1.Mounts",
          "Berth has no mount manager, mount what `Snapshots/Mounts` answers");

  private static final MethodDescriptor.Marshaller<InputStream> UNREAD =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(InputStream value) {
          return value;
        }

        @Override
        public InputStream parse(InputStream stream) {
          return stream;
        }
      };

  private final String words;

  private UnservedCall(String words) {
    this.words = words;
  }

  /** The answer for a method of such a service, null for every other method. */
  static @Nullable ServerMethodDefinition<?, ?> lookup(String method) {
    String service = MethodDescriptor.extractFullServiceName(method);
    String instead = service == null ? null : INSTEAD.get(service);
    if (instead == null) {
      return null;
    }
    MethodDescriptor<InputStream, InputStream> descriptor =
        MethodDescriptor.newBuilder(UNREAD, UNREAD)
            .setFullMethodName(method)
            .setType(MethodDescriptor.MethodType.UNKNOWN)
            .build();
    return ServerMethodDefinition.create(
        descriptor, new UnservedCall<>("call `" + method + "`: " + instead));
  }

  /** For a method that is described here and answered elsewhere. */
  static <Q, A> ServerCallHandler<Q, A> describedOnly() {
    return new UnservedCall<>("this handler describes a forwarded method and carries out none");
  }

  @Override
  public ServerCall.Listener<Q> startCall(ServerCall<Q, A> call, Metadata headers) {
    call.close(Status.UNIMPLEMENTED.withDescription(words), new Metadata());
    return new ServerCall.Listener<>() {};
  }
}
