package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One lock for each container, so that one thing at a time is done to it. A lock exists as long as
 * some thread holds or wants it. Thread-safe.
 */
@Singleton
final class KeyLocks {
  private static final class Counted {
    final ReentrantLock lock = new ReentrantLock();

    /** How many threads hold the lock or wait for it. */
    final AtomicInteger users = new AtomicInteger();
  }

  private final Map<TaskKey, Counted> locks = new ConcurrentHashMap<>();

  @Inject
  KeyLocks() {}

  <T extends @Nullable Object> T with(TaskKey key, Supplier<T> work) {
    Counted counted =
        locks.compute(
            key,
            (_, present) -> {
              Counted result = present == null ? new Counted() : present;
              result.users.incrementAndGet();
              return result;
            });
    counted.lock.lock();
    try {
      return work.get();
    } finally {
      counted.lock.unlock();
      locks.computeIfPresent(
          key, (_, present) -> present.users.decrementAndGet() == 0 ? null : present);
    }
  }
}
