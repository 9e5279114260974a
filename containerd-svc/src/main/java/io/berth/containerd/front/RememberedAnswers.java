package io.berth.containerd.front;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.berth.base.io.SharedCounter;
import io.berth.base.layout.StateFolders;
import io.berth.base.rpc.CallContext;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import java.io.IOException;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Small answers of image-svc that clients ask for again and again: a client that runs a container
 * reads the same manifest and configuration three times and asks twice for the mounts that it was
 * given. An answer is given once more only while image-svc's counter of such changes stands where
 * it stood before the question was first asked, so nobody ever gets an older answer than image-svc
 * itself would give.
 */
final class RememberedAnswers {
  /** Bytes of all questions and answers together. */
  private static final int MAX_ALL = 4 << 20;

  private static final String PREPARE = "containerd.services.snapshots.v1.Snapshots/Prepare";
  private static final String MOUNTS = "containerd.services.snapshots.v1.Snapshots/Mounts";
  private static final ByteString NOTHING = ByteString.EMPTY;

  /** Bytes of an answer: content comes in longer ones, and is read but once. */
  private static final int MAX_ONE = 64 << 10;

  /** Bytes that the table needs for each entry, by estimate. */
  private static final int OVERHEAD = 256;

  private record Question(String namespace, String method, ByteString request) {}

  /** What image-svc answered, and where its counter of changes stood before it was asked. */
  private static final class Answer {
    final long changes;
    final byte[] message;

    Answer(long changes, byte[] message) {
      this.changes = changes;
      this.message = message;
    }
  }

  /**
   * When an answer to a method may be given again.
   *
   * @param changes a counter that stands still as long as answers hold
   * @param keeps tells the answers that hold so long from others
   */
  private record Rule(SharedCounter changes, Predicate<byte[]> keeps) {}

  private final ForwardedMessages messages;
  private final Map<String, Rule> rules;
  private final Cache<Question, Answer> answers =
      Caffeine.newBuilder()
          .maximumWeight(MAX_ALL)
          .weigher((Question question, Answer answer) ->
              OVERHEAD + question.request().size() + answer.message.length)
          .executor(Runnable::run)
          .build();

  /** With image-svc's counters in the folder of the instance's state. */
  static RememberedAnswers in(StateFolders state, ForwardedMessages messages) throws IOException {
    SharedCounter names = SharedCounter.open(state.imageChanges());
    SharedCounter snapshots = SharedCounter.open(state.snapshotChanges());
    SharedCounter layers = SharedCounter.open(state.layerChanges());
    return new RememberedAnswers(
        messages,
        Map.of(
            "containerd.services.content.v1.Content/Info",
            new Rule(names, _ -> true),
            "containerd.services.content.v1.Content/Read",
            new Rule(names, _ -> true),
            "containerd.services.images.v1.Images/Get",
            new Rule(names, _ -> true),
            "containerd.services.snapshots.v1.Snapshots/Stat",
            new Rule(layers, messages::isOfLayer),
            MOUNTS,
            new Rule(snapshots, _ -> true)));
  }

  private RememberedAnswers(ForwardedMessages messages, Map<String, Rule> rules) {
    this.messages = messages;
    this.rules = rules;
  }

  /** The same method; if it has one request and usually one answer, that is remembered. */
  ServerMethodDefinition<byte[], byte[]> of(ServerMethodDefinition<byte[], byte[]> method) {
    String name = method.getMethodDescriptor().getFullMethodName();
    Rule rule = rules.get(name);
    if (rule == null && !name.equals(PREPARE)) {
      return method;
    }
    ServerCallHandler<byte[], byte[]> forward = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        method.getMethodDescriptor(),
        (call, headers) -> {
          String namespace = CallContext.namespaceIfSent();
          if (namespace == null) {
            return forward.startCall(call, headers);
          }
          call.request(1);
          return new Asked(call, headers, forward, new Question(namespace, name, NOTHING), rule);
        });
  }

  // A new snapshot's mounts are its answer, and clients ask for them next: in the same bytes, for
  // both messages have nothing else.
  private @Nullable Question asked(Question question) {
    if (!question.method.equals(PREPARE)) {
      return question;
    }
    ByteString mounts = messages.mountsOfPrepared(question.request);
    return mounts == null ? null : new Question(question.namespace, MOUNTS, mounts);
  }

  /**
   * A call of which the question is awaited. It is answered from memory, or forwarded from then on.
   */
  private final class Asked extends ServerCall.Listener<byte[]> {
    private final ServerCall<byte[], byte[]> call;
    private final Metadata headers;
    private final ServerCallHandler<byte[], byte[]> forward;
    private final Question about;
    private final @Nullable Rule rule;
    private byte @Nullable [] request;
    private ServerCall.@Nullable Listener<byte[]> forwarded;

    Asked(
        ServerCall<byte[], byte[]> call,
        Metadata headers,
        ServerCallHandler<byte[], byte[]> forward,
        Question about,
        @Nullable Rule rule) {
      this.call = call;
      this.headers = headers;
      this.forward = forward;
      this.about = about;
      this.rule = rule;
    }

    @Override
    public void onMessage(byte[] message) {
      if (request != null) {
        call.close(
            Status.INVALID_ARGUMENT.withDescription(about.method + ": more than one request"),
            new Metadata());
        return;
      }
      request = message;
    }

    @Override
    public void onHalfClose() {
      byte[] asked = request == null ? new byte[0] : request;
      Question question =
          new Question(about.namespace, about.method, UnsafeByteOperations.unsafeWrap(asked));
      if (rule != null) {
        Answer known = answers.getIfPresent(question);
        if (known != null && known.changes == rule.changes.value()) {
          call.sendHeaders(new Metadata());
          call.sendMessage(known.message);
          call.close(Status.OK, new Metadata());
          return;
        }
      }
      ServerCall.Listener<byte[]> target = forward.startCall(remembering(question), headers);
      forwarded = target;
      target.onMessage(asked);
      target.onHalfClose();
    }

    private ServerCall<byte[], byte[]> remembering(Question question) {
      Question asked = asked(question);
      Rule rule = asked == null ? null : rules.get(asked.method);
      return asked == null || rule == null ? call : new Remembering(call, asked, rule);
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
    private final Rule rule;
    private final long asOf;
    private byte @Nullable [] only;
    private int messages;

    Remembering(ServerCall<byte[], byte[]> call, Question question, Rule rule) {
      super(call);
      this.question = question;
      this.rule = rule;
      this.asOf = rule.changes.value();
    }

    @Override
    public void sendMessage(byte[] message) {
      only = ++messages == 1 && message.length <= MAX_ONE ? message : null;
      super.sendMessage(message);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      if (status.isOk() && only != null && rule.keeps.test(only)) {
        answers.put(question, new Answer(asOf, only));
      }
      super.close(status, trailers);
    }
  }
}
