package io.berth.containerd.timing;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the time of one container's start and end went. Work that is done {@link #in} a timing
 * leaves a {@link Span} for each of its steps and calls, whatever thread does it; outside of any
 * timing a step costs nothing more than that look. Thread-safe.
 */
public final class Timing {
  /** A container that restarts for ever must not fill the memory; what is more is left out. */
  static final int MOST_SPANS = 200;

  private static final ScopedValue<Place> CURRENT = ScopedValue.newInstance();

  private final Instant begunAt;

  @GuardedBy("this")
  private final List<Span> spans = new ArrayList<>();

  /** Begins now. */
  public Timing(Instant begunAt) {
    this.begunAt = begunAt;
  }

  /** Where a thread is: in which timing, and in how many of its spans. */
  private record Place(Timing timing, int depth) {}

  /**
   * A step, or a call of another service.
   *
   * @param name what was done, or {@code Service.Method}
   * @param beginNanos by {@link System#nanoTime}, which is CLOCK_MONOTONIC and so the same in every
   *     process of the machine
   * @param depth in how many other spans it lies
   */
  public record Span(String name, long beginNanos, long nanos, int depth) {}

  /** A step that is not over. */
  public interface Open {
    /** It is over now. */
    void end();
  }

  /** Wall time of the beginning. */
  public Instant begunAt() {
    return begunAt;
  }

  /** What there is up to now, in the order of the beginnings. */
  public synchronized List<Span> spans() {
    return spans.stream()
        .sorted(Comparator.comparingLong(Span::beginNanos).thenComparingInt(Span::depth))
        .toList();
  }

  private synchronized void add(Span span) {
    if (spans.size() < MOST_SPANS) {
      spans.add(span);
    }
  }

  /** Does work whose steps are this timing's. */
  public <T extends @Nullable Object, X extends Throwable> T in(
      ScopedValue.CallableOp<? extends T, X> work) throws X {
    if (isCurrent()) {
      return work.call();
    }
    return ScopedValue.where(CURRENT, new Place(this, 0)).call(work);
  }

  /** The same. */
  void run(Runnable work) {
    var _ =
        in(() -> {
          work.run();
          return true;
        });
  }

  /** Whether this thread is in it. */
  boolean isCurrent() {
    return CURRENT.isBound() && CURRENT.get().timing == this;
  }

  /** Does a step of the timing that this thread is in, if it is in one. */
  public static <T extends @Nullable Object, X extends Throwable> T step(
      String name, ScopedValue.CallableOp<? extends T, X> work) throws X {
    if (!CURRENT.isBound()) {
      return work.call();
    }
    Place place = CURRENT.get();
    Open step = open(name, place);
    try {
      return ScopedValue.where(CURRENT, new Place(place.timing, place.depth + 1)).call(work);
    } finally {
      step.end();
    }
  }

  /** The same, of work without a result. */
  public static void perform(String name, Runnable work) {
    var _ =
        step(
            name,
            () -> {
              work.run();
              return true;
            });
  }

  /** Begins a step that another thread may end; null outside of a timing. */
  static @Nullable Open open(String name) {
    return CURRENT.isBound() ? open(name, CURRENT.get()) : null;
  }

  private static Open open(String name, Place place) {
    long begin = System.nanoTime();
    return () -> place.timing.add(new Span(name, begin, System.nanoTime() - begin, place.depth));
  }

  /** The same work, whose steps are those of the timing that this thread is in, on any thread. */
  public static Runnable carried(Runnable work) {
    if (!CURRENT.isBound()) {
      return work;
    }
    Place place = CURRENT.get();
    return () -> ScopedValue.where(CURRENT, place).run(work);
  }
}
