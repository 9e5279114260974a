package io.berth.image.api;

import com.google.protobuf.ByteString;
import io.berth.api.containerd.services.content.v1.WriteAction;
import io.berth.api.containerd.services.content.v1.WriteContentRequest;
import io.berth.api.containerd.services.content.v1.WriteContentResponse;
import io.berth.base.error.BerthException;
import io.berth.base.error.ErrorCodec;
import io.berth.base.id.Digest;
import io.berth.base.rpc.Timestamps;
import io.berth.image.content.Ingest;
import io.berth.image.content.IngestStore;
import io.berth.image.meta.Metadata;
import io.grpc.stub.StreamObserver;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One write stream: an ingest that is locked as long as the stream lives. Its messages come one
 * after the other, never side by side.
 */
final class ContentWriteStream implements StreamObserver<WriteContentRequest> {
  private final IngestStore ingests;
  private final String namespace;
  private final @Nullable String lease;
  private final StreamObserver<WriteContentResponse> responses;
  private @Nullable Ingest ingest;
  private boolean ended;

  ContentWriteStream(
      IngestStore ingests,
      String namespace,
      @Nullable String lease,
      StreamObserver<WriteContentResponse> responses) {
    this.ingests = ingests;
    this.namespace = namespace;
    this.lease = lease;
    this.responses = responses;
  }

  @Override
  public void onNext(WriteContentRequest request) {
    if (ended) {
      return;
    }
    try {
      take(request);
    } catch (RuntimeException e) {
      end();
      responses.onError(ErrorCodec.toStatus(e).asRuntimeException());
    }
  }

  private void take(WriteContentRequest request) {
    Digest expected = request.getExpected().isEmpty() ? null : Digest.of(request.getExpected());
    Ingest open = ingest;
    if (open == null) {
      if (request.getRef().isEmpty()) {
        throw new BerthException.InvalidArgument("first message must have a reference");
      }
      open =
          ingests.open(
              new Ingest.Request(
                  namespace,
                  lease,
                  request.getRef(),
                  request.getTotal(),
                  expected,
                  /* watched= */ true));
      ingest = open;
    } else if (expected != null && open.isSuperseded(expected)) {
      open.abort();
      throw new BerthException.AlreadyExists("blob with expected digest " + expected + " exists");
    }
    open.expectTotal(request.getTotal());
    switch (request.getAction()) {
      case STAT -> responses.onNext(status(open, WriteAction.STAT));
      case WRITE -> {
        append(open, request);
        responses.onNext(status(open, WriteAction.WRITE));
      }
      case COMMIT -> commit(open, request, expected);
      case UNRECOGNIZED ->
          throw new BerthException.InvalidArgument(
              "unknown write action " + request.getActionValue());
    }
  }

  private static void append(Ingest open, WriteContentRequest request) {
    if (request.getOffset() < 0) {
      throw new BerthException.OutOfRange("write at negative offset " + request.getOffset());
    }
    if (request.getOffset() > 0 && request.getOffset() != open.offset()) {
      throw new BerthException.OutOfRange(
          "write @" + request.getOffset() + " must occur at current offset " + open.offset());
    }
    if (request.getOffset() == 0 && open.offset() > 0) {
      open.truncate(0);
    }
    ByteString data = request.getData();
    if (!data.isEmpty()) {
      data.asReadOnlyByteBufferList().forEach(part -> open.write(MemorySegment.ofBuffer(part)));
    }
  }

  private void commit(Ingest open, WriteContentRequest request, @Nullable Digest expected) {
    append(open, request);
    long size = request.getTotal() > 0 ? request.getTotal() : open.total();
    // The answer is made before the commit, which closes the ingest.
    WriteContentResponse answer = status(open, WriteAction.COMMIT);
    open.commit(size, expected, request.getLabelsMap(), Metadata.Durability.DURABLE);
    end();
    responses.onNext(answer);
    responses.onCompleted();
  }

  private static WriteContentResponse status(Ingest open, WriteAction action) {
    WriteContentResponse.Builder answer =
        WriteContentResponse.newBuilder().setAction(action).setOffset(open.offset());
    if (action == WriteAction.STAT) {
      answer
          .setStartedAt(Timestamps.of(open.started()))
          .setUpdatedAt(Timestamps.of(open.updated()));
    }
    return answer.setTotal(open.total()).setDigest(open.digest().toString()).build();
  }

  private void end() {
    ended = true;
    if (ingest != null) {
      ingest.close();
    }
  }

  /** Ends the stream of a client that has gone; what it wrote is kept for it. */
  @Override
  public void onError(Throwable failure) {
    end();
  }

  @Override
  public void onCompleted() {
    if (!ended) {
      end();
      responses.onCompleted();
    }
  }
}
