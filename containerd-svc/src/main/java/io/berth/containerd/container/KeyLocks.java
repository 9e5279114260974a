package io.berth.containerd.container;

import io.berth.base.id.TaskKey;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One thing at a time is done to a container. A lock lives as long as somebody holds or wants it.
 */
@Singleton
final class KeyLocks {
  private static final class Counted {
    final ReentrantLock lock = new ReentrantLock();
    int users;
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
              result.users++;
              return result;
            });
    counted.lock.lock();
    try {
      return work.get();
    } finally {
      counted.lock.unlock();
      locks.computeIfPresent(key, (_, present) -> --present.users == 0 ? null : present);
    }
  }
}
