package io.berth.network.api;

import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.Timestamps;
import io.berth.network.endpoint.NetworkChronicle;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.time.Duration;

/** {@code berth.event.v1.Outbox}: what happens to networks. */
final class NetworkOutbox extends OutboxGrpc.OutboxImplBase {
  private static final String PRODUCER = "network";
  private static final Duration WAIT = Duration.ofSeconds(5);

  private final NetworkChronicle chronicle;

  @Inject
  NetworkOutbox(NetworkChronicle chronicle) {
    this.chronicle = chronicle;
  }

  @Override
  public void follow(FollowRequest request, StreamObserver<FollowResponse> responses) {
    BlockingSender.run(
        responses,
        sender -> {
          long newest = chronicle.last();
          long first = chronicle.first();
          sender.send(
              FollowResponse.newBuilder()
                  .setProducer(PRODUCER)
                  .setSequence(newest)
                  .setFirst(first)
                  .build());
          long at = request.getOnlyNew() ? newest : request.getAfter();
          if (at > newest) {
            // It is a number of an earlier run, before the clock was set back.
            at = first - 1;
          }
          while (!sender.isCancelled()) {
            for (NetworkChronicle.Letter letter : chronicle.after(at, WAIT)) {
              sender.send(message(letter));
              at = letter.sequence();
            }
          }
        });
  }

  private static FollowResponse message(NetworkChronicle.Letter letter) {
    EngineEvent event =
        EngineEvent.newBuilder()
            .setType("network")
            .setAction(letter.action())
            .setActorId(letter.actor())
            .putAllAttributes(letter.attributes())
            .build();
    return FollowResponse.newBuilder()
        .setProducer(PRODUCER)
        .setSequence(letter.sequence())
        .setEnvelope(
            Envelope.newBuilder()
                .setTimestamp(Timestamps.of(letter.at()))
                .setTopic("/engine/network")
                .setEvent(Anys.pack(event)))
        .build();
  }
}
