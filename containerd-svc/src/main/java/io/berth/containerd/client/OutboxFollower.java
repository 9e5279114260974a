package io.berth.containerd.client;

import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Timestamps;
import io.berth.base.time.Sleeper;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.PublishedEvent;
import io.berth.containerd.metadata.Store;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Follows the outbox of another service and forwards each of its events once, across restarts of
 * both sides, for it stores how far it came. A power cut may take some of that back, and then the
 * last events are told twice.
 */
public final class OutboxFollower implements AutoCloseable {
  private static final Logger LOG = System.getLogger(OutboxFollower.class.getName());
  private static final Duration RECONNECT_PAUSE = Duration.ofMillis(500);

  private final String name;
  private final Channel channel;
  private final Store store;
  private final EventBroker broker;
  private final Sleeper sleeper;
  private final String key;
  private volatile @Nullable Thread thread;
  private volatile boolean closed;

  /**
   * @param name of the followed service, for the stored position and the log
   */
  public OutboxFollower(
      String name, Channel channel, Store store, EventBroker broker, Sleeper sleeper) {
    this.name = name;
    this.channel = channel;
    this.store = store;
    this.broker = broker;
    this.sleeper = sleeper;
    this.key = "outbox." + name;
  }

  /** Follows in a thread of its own, and connects again whenever the other side went away. */
  public void start() {
    thread = Thread.ofVirtual().name("outbox-" + name).start(this::loop);
  }

  private void loop() {
    boolean told = false;
    while (!closed) {
      try {
        follow();
        told = false;
      } catch (StatusRuntimeException e) {
        LOG.log(told ? Level.DEBUG : Level.INFO, "follow events of {0}: {1}", name, e.getMessage());
        told = true;
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, "follow events of " + name, e);
      }
      if (!sleeper.pause(RECONNECT_PAUSE)) {
        return;
      }
    }
  }

  private void follow() {
    String stored = store.value(key);
    long after = stored == null ? 0 : Long.parseLong(stored);
    FollowRequest request =
        FollowRequest.newBuilder().setAfter(after).setOnlyNew(stored == null).build();
    Iterator<FollowResponse> stream = OutboxGrpc.newBlockingStub(channel).follow(request);
    while (stream.hasNext()) {
      FollowResponse next = stream.next();
      if (!next.hasEnvelope()) {
        // A new outbox, made from nothing, counts from the beginning again.
        after = stored == null || next.getSequence() < after ? next.getSequence() : after;
        store.setValue(key, Long.toString(after));
        continue;
      }
      if (next.getSequence() <= after) {
        continue;
      }
      broker.forward(event(next.getEnvelope()));
      after = next.getSequence();
      store.setValue(key, Long.toString(after));
    }
  }

  private static PublishedEvent event(Envelope envelope) {
    return new PublishedEvent(
        envelope.getNamespace(),
        envelope.getTopic(),
        Timestamps.instant(envelope.getTimestamp()),
        envelope.getEvent());
  }

  @Override
  public void close() {
    closed = true;
    Thread running = thread;
    if (running != null) {
      running.interrupt();
    }
  }
}
