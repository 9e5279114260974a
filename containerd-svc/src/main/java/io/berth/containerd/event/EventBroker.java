package io.berth.containerd.event;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.berth.base.config.Config;
import io.berth.base.config.Key;
import io.berth.base.error.BerthException;
import io.berth.base.filter.Filter;
import io.berth.base.id.Identifier;
import io.berth.base.time.Ticker;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts events into one order and hands each to every subscriber. Publishing never waits for a
 * subscriber. The events that wait are held once for all subscribers, and one that is behind by
 * more than the bound is let go, so that they never need more than the bound, or than a single
 * event. Thread-safe.
 */
@Singleton
public final class EventBroker {
  /**
   * How long after a start subscribers are taken for those of the process before this one. Clients
   * of containerd subscribe again within seconds.
   */
  private static final Duration RESUBSCRIPTION = Duration.ofSeconds(30);

  /** Bytes that an event needs beside its texts, by estimate. */
  private static final long OVERHEAD = 256;

  private final PayloadCodec codec;
  private final InstantSource clock;
  private final long backlog;
  private final ReentrantLock order = new ReentrantLock();
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private final Ticker ticker;
  private final long start;

  @GuardedBy("order")
  private final List<Filterable> missed = new ArrayList<>();

  @GuardedBy("order")
  private long missedBytes;

  @GuardedBy("order")
  private Link last = new Link(null, 0);

  @Inject
  public EventBroker(Config config, PayloadCodec codec, InstantSource clock, Ticker ticker) {
    this.codec = codec;
    this.clock = clock;
    this.ticker = ticker;
    this.start = ticker.nanos();
    this.backlog = config.number(Key.CONTAINERD_EVENT_BACKLOG);
  }

  /** An event and what filters ask of it. */
  private record Filterable(PublishedEvent event, Filter.Fields fields) {}

  /** An event in the chain that all subscribers walk along, each at its own pace. */
  private static final class Link {
    final @Nullable Filterable event;

    /** Bytes of all events up to this one. */
    final long total;

    volatile @Nullable Link next;

    Link(@Nullable Filterable event, long total) {
      this.event = event;
      this.total = total;
    }
  }

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
      Filterable told = tell(event);
      if (told != null && missedBytes + bytes(event) <= backlog) {
        missed.add(told);
        missedBytes += bytes(event);
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
  private @Nullable Filterable tell(PublishedEvent event) {
    if (event.namespace().equals(Identifier.WARM_UP_NAMESPACE)) {
      return null;
    }
    Filterable told = new Filterable(event, new EventFields(event, codec));
    Link link = new Link(told, last.total + bytes(event));
    last.next = link;
    last = link;
    subscriptions.forEach(subscription -> subscription.arrived(link));
    return told;
  }

  private static long bytes(PublishedEvent event) {
    return OVERHEAD
        + event.namespace().length()
        + event.topic().length()
        + event.payload().getTypeUrl().length()
        + event.payload().getValue().size();
  }

  /**
   * Everything from now on that passes one of the filters, all of it if there is no filter.
   *
   * @param filters in containerd's language, see {@link Filter#of}; INVALID_ARGUMENT for others
   * @return what is to be closed in the end
   */
  public Subscription subscribe(List<String> filters) {
    Filter filter = Filter.of(filters);
    order.lock();
    try {
      if (ticker.nanos() - start > RESUBSCRIPTION.toNanos()) {
        missed.clear();
        missedBytes = 0;
      }
      Subscription subscription = new Subscription(filter, new ArrayDeque<>(missed), last);
      subscriptions.add(subscription);
      return subscription;
    } finally {
      order.unlock();
    }
  }

  /** One subscriber's place in the chain; one thread at a time may take from it. */
  public final class Subscription implements AutoCloseable {
    private final Filter filter;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    @GuardedBy("lock")
    private final Queue<Filterable> before;

    /** What was taken last; null when the subscriber was let go. */
    @GuardedBy("lock")
    private @Nullable Link at;

    @GuardedBy("lock")
    private Consumer<BerthException> whenLost = _ -> {};

    private Subscription(Filter filter, Queue<Filterable> before, Link at) {
      this.filter = filter;
      this.before = before;
      this.at = at;
    }

    /**
     * Called once, by a thread that publishes, if the subscriber falls behind by more than the
     * bound; must not block.
     */
    public void whenLost(Consumer<BerthException> told) {
      lock.lock();
      try {
        whenLost = told;
        if (at == null) {
          told.accept(tooSlow());
        }
      } finally {
        lock.unlock();
      }
    }

    private void arrived(Link link) {
      lock.lock();
      try {
        // Whoever has taken all that came before is not slow, however large this one is.
        if (at != null && at.next != link && link.total - at.total > backlog) {
          at = null;
          before.clear();
          whenLost.accept(tooSlow());
        }
        changed.signal();
      } finally {
        lock.unlock();
      }
    }

    private BerthException tooSlow() {
      return new BerthException.ResourceExhausted(
          "events are read too slowly: more than "
              + backlog
              + " bytes of them waited (`containerd.event_backlog`) and were dropped; read the"
              + " state anew and subscribe again");
    }

    /**
     * The next event that passes the filter; blocks until there is one. RESOURCE_EXHAUSTED once the
     * subscriber has fallen behind by more than the bound.
     */
    public PublishedEvent take() throws InterruptedException {
      while (true) {
        Filterable event = next();
        if (filter.matchesAll() || filter.matches(event.fields())) {
          return event.event();
        }
      }
    }

    private Filterable next() throws InterruptedException {
      lock.lockInterruptibly();
      try {
        while (true) {
          Filterable event = poll();
          if (event != null) {
            return event;
          }
          changed.await();
        }
      } finally {
        lock.unlock();
      }
    }

    @GuardedBy("lock")
    private @Nullable Filterable poll() {
      Filterable early = before.poll();
      if (early != null) {
        return early;
      }
      if (at == null) {
        throw tooSlow();
      }
      Link next = at.next;
      if (next == null) {
        return null;
      }
      at = next;
      return next.event;
    }

    @Override
    public void close() {
      subscriptions.remove(this);
    }
  }
}
