package io.berth.containerd;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.berth.base.io.SharedCounter;
import io.berth.base.rpc.CallContext;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Small answers of image-svc that clients ask for again and again: a client that runs a container
 * reads the same manifest and configuration three times. An answer is given once more only while
 * image-svc's counter of changes to content and names stands where it stood before the question was
 * first asked, so nobody ever gets an older answer than image-svc itself would give.
 */
final class RememberedAnswers {
  /** Bytes. */
  private static final int MAX_ALL = 4 << 20;

  private static final int MAX_ONE = 64 << 10;
  private static final int OVERHEAD = 256;

  private record Question(String namespace, String method, ByteBuffer request) {}

  /** As image-svc gave it when its counter stood there. */
  private static final class Answer {
    final long changes;
    final byte[] message;

    Answer(long changes, byte[] message) {
      this.changes = changes;
      this.message = message;
    }
  }

  private final SharedCounter changes;
  private final Cache<Question, Answer> answers =
      Caffeine.newBuilder()
          .maximumWeight(MAX_ALL)
          .weigher((Question question, Answer answer) ->
              OVERHEAD + question.request().remaining() + answer.message.length)
          .executor(Runnable::run)
          .build();

  RememberedAnswers(SharedCounter changes) {
    this.changes = changes;
  }

  /** The same method, of one request and usually one answer, which is remembered. */
  ServerMethodDefinition<byte[], byte[]> of(ServerMethodDefinition<byte[], byte[]> method) {
    String name = method.getMethodDescriptor().getFullMethodName();
    ServerCallHandler<byte[], byte[]> forward = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        method.getMethodDescriptor(),
        (call, headers) -> {
          String namespace = CallContext.namespaceIfSent();
          if (namespace == null) {
            return forward.startCall(call, headers);
          }
          call.request(1);
          return new Asked(call, headers, forward, namespace, name);
        });
  }

  /** A call until its question is known, and then as it is forwarded. */
  private final class Asked extends ServerCall.Listener<byte[]> {
    private final ServerCall<byte[], byte[]> call;
    private final Metadata headers;
    private final ServerCallHandler<byte[], byte[]> forward;
    private final String namespace;
    private final String method;
    private byte @Nullable [] request;
    private ServerCall.@Nullable Listener<byte[]> forwarded;

    Asked(
        ServerCall<byte[], byte[]> call,
        Metadata headers,
        ServerCallHandler<byte[], byte[]> forward,
        String namespace,
        String method) {
      this.call = call;
      this.headers = headers;
      this.forward = forward;
      this.namespace = namespace;
      this.method = method;
    }

    @Override
    public void onMessage(byte[] message) {
      if (request != null) {
        call.close(
            Status.INVALID_ARGUMENT.withDescription(method + ": more than one request"),
            new Metadata());
        return;
      }
      request = message;
    }

    @Override
    public void onHalfClose() {
      byte[] asked = request == null ? new byte[0] : request;
      Question question = new Question(namespace, method, ByteBuffer.wrap(asked));
      long now = changes.value();
      Answer known = answers.getIfPresent(question);
      if (known != null && known.changes == now) {
        call.sendHeaders(new Metadata());
        call.sendMessage(known.message);
        call.close(Status.OK, new Metadata());
        return;
      }
      ServerCall.Listener<byte[]> target =
          forward.startCall(new Remembering(call, question, now), headers);
      forwarded = target;
      target.onMessage(asked);
      target.onHalfClose();
    }

    @Override
    public void onCancel() {
      if (forwarded != null) {
        forwarded.onCancel();
      }
    }

    @Override
    public void onReady() {
      if (forwarded != null) {
        forwarded.onReady();
      }
    }
  }

  /** Keeps the answer that goes by, if it is one message and small. */
  private final class Remembering extends SimpleForwardingServerCall<byte[], byte[]> {
    private final Question question;
    private final long asOf;
    private byte @Nullable [] only;
    private int messages;

    Remembering(ServerCall<byte[], byte[]> call, Question question, long asOf) {
      super(call);
      this.question = question;
      this.asOf = asOf;
    }

    @Override
    public void sendMessage(byte[] message) {
      only = ++messages == 1 && message.length <= MAX_ONE ? message : null;
      super.sendMessage(message);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      if (status.isOk() && only != null) {
        answers.put(question, new Answer(asOf, only));
      }
      super.close(status, trailers);
    }
  }
}
