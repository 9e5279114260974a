package io.berth.containerd.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.api.berth.event.v1.EngineEvent;
import io.berth.api.berth.event.v1.FollowRequest;
import io.berth.api.berth.event.v1.FollowResponse;
import io.berth.api.berth.event.v1.OutboxGrpc;
import io.berth.api.containerd.types.Envelope;
import io.berth.base.rpc.Anys;
import io.berth.base.rpc.Timestamps;
import io.berth.base.time.Sleeper;
import io.berth.containerd.event.EventBroker;
import io.berth.containerd.event.PublishedEvent;
import io.berth.containerd.event.RecentEvent;
import io.berth.containerd.event.RecentEvents;
import io.berth.containerd.metadata.Store;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Follows the outbox of another service and tells each of its events once, across restarts of both
 * sides, for it stores how far it came: those of containerd to its clients, and what happens in
 * docker's words to whoever watches that. A power cut may take some of that back, and then the last
 * events are told twice.
 */
public final class OutboxFollower implements AutoCloseable {
  private static final Logger LOG = System.getLogger(OutboxFollower.class.getName());
  private static final String ENGINE_EVENT = EngineEvent.getDescriptor().getFullName();
  private static final Duration RECONNECT_PAUSE = Duration.ofMillis(500);

  private final String name;
  private final Channel channel;
  private final Store store;
  private final EventBroker broker;
  private final RecentEvents recent;
  private final UnaryOperator<RecentEvent> completion;
  private final Sleeper sleeper;
  private final String key;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition advanced = lock.newCondition();

  /** The number of the last event that was told. */
  @GuardedBy("lock")
  private long position;

  private volatile @Nullable Thread thread;
  private volatile boolean closed;

  /**
   * @param name of the followed service, for the stored position and the log
   * @param completion adds what only this service knows to an event in docker's words
   */
  public OutboxFollower(
      String name,
      Channel channel,
      Store store,
      EventBroker broker,
      RecentEvents recent,
      UnaryOperator<RecentEvent> completion,
      Sleeper sleeper) {
    this.name = name;
    this.channel = channel;
    this.store = store;
    this.broker = broker;
    this.recent = recent;
    this.completion = completion;
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
        after = stored == null ? next.getSequence() : beginning(after, next);
        advance(after);
        continue;
      }
      if (next.getSequence() <= after) {
        continue;
      }
      tell(next.getEnvelope());
      after = next.getSequence();
      advance(after);
    }
  }

  /**
   * After which of an outbox's events to begin: those that it keeps, if it is a new one that counts
   * from a smaller number, and else those that are not told yet, where it still has them.
   */
  private static long beginning(long told, FollowResponse head) {
    long beforeAll = head.getFirst() - 1;
    return head.getSequence() < told ? beforeAll : Math.max(told, beforeAll);
  }

  private void tell(Envelope envelope) {
    if (Anys.is(envelope.getEvent(), ENGINE_EVENT)) {
      EngineEvent event = Anys.unpack(envelope.getEvent(), ENGINE_EVENT, EngineEvent.parser());
      recent.tell(
          completion.apply(
              new RecentEvent(
                  envelope.getNamespace(),
                  event.getType(),
                  event.getAction(),
                  event.getActorId(),
                  event.getAttributesMap(),
                  Timestamps.instant(envelope.getTimestamp()))));
    } else {
      broker.forward(event(envelope));
    }
  }

  private void advance(long to) {
    store.setValue(key, Long.toString(to));
    lock.lock();
    try {
      position = to;
      advanced.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until everything is told that had happened when this was called, but no longer than
   * somebody who asks for the past would. A service that does not answer has nothing to tell now.
   */
  void awaitTold(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    long newest = newest(patience);
    lock.lockInterruptibly();
    try {
      long left = deadline - System.nanoTime();
      while (position < newest && left > 0) {
        left = advanced.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The number of the last event there is; one that is told already when nobody answers. */
  private long newest(Duration patience) {
    Context.CancellableContext call = Context.current().withCancellation();
    Context before = call.attach();
    try {
      return OutboxGrpc.newBlockingStub(channel)
          .withDeadlineAfter(patience)
          .follow(FollowRequest.newBuilder().setOnlyNew(true).build())
          .next()
          .getSequence();
    } catch (StatusRuntimeException | NoSuchElementException e) {
      LOG.log(Level.DEBUG, "ask {0} for its events: {1}", name, e.getMessage());
      return Long.MIN_VALUE;
    } finally {
      call.detach(before);
      call.cancel(null);
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
