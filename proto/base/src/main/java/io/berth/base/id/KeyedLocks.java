package io.berth.base.id;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One lock for each key, so that one thing at a time is done to what the key names. A lock exists
 * as long as some thread holds or wants it. Thread-safe.
 *
 * @param <K> a type with the equality of a value
 */
public final class KeyedLocks<K> {
  private static final class Counted {
    final ReentrantLock lock = new ReentrantLock();

    /** How many threads hold the lock or wait for it. */
    final AtomicInteger users = new AtomicInteger();
  }

  private final Map<K, Counted> locks = new ConcurrentHashMap<>();

  /** A lock that is held until it is closed, by the thread that took it. */
  public interface Held extends AutoCloseable {
    @Override
    void close();
  }

  /** Takes the key's lock, and waits for it; the thread may hold it already. */
  public Held take(K key) {
    Counted counted =
        locks.compute(
            key,
            (_, present) -> {
              Counted result = present == null ? new Counted() : present;
              result.users.incrementAndGet();
              return result;
            });
    counted.lock.lock();
    return () -> {
      counted.lock.unlock();
      locks.computeIfPresent(
          key, (_, present) -> present.users.decrementAndGet() == 0 ? null : present);
    };
  }

  /** Does the work while the key's lock is held. */
  public <T extends @Nullable Object> T with(K key, Supplier<T> work) {
    try (Held _ = take(key)) {
      return work.get();
    }
  }
}
