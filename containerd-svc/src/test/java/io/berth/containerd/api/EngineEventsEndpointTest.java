package io.berth.containerd.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.EngineEventsGrpc;
import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.berth.event.v1.WatchRequest;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.Timestamps;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.rpc.UnixServer;
import io.berth.containerd.fake.Instance;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What happens in docker's words, with what other services tell of it. */
final class EngineEventsEndpointTest {
  @RegisterExtension final Instance instance = new Instance();

  /** Tells its one event only once somebody has asked how far it is. */
  private static final class LateOutbox extends OutboxGrpc.OutboxImplBase {
    private final FollowResponse event;
    private final List<StreamObserver<FollowResponse>> followers = new ArrayList<>();
    private boolean begun;

    LateOutbox(FollowResponse event) {
      this.event = event;
    }

    @Override
    public synchronized void follow(
        FollowRequest request, StreamObserver<FollowResponse> responses) {
      long last = begun ? event.getSequence() : event.getSequence() - 1;
      responses.onNext(FollowResponse.newBuilder().setSequence(last).build());
      if (begun) {
        followers.forEach(follower -> follower.onNext(event));
        followers.clear();
      } else {
        followers.add(responses);
        begun = true;
      }
      notifyAll();
    }

    synchronized void awaitFollower() throws InterruptedException {
      while (!begun) {
        wait();
      }
    }
  }

  @Test
  void whatAnotherServiceTellsIsThere_whenThePastIsAskedFor() throws Exception {
    Instant at = Instant.now().minusSeconds(5);
    EngineEvent told =
        EngineEvent.newBuilder()
            .setType("network")
            .setAction("create")
            .setActorId("0123")
            .putAttributes("name", "red")
            .build();
    LateOutbox outbox =
        new LateOutbox(
            FollowResponse.newBuilder()
                .setSequence(7)
                .setEnvelope(
                    Envelope.newBuilder()
                        .setTopic("/engine/network")
                        .setTimestamp(Timestamps.of(at))
                        .setEvent(Anys.pack(told)))
                .build());
    Instance.Events ofContainerd = instance.events();
    EventLoops loops = new EventLoops(1);
    UnixServer server =
        UnixServer.start(
            loops,
            UnixServer.Options.of(instance.config.socket("network"), List.of(outbox.bindService())),
            List.of());
    try {
      outbox.awaitFollower();
      List<EngineEvent> events = new ArrayList<>();
      UnixChannel.in(EngineEventsGrpc.newBlockingStub(instance.channel()), Instance.NAMESPACE, null)
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .watch(WatchRequest.newBuilder().setUntil(Timestamps.of(Instant.now())).build())
          .forEachRemaining(events::add);
      assertEquals(List.of(told.toBuilder().setAt(Timestamps.of(at)).build()), events);
      // It is nothing of containerd's.
      instance.record("c1", "sleep");
      assertEquals("/containers/create", ofContainerd.next().getTopic());
    } finally {
      server.close();
      loops.close();
    }
  }
}
