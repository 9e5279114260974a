package io.berth.network.api;

import io.berth.api.containerd.events.ContainerDelete;
import io.berth.api.containerd.services.containers.v1.Container;
import io.berth.api.containerd.services.containers.v1.ContainersGrpc;
import io.berth.api.containerd.services.containers.v1.ListContainersRequest;
import io.berth.api.containerd.services.events.v1.EventsGrpc;
import io.berth.api.containerd.services.events.v1.SubscribeRequest;
import io.berth.api.containerd.services.namespaces.v1.ListNamespacesRequest;
import io.berth.api.containerd.services.namespaces.v1.Namespace;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.error.BerthException;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.EventLoops;
import io.berth.base.rpc.UnixChannel;
import io.berth.base.time.Ticker;
import io.berth.network.endpoint.EndpointKey;
import io.berth.network.endpoint.EndpointRecord;
import io.berth.network.endpoint.NetworkEngine;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lets endpoints go whose containers are gone: at once when containerd-svc says so, and after a
 * while when its list of containers does not have them. A client may attach a container before that
 * is recorded, so a young endpoint is left alone, unless the record was there first. If
 * containerd-svc does not answer, nothing is let go.
 */
public final class ContainerFollower implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ContainerFollower.class.getName());
  private static final String FULL_NAME = "containerd.events.ContainerDelete";
  private static final String FILTER = "topic==\"/containers/delete\"";
  private static final int QUEUE = 65536;
  private static final Duration CALL = Duration.ofSeconds(30);

  /**
   * How long a container may take from its attach to its record, and how often all are compared.
   */
  private static final Duration GRACE = Duration.ofMinutes(2);

  private final NetworkEngine engine;
  private final Ticker ticker;
  private final ManagedChannel channel;
  private final Duration grace;
  private final Duration pause;
  private final BlockingQueue<Signal> signals = new ArrayBlockingQueue<>(QUEUE);
  private final Thread thread;

  /** Since when, by the ticker, containers are not in the list; for the follower's own thread. */
  private final Map<Missing, Long> missing = new HashMap<>();

  private volatile boolean closed;

  private sealed interface Signal {
    /** A container was removed. */
    record Deleted(EndpointKey key, Instant at) implements Signal {}

    /** The stream is over, and the service has to be asked for another. */
    record Ended() implements Signal {}
  }

  private ContainerFollower(
      NetworkEngine engine, Ticker ticker, ManagedChannel channel, Duration grace, Duration pause) {
    this.engine = engine;
    this.ticker = ticker;
    this.channel = channel;
    this.grace = grace;
    this.pause = pause;
    this.thread = Thread.ofPlatform().daemon().name("container-follower").unstarted(this::run);
  }

  /** Follows the service at the socket, which may come and go. */
  public static ContainerFollower start(
      NetworkEngine engine, Ticker ticker, EventLoops loops, Path socket) {
    return start(engine, ticker, UnixChannel.to(loops, socket), GRACE, Duration.ofSeconds(1));
  }

  /**
   * As the other, with times of one's own.
   *
   * @param channel taken over
   * @param grace how long a container may take from its attach to its record
   * @param pause before the service is asked again when it did not answer
   */
  public static ContainerFollower start(
      NetworkEngine engine, Ticker ticker, ManagedChannel channel, Duration grace, Duration pause) {
    ContainerFollower follower = new ContainerFollower(engine, ticker, channel, grace, pause);
    follower.thread.start();
    return follower;
  }

  private void run() {
    try {
      while (!closed) {
        signals.clear();
        Subscription subscription = new Subscription();
        EventsGrpc.newStub(channel)
            .subscribe(SubscribeRequest.newBuilder().addFilters(FILTER).build(), subscription);
        follow();
        subscription.cancel();
        if (!closed) {
          var _ = signals.poll(pause.toMillis(), TimeUnit.MILLISECONDS);
        }
      }
    } catch (InterruptedException e) {
      closed = true;
    }
  }

  /** Takes what the stream tells, until it ends. */
  private void follow() throws InterruptedException {
    compare();
    long compared = ticker.nanos();
    while (!closed) {
      long wait = Math.max(1, grace.toNanos() - (ticker.nanos() - compared));
      switch (signals.poll(wait, TimeUnit.NANOSECONDS)) {
        case Signal.Deleted deleted -> letGo(deleted);
        case Signal.Ended _ -> {
          return;
        }
        case null -> {
          compare();
          compared = ticker.nanos();
        }
      }
    }
  }

  /**
   * Lets go every endpoint whose container the list does not have, if it was recorded once, or if
   * it was not in the list for long enough.
   */
  private void compare() {
    Set<EndpointKey> containers = new HashSet<>();
    // They are looked at before the list is asked for, so that a container which is attached in
    // between counts as younger than the list.
    List<EndpointRecord> endpoints = engine.attachments().list();
    long now = ticker.nanos();
    try {
      for (Namespace namespace :
          NamespacesGrpc.newBlockingStub(channel)
              .withDeadlineAfter(CALL)
              .list(ListNamespacesRequest.getDefaultInstance())
              .getNamespacesList()) {
        var stub =
            UnixChannel.in(
                ContainersGrpc.newBlockingStub(channel).withDeadlineAfter(CALL),
                namespace.getName(),
                null);
        for (Container container :
            stub.list(ListContainersRequest.getDefaultInstance()).getContainersList()) {
          containers.add(new EndpointKey(namespace.getName(), container.getId()));
        }
      }
    } catch (StatusRuntimeException | BerthException e) {
      LOG.log(Level.DEBUG, "containers cannot be listed: {0}", e.getMessage());
      return;
    }
    List<EndpointRecord> without =
        endpoints.stream().filter(endpoint -> !containers.contains(endpoint.key())).toList();
    missing.keySet().retainAll(without.stream().map(Missing::of).toList());
    for (EndpointRecord endpoint : without) {
      long since = missing.computeIfAbsent(Missing.of(endpoint), _ -> now);
      if (endpoint.holder().isRecorded() || now - since >= grace.toNanos()) {
        LOG.log(Level.INFO, "container {0} is gone and its endpoint is let go", endpoint.key());
        letGo(endpoint.key());
      }
    }
  }

  /** One attachment of a container, of which there is no record. */
  private record Missing(EndpointKey key, Instant attachedAt) {
    static Missing of(EndpointRecord endpoint) {
      return new Missing(endpoint.key(), endpoint.attachedAt());
    }
  }

  /** Leaves the endpoint alone if a container of the same name was attached after the deletion. */
  private void letGo(Signal.Deleted deleted) {
    boolean its =
        engine.attachments().list().stream()
            .anyMatch(e -> e.key().equals(deleted.key) && !e.attachedAt().isAfter(deleted.at));
    if (its) {
      letGo(deleted.key);
    }
  }

  private void letGo(EndpointKey key) {
    try {
      engine.attachments().detach(key);
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.WARNING, "detach {0}: {1}", key, e.getMessage());
    }
  }

  private final class Subscription implements ClientResponseObserver<SubscribeRequest, Envelope> {
    private volatile @Nullable ClientCallStreamObserver<SubscribeRequest> call;

    @Override
    public void beforeStart(ClientCallStreamObserver<SubscribeRequest> requests) {
      call = requests;
    }

    @Override
    public void onNext(Envelope envelope) {
      try {
        ContainerDelete deleted =
            Anys.unpack(envelope.getEvent(), FULL_NAME, ContainerDelete.parser());
        // A full queue loses the signal, and the next comparison finds what it was about.
        var _ =
            signals.offer(
                new Signal.Deleted(
                    new EndpointKey(envelope.getNamespace(), deleted.getId()),
                    Instant.ofEpochSecond(
                        envelope.getTimestamp().getSeconds(), envelope.getTimestamp().getNanos())));
      } catch (BerthException e) {
        LOG.log(Level.DEBUG, "an event that is none of ours: {0}", e.getMessage());
      }
    }

    @Override
    public void onError(Throwable failure) {
      var _ = signals.offer(new Signal.Ended());
    }

    @Override
    public void onCompleted() {
      var _ = signals.offer(new Signal.Ended());
    }

    void cancel() {
      ClientCallStreamObserver<SubscribeRequest> started = call;
      if (started != null) {
        started.cancel("asked for anew", null);
      }
    }
  }

  @Override
  public void close() {
    // An interrupt would leave a detach half-way, so the thread is asked by a signal.
    closed = true;
    channel.shutdownNow();
    var _ = signals.offer(new Signal.Ended());
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
