package io.berth.containerd.event;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Identifier;
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
  /**
   * How long after a start subscribers are taken for those of the process before this one. Clients
   * of containerd subscribe again within seconds.
   */
  private static final Duration RESUBSCRIPTION = Duration.ofSeconds(30);

  private final PayloadCodec codec;
  private final InstantSource clock;
  private final int queueBound;
  private final ReentrantLock order = new ReentrantLock();
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private final Instant start;

  @GuardedBy("order")
  private final List<Numbered> missed = new ArrayList<>();

  @GuardedBy("order")
  private long sequence;

  @Inject
  public EventBroker(Config config, PayloadCodec codec, InstantSource clock) {
    this.codec = codec;
    this.clock = clock;
    this.start = clock.instant();
    this.queueBound = (int) config.number(Key.CONTAINERD_EVENT_QUEUE);
  }

  /** An event and its place in the order, counted from 1 since the start of this process. */
  public record Numbered(long sequence, PublishedEvent event, Filter.Fields fields) {}

  /** Tells what happened at this moment. */
  public void publish(String namespace, Occurrence what) {
    forward(new PublishedEvent(namespace, what.topic(), clock.instant(), codec.encode(what)));
  }

  /**
   * Tells what happened while this service was down. Those who subscribe in its first 30 seconds
   * get it too, for they lost their stream with the process before this one.
   */
  public void publishMissed(String namespace, Occurrence what) {
    PublishedEvent event =
        new PublishedEvent(namespace, what.topic(), clock.instant(), codec.encode(what));
    order.lock();
    try {
      Numbered told = tell(event);
      if (told != null && missed.size() < queueBound) {
        missed.add(told);
      }
    } finally {
      order.unlock();
    }
  }

  /** Tells an event as somebody else made it. */
  public void forward(PublishedEvent event) {
    order.lock();
    try {
      var _ = tell(event);
    } finally {
      order.unlock();
    }
  }

  // Null for an event of the warm-up, which nobody but this process is to see.
  @GuardedBy("order")
  private @Nullable Numbered tell(PublishedEvent event) {
    if (event.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
      return null;
    }
    Numbered numbered = new Numbered(++sequence, event, new EventFields(event, codec));
    subscriptions.forEach(subscription -> subscription.offer(numbered));
    return numbered;
  }

  /**
   * Everything from now on that passes one of the filters, all of it if there is no filter.
   *
   * @param filters in containerd's language, see {@link Filter#of}; INVALID_ARGUMENT for others
   * @return what is to be closed in the end
   */
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

  /** One subscriber's queue; one thread at a time may take from it. */
  public final class Subscription implements AutoCloseable {
    private final Filter filter;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();

    @GuardedBy("lock")
    private final Queue<Numbered> queue = new ArrayDeque<>();

    @GuardedBy("lock")
    private long lost;

    private Subscription(Filter filter) {
      this.filter = filter;
    }

    private void offer(Numbered event) {
      lock.lock();
      try {
        // After a loss nothing more is queued, so that the subscriber is told at the gap.
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
     * The next event that passes the filter; blocks until there is one. RESOURCE_EXHAUSTED once the
     * subscriber has fallen behind by more than the bound and everything before the gap was taken.
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

    @GuardedBy("lock")
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
