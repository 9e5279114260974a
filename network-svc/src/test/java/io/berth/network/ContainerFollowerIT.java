package io.berth.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.berth.api.containerd.events.ContainerDelete;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.containers.v1.ListContainersResponse;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesResponse;
import io.berth.api.containerd.services.namespaces.v1.Namespace;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.CallContext;
import io.berth.base.rpc.UnixServer;
import io.berth.base.time.Ticker;
import io.berth.network.api.ContainerFollower;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.Holder;
import io.berth.network.endpoint.NetworkEngine;
import io.berth.testing.Eventually;
import io.berth.testing.InProcessGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Endpoints go with their containers, and never without. */
@Tag("root")
final class ContainerFollowerIT {
  @RegisterExtension final InProcessGrpc grpc = new InProcessGrpc(UnixServer.INTERCEPTORS);
  @TempDir Path folder;

  private final Set<String> containers = ConcurrentHashMap.newKeySet();
  private final BlockingQueue<StreamObserver<Envelope>> subscribers = new LinkedBlockingQueue<>();
  private volatile boolean listFails;
  private TestHost host;
  private NetworkEngine engine;

  @BeforeEach
  void makeHost() throws Exception {
    host = new TestHost(folder);
    engine = host.start();
  }

  @AfterEach
  void removeHost() throws Exception {
    engine.removeAll();
    assertEquals(Set.of(), host.leftovers());
    host.close();
  }

  private ContainerFollower follow(Duration grace) throws Exception {
    return ContainerFollower.start(
        engine,
        Ticker.SYSTEM,
        grpc.serve(new Namespaces(), new Containers(), new Events()),
        grace,
        Duration.ofMillis(10));
  }

  private EndpointRecord attach(String container) throws Exception {
    return engine.attachments().attach(host.call(container, "none", Optional.empty()));
  }

  private List<String> attached() {
    return engine.attachments().list().stream().map(e -> e.key().container()).toList();
  }

  private void awaitAttached(List<String> expected) throws InterruptedException {
    var _ = Eventually.answers("attached " + expected, this::attached, expected::equals);
  }

  private static Envelope deleted(String container, Instant at) {
    return Envelope.newBuilder()
        .setNamespace("default")
        .setTopic("/containers/delete")
        .setTimestamp(Timestamp.newBuilder().setSeconds(at.getEpochSecond()).setNanos(at.getNano()))
        .setEvent(Anys.pack(ContainerDelete.newBuilder().setId(container).build()))
        .build();
  }

  @Test
  void deletedContainer_losesItsEndpointAtOnce() throws Exception {
    attach("a");
    attach("b");
    containers.addAll(Set.of("a", "b"));
    try (ContainerFollower _ = follow(Duration.ofMinutes(1))) {
      subscribers.take().onNext(deleted("a", Instant.now().plusMillis(1)));
      awaitAttached(List.of("b"));
    }
  }

  @Test
  void nextContainerOfTheSameName_keepsItsEndpoint() throws Exception {
    Instant before = Instant.now().minusMillis(5);
    attach("a");
    attach("z");
    try (ContainerFollower _ = follow(Duration.ofMinutes(1))) {
      StreamObserver<Envelope> events = subscribers.take();
      events.onNext(deleted("a", before));
      events.onNext(deleted("z", Instant.now()));
      awaitAttached(List.of("a"));
    }
  }

  @Test
  void containersThatWentWhileNobodyLooked_areFoundByTheList() throws Exception {
    attach("gone");
    attach("stays");
    containers.add("stays");
    try (ContainerFollower _ = follow(Duration.ofMillis(50))) {
      awaitAttached(List.of("stays"));
    }
  }

  @Test
  void youngEndpoint_isLeftAloneThoughItsContainerIsNotRecordedYet() throws Exception {
    attach("young");
    try (ContainerFollower _ = follow(Duration.ofMinutes(1))) {
      StreamObserver<Envelope> first = subscribers.take();
      first.onCompleted();
      subscribers.take().onCompleted();
      // Before it subscribes for the third time it has compared twice.
      subscribers.take();
      assertEquals(List.of("young"), attached());
    }
  }

  /** Its removal had to wait for this service, and the one that waited has died meanwhile. */
  @Test
  void youngEndpoint_goesWhenTheRecordOfItsContainerIsGone() throws Exception {
    for (Holder holder : List.of(Holder.RECORDED, Holder.EPHEMERAL)) {
      engine.attachments().attach(host.call(holder.name(), "none", Optional.empty(), holder));
    }
    attach("young");
    try (ContainerFollower _ = follow(Duration.ofMinutes(1))) {
      awaitAttached(List.of("young"));
    }
  }

  @Test
  void listThatFails_letsNothingGo_andABrokenStreamIsAskedForAnew() throws Exception {
    attach("a");
    listFails = true;
    try (ContainerFollower _ = follow(Duration.ofMillis(1))) {
      subscribers.take().onError(Status.UNAVAILABLE.asRuntimeException());
      subscribers.take().onError(Status.UNAVAILABLE.asRuntimeException());
      assertTrue(subscribers.poll(5, TimeUnit.SECONDS) != null);
      assertEquals(List.of("a"), attached());
    }
  }

  private static final class Namespaces extends NamespacesGrpc.NamespacesImplBase {
    @Override
    public void list(
        ListNamespacesRequest request, StreamObserver<ListNamespacesResponse> responses) {
      responses.onNext(
          ListNamespacesResponse.newBuilder()
              .addNamespaces(Namespace.newBuilder().setName("default"))
              .build());
      responses.onCompleted();
    }
  }

  private final class Containers extends ContainersGrpc.ContainersImplBase {
    @Override
    public void list(
        ListContainersRequest request, StreamObserver<ListContainersResponse> responses) {
      assertEquals("default", CallContext.namespace());
      if (listFails) {
        responses.onError(Status.UNAVAILABLE.asRuntimeException());
        return;
      }
      ListContainersResponse.Builder answer = ListContainersResponse.newBuilder();
      containers.forEach(id -> answer.addContainers(Container.newBuilder().setId(id)));
      responses.onNext(answer.build());
      responses.onCompleted();
    }
  }

  private final class Events extends EventsGrpc.EventsImplBase {
    @Override
    public void subscribe(SubscribeRequest request, StreamObserver<Envelope> responses) {
      assertEquals(List.of("topic==\"/containers/delete\""), request.getFiltersList());
      subscribers.add(responses);
    }
  }
}
