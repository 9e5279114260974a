package io.berth.cli.containerd;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.content.v1.ContentGrpc;
import io.berth.api.containerd.services.content.v1.WriteAction;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.id.Digest;
import io.berth.base.text.Variables;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.session.Session;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Stores a blob from standard input. What was written when a line broke off stays under its ref,
 * and the next line with that ref begins anew.
 */
@Command(
    description = {
      "Store a blob from standard input; print its digest.",
      "What nothing refers to is collected some time later: label it."
    })
public final class ContentIngest extends SessionCommand {
  private static final int CHUNK = 1 << 20;

  @Option(names = "--expected-digest", paramLabel = "DIGEST", description = "What it must have")
  String digest = "";

  @Option(names = "--expected-size", paramLabel = "BYTES", description = "What it must have")
  long size;

  @Option(
      names = {"-l", "--label"},
      paramLabel = "KEY=VALUE",
      description = "Label, e.g. containerd.io/gc.root=now")
  List<String> labels = new ArrayList<>();

  @Parameters(paramLabel = "REF", description = "Name of the work, for `content active`")
  String ref = "";

  @Override
  public int run(Session session) {
    if (!digest.isEmpty()) {
      var _ = Digest.of(digest);
    }
    if (size < 0) {
      throw new BerthException.InvalidArgument("--expected-size `" + size + "`: is below zero");
    }
    String stored = session.exchange(ContentGrpc.getWriteMethod(), start -> write(session, start));
    session.out().println(stored);
    return 0;
  }

  private String write(
      Session session,
      Function<StreamObserver<WriteContentResponse>, StreamObserver<WriteContentRequest>> start) {
    Exchange exchange = new Exchange();
    StreamObserver<WriteContentRequest> requests = start.apply(exchange);
    InputStream in = session.caller().in();
    byte[] buffer = new byte[CHUNK];
    long offset = 0;
    try {
      // The blob is sent from its beginning, whatever an earlier attempt has left.
      for (int count = in.readNBytes(buffer, 0, CHUNK);
          count > 0;
          count = in.readNBytes(buffer, 0, CHUNK)) {
        requests.onNext(
            request(WriteAction.WRITE)
                .setOffset(offset)
                .setData(ByteString.copyFrom(buffer, 0, count))
                .build());
        offset = exchange.answer().getOffset();
      }
    } catch (IOException e) {
      requests.onError(e);
      throw new BerthException.InvalidArgument("read standard input: " + e.getMessage(), e);
    }
    requests.onNext(
        request(WriteAction.COMMIT)
            .setOffset(offset)
            .setTotal(size > 0 ? size : offset)
            .putAllLabels(Variables.pairs("label", labels))
            .build());
    String stored = exchange.answer().getDigest();
    requests.onCompleted();
    return stored;
  }

  private WriteContentRequest.Builder request(WriteAction action) {
    return WriteContentRequest.newBuilder()
        .setAction(action)
        .setRef(ref)
        .setTotal(size)
        .setExpected(digest);
  }

  /** Gives the answers to whoever waits for one after each request. */
  private static final class Exchange implements StreamObserver<WriteContentResponse> {
    private final BlockingQueue<Optional<WriteContentResponse>> answers =
        new LinkedBlockingQueue<>();
    private volatile @Nullable Throwable failure;

    @Override
    public void onNext(WriteContentResponse answer) {
      answers.add(Optional.of(answer));
    }

    @Override
    public void onError(Throwable cause) {
      failure = cause;
      answers.add(Optional.empty());
    }

    @Override
    public void onCompleted() {
      answers.add(Optional.empty());
    }

    WriteContentResponse answer() {
      try {
        Optional<WriteContentResponse> answer = answers.take();
        if (answer.isPresent()) {
          return answer.get();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BerthException.Cancelled("content ingest: interrupted", e);
      }
      Throwable cause = failure;
      throw cause == null
          ? new BerthException.Unavailable("content ingest: the service ended the call")
          : ErrorCodec.fromCall(cause);
    }
  }
}
