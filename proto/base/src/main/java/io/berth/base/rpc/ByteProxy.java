package io.berth.base.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.error.ErrorDetails;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Forwards whole services to another server without looking into their messages: every method as a
 * stream of bytes both ways, with headers, back pressure, cancellation and the final status passed
 * on as they are; an error's details only to a client that takes them.
 */
public final class ByteProxy extends HandlerRegistry {
  private static final MethodDescriptor.Marshaller<byte[]> BYTES = new ByteMarshaller();

  private final Channel target;
  private final Set<String> services;
  private final String absent;

  /**
   * @param target where to
   * @param services full names of what is forwarded
   * @param socket the target's, for the error when nobody answers
   * @param program the target's program
   */
  public ByteProxy(Channel target, Set<String> services, Path socket, String program) {
    this.target = target;
    this.services = Set.copyOf(services);
    this.absent =
        "connect to `"
            + socket
            + "`: is "
            + program
            + " running? (`berth-services status`): unavailable";
  }

  @Override
  public @Nullable ServerMethodDefinition<byte[], byte[]> lookupMethod(
      String method, @Nullable String authority) {
    String service = MethodDescriptor.extractFullServiceName(method);
    if (service == null || !services.contains(service)) {
      return null;
    }
    MethodDescriptor<byte[], byte[]> descriptor =
        MethodDescriptor.newBuilder(BYTES, BYTES)
            .setFullMethodName(method)
            .setType(MethodDescriptor.MethodType.UNKNOWN)
            .build();
    return ServerMethodDefinition.create(descriptor, new Forwarder(descriptor));
  }

  private final class Forwarder implements ServerCallHandler<byte[], byte[]> {
    private final MethodDescriptor<byte[], byte[]> method;

    Forwarder(MethodDescriptor<byte[], byte[]> method) {
      this.method = method;
    }

    @Override
    public ServerCall.Listener<byte[]> startCall(
        ServerCall<byte[], byte[]> front, Metadata headers) {
      ClientCall<byte[], byte[]> back =
          target.newCall(method, CallOptions.DEFAULT.withExecutor(Runnable::run));
      // Asked before the channel adds a header of its own: the answer goes to this client.
      boolean details = ErrorDetails.areWanted(method.getFullMethodName(), headers);
      Both both = new Both(front, back, details, absent);
      back.start(both.answers, headers);
      back.request(1);
      front.request(1);
      return both.requests;
    }
  }

  /** The two directions. Each asks for one message more when the other side is ready to take it. */
  private static final class Both {
    private final ServerCall<byte[], byte[]> front;
    private final ClientCall<byte[], byte[]> back;
    private final boolean details;
    private final String absent;
    private final Requests requests = new Requests();
    private final Answers answers = new Answers();

    @GuardedBy("this")
    private boolean frontWaits;

    @GuardedBy("this")
    private boolean backWaits;

    Both(
        ServerCall<byte[], byte[]> front,
        ClientCall<byte[], byte[]> back,
        boolean details,
        String absent) {
      this.front = front;
      this.back = back;
      this.details = details;
      this.absent = absent;
    }

    private final class Requests extends ServerCall.Listener<byte[]> {
      @Override
      public void onMessage(byte[] message) {
        back.sendMessage(message);
        synchronized (Both.this) {
          if (!back.isReady()) {
            frontWaits = true;
            return;
          }
        }
        front.request(1);
      }

      @Override
      public void onHalfClose() {
        back.halfClose();
      }

      @Override
      public void onCancel() {
        back.cancel("the client ended the call", null);
      }

      @Override
      public void onReady() {
        synchronized (Both.this) {
          if (!backWaits) {
            return;
          }
          backWaits = false;
        }
        back.request(1);
      }
    }

    private final class Answers extends ClientCall.Listener<byte[]> {
      @Override
      public void onHeaders(Metadata headers) {
        front.sendHeaders(headers);
      }

      @Override
      public void onMessage(byte[] message) {
        front.sendMessage(message);
        synchronized (Both.this) {
          if (!front.isReady()) {
            backWaits = true;
            return;
          }
        }
        back.request(1);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        boolean nobody =
            status.getCode() == Status.Code.UNAVAILABLE && !ErrorDetails.areAnswers(trailers);
        if (!details) {
          ErrorDetails.strip(trailers);
        }
        front.close(nobody ? status.withDescription(absent) : status, trailers);
      }

      @Override
      public void onReady() {
        synchronized (Both.this) {
          if (!frontWaits) {
            return;
          }
          frontWaits = false;
        }
        front.request(1);
      }
    }
  }

  private static final class ByteMarshaller implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try (stream) {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException("read a message to forward", e);
      }
    }
  }
}
