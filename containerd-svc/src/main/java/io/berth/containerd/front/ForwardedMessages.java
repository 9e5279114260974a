package io.berth.containerd.front;

import com.google.protobuf.ByteString;
import io.grpc.ServiceDescriptor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The services that are forwarded as bytes, and the little that must be read of their messages, so
 * that answers to them can be remembered. Thread-safe.
 */
public interface ForwardedMessages {
  /** The services, with what reflection tells of them. */
  List<ServiceDescriptor> services();

  /**
   * Whether an answer of {@code Snapshots/Stat} tells of a committed snapshot, that is of a layer,
   * which does not change; false for what cannot be read.
   */
  boolean isOfLayer(byte[] statAnswer);

  /**
   * The request of {@code Snapshots/Mounts} for the snapshot that a request of {@code
   * Snapshots/Prepare} makes; null for what cannot be read.
   */
  @Nullable ByteString mountsOfPrepared(ByteString prepareRequest);
}
