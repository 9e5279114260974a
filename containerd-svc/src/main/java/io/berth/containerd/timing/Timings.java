package io.berth.containerd.timing;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The timings of the containers that were started last, removed ones among them, until this service
 * ends. Thread-safe.
 */
@Singleton
public final class Timings {
  private static final int MOST = 1000;

  private final InstantSource clock;
  private final Cache<TaskKey, Timing> kept = Caffeine.newBuilder().maximumSize(MOST).build();

  @Inject
  public Timings(InstantSource clock) {
    this.clock = clock;
  }

  /** A timing that begins now, of a container that may have no id yet. */
  public Timing begin() {
    return new Timing(clock.instant());
  }

  /** Keeps a timing in the place of the container's earlier one. */
  public void keep(TaskKey key, Timing timing) {
    kept.put(key, timing);
  }

  /**
   * Starts a container in a timing that begins now, unless this thread is in its timing already.
   */
  public <T extends @Nullable Object, X extends Throwable> T start(
      TaskKey key, ScopedValue.CallableOp<? extends T, X> work) throws X {
    Timing known = kept.getIfPresent(key);
    if (known != null && known.isCurrent()) {
      return work.call();
    }
    Timing timing = begin();
    keep(key, timing);
    return timing.in(work);
  }

  /** Does work whose steps are those of the container's last start, if that is kept. */
  public void goOn(TaskKey key, Runnable work) {
    Timing timing = kept.getIfPresent(key);
    if (timing == null) {
      work.run();
    } else {
      timing.run(work);
    }
  }

  /** The container's. */
  public Optional<Timing> of(TaskKey key) {
    return Optional.ofNullable(kept.getIfPresent(key));
  }

  /** Those of a namespace, by id. */
  public Map<String, Timing> in(String namespace) {
    Map<String, Timing> found = new TreeMap<>();
    kept.asMap()
        .forEach((key, timing) -> {
          if (key.namespace().equals(namespace)) {
            found.put(key.id(), timing);
          }
        });
    return found;
  }
}
