package io.berth.base.rpc;

import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.grpc.Context;
import io.grpc.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * What the headers of the call in progress say, and who makes it. Values live in the gRPC {@link
 * Context}: capture them before changing threads.
 */
public final class CallContext {
  /** The header with the namespace of a call; its first value counts. */
  public static final Metadata.Key<String> NAMESPACE_HEADER =
      Metadata.Key.of("containerd-namespace", Metadata.ASCII_STRING_MARSHALLER);

  /** The header with the lease that gets what a call makes; its first value counts. */
  public static final Metadata.Key<String> LEASE_HEADER =
      Metadata.Key.of("containerd-lease", Metadata.ASCII_STRING_MARSHALLER);

  /**
   * 16 hex digits: a repeated call with the same number is not done twice (between services of
   * ours).
   */
  public static final Metadata.Key<String> REQUEST_ID_HEADER =
      Metadata.Key.of("berth-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /**
   * {@code namespace/id} of the task that a call on a shim process's socket is for (between
   * services of ours).
   */
  public static final Metadata.Key<String> TASK_HEADER =
      Metadata.Key.of("berth-task", Metadata.ASCII_STRING_MARSHALLER);

  static final Context.Key<String> NAMESPACE = Context.key("namespace");
  static final Context.Key<String> LEASE = Context.key("lease");
  static final Context.Key<String> REQUEST_ID = Context.key("request-id");
  static final Context.Key<Peer> PEER = Context.key("peer");

  private CallContext() {}

  /**
   * The checked namespace; FAILED_PRECONDITION when the header is missing, INVALID_ARGUMENT when it
   * is no identifier.
   */
  public static String namespace() {
    String namespace = NAMESPACE.get();
    if (namespace == null || namespace.isEmpty()) {
      throw new BerthException.FailedPrecondition("namespace is required");
    }
    try {
      return Identifier.check(namespace);
    } catch (BerthException.InvalidArgument e) {
      throw new BerthException.InvalidArgument("namespace validation: " + e.getMessage(), e);
    }
  }

  /** The namespace as it was sent, unchecked; null when absent. */
  public static @Nullable String namespaceIfSent() {
    return NAMESPACE.get();
  }

  /** The lease of the call, or null. */
  public static @Nullable String lease() {
    String lease = LEASE.get();
    return lease == null || lease.isEmpty() ? null : lease;
  }

  /** The number of the client's request, or null. */
  public static @Nullable String requestId() {
    return REQUEST_ID.get();
  }

  /** The process that calls; null for a call within this one. */
  public static @Nullable Peer peer() {
    return PEER.get();
  }

  /** Runs work with these headers, for tests and for what a service starts by itself. */
  public static Context with(String namespace, @Nullable String lease) {
    Context context = Context.current().withValue(NAMESPACE, namespace);
    return lease == null ? context : context.withValue(LEASE, lease);
  }
}
