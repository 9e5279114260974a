package io.berth.image.api;

import com.google.protobuf.ByteString;
import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.Timestamps;
import io.berth.image.meta.Outbox;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** {@code berth.event.v1.Outbox}. */
@Singleton
public final class OutboxEndpoint extends OutboxGrpc.OutboxImplBase {
  private static final String PRODUCER = "image";
  private static final long WAIT_MILLIS = 5_000;

  private final Outbox outbox;

  @Inject
  public OutboxEndpoint(Outbox outbox) {
    this.outbox = outbox;
  }

  @Override
  public void follow(FollowRequest request, StreamObserver<FollowResponse> responses) {
    BlockingSender.run(
        responses,
        sender -> {
          Outbox.Range range = outbox.range();
          sender.send(
              FollowResponse.newBuilder()
                  .setProducer(PRODUCER)
                  .setSequence(range.last())
                  .setFirst(range.first())
                  .build());
          long at = request.getOnlyNew() ? range.last() : request.getAfter();
          if (at > range.last()) {
            // It is a number of an earlier outbox, which is gone.
            at = range.first() - 1;
          }
          while (!sender.isCancelled()) {
            for (Outbox.Letter letter : outbox.after(at, WAIT_MILLIS)) {
              sender.send(message(letter));
              at = letter.sequence();
            }
          }
        });
  }

  private static FollowResponse message(Outbox.Letter letter) {
    return FollowResponse.newBuilder()
        .setProducer(PRODUCER)
        .setSequence(letter.sequence())
        .setEnvelope(
            Envelope.newBuilder()
                .setTimestamp(Timestamps.of(letter.time()))
                .setNamespace(letter.namespace())
                .setTopic(letter.topic())
                .setEvent(Anys.of(letter.typeUrl(), ByteString.copyFrom(letter.value()))))
        .build();
  }
}
