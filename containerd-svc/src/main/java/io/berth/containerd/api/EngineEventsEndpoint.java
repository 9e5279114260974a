package io.berth.containerd.api;

import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.EngineEventsGrpc;
import io.berth.api.berth.event.v1.WatchRequest;
import io.berth.base.rpc.BlockingSender;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.Timestamps;
import io.berth.containerd.client.Outboxes;
import io.berth.containerd.event.RecentEvent;
import io.berth.containerd.event.RecentEventFilter;
import io.berth.containerd.event.RecentEvents;
import io.grpc.stub.StreamObserver;
import jakarta.inject.Inject;

/** {@code berth.event.v1.EngineEvents}. */
public final class EngineEventsEndpoint extends EngineEventsGrpc.EngineEventsImplBase {
  private final EventReaders readers;
  private final RecentEvents recent;
  private final Outboxes outboxes;

  @Inject
  EngineEventsEndpoint(EventReaders readers, RecentEvents recent, Outboxes outboxes) {
    this.readers = readers;
    this.recent = recent;
    this.outboxes = outboxes;
  }

  /**
   * Begins to watch before it returns, so that the client sees what it causes by its next call on
   * the same connection.
   */
  @Override
  public void watch(WatchRequest request, StreamObserver<EngineEvent> responses) {
    RecentEvents.Wish wish =
        new RecentEvents.Wish(
            CallContext.namespace(),
            request.hasSince() ? Timestamps.instant(request.getSince()) : null,
            request.hasUntil() ? Timestamps.instant(request.getUntil()) : null,
            RecentEventFilter.of(request.getFiltersList()));
    EventReaders.Place place = readers.take();
    RecentEvents.Watcher watcher = recent.watch(wish);
    BlockingSender.run(
        responses,
        sender -> {
          try (place;
              watcher) {
            if (wish.past()) {
              outboxes.awaitTold();
            }
            for (RecentEvent next = watcher.take(); next != null; next = watcher.take()) {
              sender.send(message(next));
            }
          }
        });
  }

  private static EngineEvent message(RecentEvent what) {
    return EngineEvent.newBuilder()
        .setNamespace(what.namespace())
        .setType(what.type())
        .setAction(what.action())
        .setActorId(what.actor())
        .putAllAttributes(what.attributes())
        .setAt(Timestamps.of(what.at()))
        .build();
  }
}
