package io.berth.containerd.event;

import com.google.protobuf.Message;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Identifier;
import io.berth.base.rpc.Anys;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Puts events into one order and hands each to every subscriber. Publishing never waits for a
 * subscriber. Thread-safe.
 */
@Singleton
public final class EventBroker {
  /** How long after a start subscribers are taken for those of the predecessor. */
  private static final Duration RESUBSCRIPTION = Duration.ofSeconds(30);

  private final PayloadCodec codec;
  private final InstantSource clock;
  private final int queueBound;
  private final ReentrantLock order = new ReentrantLock();
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private final List<Numbered> missed = new ArrayList<>();
  private final Instant start;
  private long sequence;
  private @Nullable Numbered last;

  @Inject
  public EventBroker(Config config, PayloadCodec codec, InstantSource clock) {
    this.codec = codec;
    this.clock = clock;
    this.start = clock.instant();
    this.queueBound = (int) config.number(Key.CONTAINERD_EVENT_QUEUE);
  }

  /** An event and its place in the order, counted from 1 since the start of this process. */
  public record Numbered(long sequence, Event event, Filter.Fields fields) {}

  /** Tells what happened at this moment. */
  public void publish(String namespace, Occurrence what) {
    forward(new Event(namespace, what.topic(), clock.instant(), codec.encode(what)));
  }

  /** The same, of a payload that its teller encoded. */
  public void publish(String namespace, String topic, Message payload) {
    forward(new Event(namespace, topic, clock.instant(), Anys.pack(payload)));
  }

  /**
   * Tells what happened while this service was down. Those who subscribe in its first moments get
   * it too, for they lost their stream with the process before this one.
   */
  public void publishMissed(String namespace, Occurrence what) {
    missed(() -> publish(namespace, what));
  }

  /** The same, of a payload that its teller encoded. */
  public void publishMissed(String namespace, String topic, Message payload) {
    missed(() -> publish(namespace, topic, payload));
  }

  private void missed(Runnable publishing) {
    order.lock();
    try {
      publishing.run();
      if (last != null && missed.size() < queueBound) {
        missed.add(last);
      }
    } finally {
      order.unlock();
    }
  }

  /** Tells an event as somebody else made it. */
  public void forward(Event event) {
    if (event.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
      return;
    }
    EventFields fields = new EventFields(event, codec);
    order.lock();
    try {
      Numbered numbered = new Numbered(++sequence, event, fields);
      last = numbered;
      subscriptions.forEach(subscription -> subscription.offer(numbered));
    } finally {
      order.unlock();
    }
  }

  /** Everything from now on that passes one of the filters. To be closed. */
  public Subscription subscribe(List<String> filters) {
    Subscription subscription = new Subscription(Filter.of(filters));
    order.lock();
    try {
      if (clock.instant().isAfter(start.plus(RESUBSCRIPTION))) {
        missed.clear();
      }
      missed.forEach(subscription::offer);
      subscriptions.add(subscription);
    } finally {
      order.unlock();
    }
    return subscription;
  }

  /** One subscriber's queue. One thread takes. */
  public final class Subscription implements AutoCloseable {
    private final Filter filter;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final Queue<Numbered> queue = new ArrayDeque<>();
    private long lost;

    private Subscription(Filter filter) {
      this.filter = filter;
    }

    private void offer(Numbered event) {
      lock.lock();
      try {
        // After a loss nothing more is taken: the subscriber is told at the gap, not after it.
        if (lost > 0 || queue.size() >= queueBound) {
          lost++;
        } else {
          queue.add(event);
        }
        arrived.signal();
      } finally {
        lock.unlock();
      }
    }

    /**
     * Blocks until there is one. RESOURCE_EXHAUSTED once the subscriber has fallen behind by more
     * than the bound and everything before the gap was taken.
     */
    public Numbered take() throws InterruptedException {
      while (true) {
        Numbered event = next();
        if (filter.matchesAll() || filter.matches(event.fields())) {
          return event;
        }
      }
    }

    private Numbered next() throws InterruptedException {
      lock.lockInterruptibly();
      try {
        while (true) {
          Numbered event = poll();
          if (event != null) {
            return event;
          }
          arrived.await();
        }
      } finally {
        lock.unlock();
      }
    }

    private @Nullable Numbered poll() {
      Numbered event = queue.poll();
      if (event == null && lost > 0) {
        throw new BerthException.ResourceExhausted(
            "events are read too slowly: "
                + lost
                + " or more after the first "
                + queueBound
                + " waiting ones were dropped; read the state anew and subscribe again");
      }
      return event;
    }

    @Override
    public void close() {
      subscriptions.remove(this);
    }
  }
}
