package io.berth.containerd.api;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.ForwardRequest;
import io.berth.api.containerd.services.events.v1.PublishRequest;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Calls;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.PublishedEvent;
import io.berth.containerd.event.Topics;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;
import java.time.InstantSource;

/** {@code containerd.services.events.v1.Events}. */
public final class EventsEndpoint extends EventsGrpc.EventsImplBase {
  /** Bytes of an event: many times what containerd's own have. */
  private static final int MAX_EVENT = 1 << 20;

  private final EventBroker broker;
  private final InstantSource clock;
  private final EventReaders readers;

  @Inject
  EventsEndpoint(EventReaders readers, EventBroker broker, InstantSource clock) {
    this.readers = readers;
    this.broker = broker;
    this.clock = clock;
  }

  @Override
  public void publish(PublishRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          String namespace = CallContext.namespace();
          broker.forward(
              new PublishedEvent(
                  namespace,
                  Topics.check(request.getTopic()),
                  clock.instant(),
                  bounded(request.getEvent())));
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void forward(ForwardRequest request, StreamObserver<Empty> responses) {
    Calls.answer(
        responses,
        () -> {
          Envelope envelope = request.getEnvelope();
          broker.forward(
              new PublishedEvent(
                  Identifier.check(envelope.getNamespace()),
                  Topics.check(envelope.getTopic()),
                  envelope.hasTimestamp()
                      ? Timestamps.instant(envelope.getTimestamp())
                      : clock.instant(),
                  bounded(envelope.getEvent())));
          return Empty.getDefaultInstance();
        });
  }

  private static Any bounded(Any event) {
    if (event.getSerializedSize() > MAX_EVENT) {
      throw new BerthException.InvalidArgument(
          "publish event: it has "
              + event.getSerializedSize()
              + " bytes, and every subscriber gets it; at most "
              + MAX_EVENT
              + " are taken");
    }
    return event;
  }

  /**
   * Subscribes before it returns, so that the client sees what it causes by its next call on the
   * same connection.
   */
  @Override
  public void subscribe(SubscribeRequest request, StreamObserver<Envelope> responses) {
    EventReaders.Place place = readers.take();
    EventBroker.Subscription subscription;
    try {
      subscription = broker.subscribe(request.getFiltersList());
    } catch (BerthException.InvalidArgument e) {
      place.close();
      // containerd answers a bad filter of this stream with UNKNOWN.
      throw new BerthException.Unknown(e.getMessage(), e);
    }
    BlockingSender.run(
        responses,
        sender -> {
          try (place;
              subscription) {
            subscription.whenLost(sender::end);
            while (true) {
              sender.send(OccurrenceMessages.envelope(subscription.take()));
            }
          }
        });
  }
}
