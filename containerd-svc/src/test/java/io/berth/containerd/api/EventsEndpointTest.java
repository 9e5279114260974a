package io.berth.containerd.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.berth.api.containerd.events.TaskOOM;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.ForwardRequest;
import io.berth.api.containerd.services.events.v1.PublishRequest;
import io.berth.api.containerd.services.namespaces.v1.CreateNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.Namespace;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.config.Config;
import io.berth.base.error.BerthException;
import io.berth.base.id.Identifier;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.time.Ticker;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.Occurrence.TaskOutOfMemory;
import io.berth.containerd.event.PublishedEvent;
import io.berth.containerd.fake.Instance;
import io.berth.testing.Eventually;
import io.berth.testing.TurnableClock;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;

class EventsEndpointTest {
  @RegisterExtension final Instance instance = new Instance();

  private EventsGrpc.EventsBlockingStub stub(String namespace) {
    return UnixChannel.in(EventsGrpc.newBlockingStub(instance.channel()), namespace, null)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .withWaitForReady();
  }

  private void publish(String namespace, String topic) {
    var _ =
        stub(namespace)
            .publish(
                PublishRequest.newBuilder()
                    .setTopic(topic)
                    .setEvent(Anys.pack(TaskOOM.newBuilder().setContainerId("c9").build()))
                    .build());
  }

  @Test
  void published_isDeliveredWithItsNamespaceAndAnyUntouched() throws InterruptedException {
    Instance.Events events = instance.events("topic==\"/mine/a\"");
    Any strange = Any.newBuilder().setTypeUrl("unknown.Thing").build();
    var _ =
        stub("ns1")
            .publish(PublishRequest.newBuilder().setTopic("/mine/a").setEvent(strange).build());
    Envelope got = events.next();
    assertEquals("ns1", got.getNamespace());
    assertEquals(strange, got.getEvent());
    assertTrue(got.hasTimestamp());
  }

  @Test
  void filters_byNamespaceTopicAndPayload() throws InterruptedException {
    Instance.Events events =
        instance.events("namespace==n2,topic~=|^/t/|", "event.container_id==c9,topic==\"/u/x\"");
    publish("n1", "/t/a");
    publish("n2", "/t/b");
    publish("n1", "/u/x");
    publish("n1", "/u/y");
    assertEquals("/t/b", events.next().getTopic());
    assertEquals("/u/x", events.next().getTopic());
    assertTrue(events.isQuiet());
  }

  @Test
  void badFilter_endsTheStreamWithUnknown() throws InterruptedException {
    Instance.Events events = instance.events("topic==/a/b");
    Eventually.holds("the stream ended", () -> events.failure() != null);
    StatusRuntimeException e = assertInstanceOf(StatusRuntimeException.class, events.failure());
    assertEquals(Code.UNKNOWN, e.getStatus().getCode());
  }

  @Test
  void topicsAndEnvelopes_areChecked() {
    for (String topic : List.of("", "/", "noslash", "/a//b", "/a b")) {
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> publish("n1", topic), topic);
      assertEquals(Code.INVALID_ARGUMENT, e.getStatus().getCode());
    }
    ForwardRequest noNamespace =
        ForwardRequest.newBuilder().setEnvelope(Envelope.newBuilder().setTopic("/a")).build();
    StatusRuntimeException e =
        assertThrows(StatusRuntimeException.class, () -> stub("n1").forward(noNamespace));
    assertEquals(Code.INVALID_ARGUMENT, e.getStatus().getCode());
  }

  @Test
  void forwarded_keepsItsNamespace_andGetsATimeIfItHasNone() throws InterruptedException {
    Instance.Events events = instance.events("namespace==other");
    var _ =
        stub("n1")
            .forward(
                ForwardRequest.newBuilder()
                    .setEnvelope(Envelope.newBuilder().setTopic("/a").setNamespace("other"))
                    .build());
    assertTrue(events.next().hasTimestamp());
  }

  @Test
  void namespaceEvents_carryTheAffectedNamespace() throws InterruptedException {
    Instance.Events events = instance.events("topic==\"/namespaces/create\"");
    var _ =
        NamespacesGrpc.newBlockingStub(instance.channel())
            .create(
                CreateNamespaceRequest.newBuilder()
                    .setNamespace(Namespace.newBuilder().setName("fresh"))
                    .build());
    assertEquals("fresh", events.next().getNamespace());
  }

  // case S11: the backlog of a slow subscriber is bounded in bytes, and it is told.
  @Test
  void slowSubscriber_isToldAndDropped_whileOthersGoOn() throws InterruptedException {
    EventBroker broker =
        new EventBroker(
            Config.parse(null, "[containerd]\nevent_backlog = 2000"),
            new OccurrenceMessages(),
            InstantSource.system(),
            Ticker.SYSTEM);
    BlockingQueue<BerthException> told = new LinkedBlockingQueue<>();
    try (EventBroker.Subscription slow = broker.subscribe(List.of());
        EventBroker.Subscription quick = broker.subscribe(List.of())) {
      slow.whenLost(told::add);
      for (int i = 0; i < 20; i++) {
        broker.publish("n", new TaskOutOfMemory("c" + i));
        assertEquals("/tasks/oom", quick.take().topic());
      }
      assertEquals(1, told.size());
      BerthException e = assertThrows(BerthException.ResourceExhausted.class, slow::take);
      assertTrue(e.getMessage().contains("more than 2000 bytes"), e.getMessage());
    }
  }

  // case S11: nobody's large event ends the streams of those who read in time.
  @Test
  void anEventAsLargeAsTheBacklog_dropsNobodyWhoIsUpToDate() throws InterruptedException {
    EventBroker broker =
        new EventBroker(
            Config.parse(null, "[containerd]\nevent_backlog = 2000"),
            new OccurrenceMessages(),
            InstantSource.system(),
            Ticker.SYSTEM);
    Any large = Any.newBuilder().setValue(ByteString.copyFrom(new byte[3000])).build();
    try (EventBroker.Subscription quick = broker.subscribe(List.of());
        EventBroker.Subscription slow = broker.subscribe(List.of())) {
      for (int i = 0; i < 2; i++) {
        broker.forward(new PublishedEvent("n", "/large", Instant.EPOCH, large));
        assertEquals(large, quick.take().payload());
      }
      assertThrows(BerthException.ResourceExhausted.class, slow::take);
    }
  }

  @Test
  void eventsThatAreTooLarge_areRefused() {
    Any large = Any.newBuilder().setValue(ByteString.copyFrom(new byte[2 << 20])).build();
    PublishRequest publish = PublishRequest.newBuilder().setTopic("/a").setEvent(large).build();
    ForwardRequest forward =
        ForwardRequest.newBuilder()
            .setEnvelope(Envelope.newBuilder().setTopic("/a").setNamespace("other").setEvent(large))
            .build();
    for (Executable call :
        List.<Executable>of(() -> stub("n1").publish(publish), () -> stub("n1").forward(forward))) {
      StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
      assertEquals(Code.INVALID_ARGUMENT, e.getStatus().getCode());
    }
  }

  // case S11: whoever subscribes too often is told, and gets a place when one is free again.
  @Test
  void subscriptionsOfAProcess_areBounded() throws Exception {
    try (Instance narrow = new Instance("", "subscriptions_per_process = 2\n")) {
      narrow.start();
      // The network service's own subscription is absent here, so both places are free.
      Instance.Events first = narrow.events("");
      long alone = Instance.subscriptions();
      try (CancellableContext one = Context.current().withCancellation()) {
        Instance.Events second = one.call(() -> narrow.events(""));
        Instance.Events third = narrow.events("");
        Eventually.holds("the third was refused", () -> third.failure() != null);
        Status told = Status.fromThrowable(third.failure());
        assertEquals(Code.RESOURCE_EXHAUSTED, told.getCode());
        assertTrue(told.getDescription().contains("has 2 subscriptions"), told.getDescription());
        assertNull(first.failure());
        assertNull(second.failure());
      }
      Eventually.holds("the second has ended", () -> Instance.subscriptions() == alone);
      Eventually.holds("the place was free again", () -> narrow.events("").failure() == null);
    }
  }

  private static String container(PublishedEvent event) throws InvalidProtocolBufferException {
    return TaskOOM.parseFrom(event.payload().getValue()).getContainerId();
  }

  /**
   * What happened while the service was down reaches those who subscribe again, but nobody who
   * comes later.
   */
  @Test
  void missedEvents_goToThoseWhoSubscribeSoonAfterAStart() throws Exception {
    TurnableClock clock = new TurnableClock(Instant.EPOCH);
    EventBroker broker =
        new EventBroker(Config.parse(null, ""), new OccurrenceMessages(), clock, clock::nanos);
    broker.publishMissed("n", new TaskOutOfMemory("c1"));
    broker.publishMissed(Identifier.WARM_UP_NAMESPACE, new TaskOutOfMemory("own"));
    try (EventBroker.Subscription early = broker.subscribe(List.of())) {
      assertEquals("c1", container(early.take()));
      // That the clock is set back makes nobody's stream younger.
      clock.turn(Duration.ofDays(-2));
      clock.turn(Duration.ofSeconds(31));
      try (EventBroker.Subscription late = broker.subscribe(List.of())) {
        broker.publish("n", new TaskOutOfMemory("c2"));
        assertEquals("c2", container(early.take()));
        assertEquals("c2", container(late.take()));
      }
    }
  }
}
